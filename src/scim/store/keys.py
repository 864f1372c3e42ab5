"""Build the keys of the table's items (docs/contribute/data-model.md). They are built only here and in `value_keys`.

Functions named ``…_partition`` return a partition key, ``…_key`` a sort key, and ``…_range`` a range of sort keys.

IAM can restrict a function to partition keys, but not to sort keys. So items that only some functions may read or write
have a partition of their own: the settings, so that the discovery function can read them without reading users; and
failures, uses of tokens, bookmarks and the reference index, which are written outside transactions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from scim.protocol.normalize import normalize_string

# A sort key has at most 1,024 bytes (Amazon DynamoDB developer guide, "Constraints").
MAX_SORT_KEY_BYTES = 1_024
MAX_VALUE_BYTES = 900
_USER_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PAST_LAST_ID = "g"  # follows all hex digits and the hyphen, which are the characters of ids
_PAST_LAST_TIME = ":"  # follows all digits

_USER_PREFIX = "U#"
CHANGE_PREFIX = "C#"
FAILURE_PREFIX = "F#"
REJECTED_TOKENS_PREFIX = "X#"
MALFORMED_TOKENS_PREFIX = "Y#"
_DAILY_FAILURES_PREFIX = "D#"
COUNTER_PREFIX = "K#"
BOOKMARK_PREFIX = "B#"
_AUDIT_EVENT_PREFIX = "A#act#"
_TOKEN_USAGE_PREFIX = "R#"  # noqa: S105  # no secret


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Sort keys from ``first`` to ``last``, both included."""

    first: str
    last: str

    @property
    def is_empty(self) -> bool:
        """Return whether no key can be in the range: DynamoDB, which orders keys as Python does, rejects it."""
        return self.first > self.last


def primary_key(partition_key: str, sort_key: str) -> dict[str, Any]:
    """Return the primary key of an item in DynamoDB's attribute values."""
    return {"pk": {"S": partition_key}, "sk": {"S": sort_key}}


# Resources: users, unique keys, index entries and change records


def resource_partition(tenant_id: str) -> str:
    return f"T#{tenant_id}"


def is_user_id(text: str) -> bool:
    """Return whether ``text`` has the form of all ids of users: a UUID in lower case."""
    return _USER_ID.fullmatch(text) is not None


def user_key(user_id: str) -> str:
    return f"{_USER_PREFIX}{user_id}"


def user_range(first_id: str = "") -> KeyRange:
    """Return the range of all users, or of those whose ids are at or after ``first_id``."""
    return KeyRange(_USER_PREFIX + first_id, _USER_PREFIX + _PAST_LAST_ID)


def parse_user_id(sort_key: str) -> str:
    """Return the id in the key of a user."""
    return sort_key.removeprefix(_USER_PREFIX)


def id_range(prefix: str) -> KeyRange:
    """Return the range of the keys that consist of ``prefix`` and an id."""
    return KeyRange(prefix, prefix + _PAST_LAST_ID)


def change_record_key(user_id: str, version: int) -> str:
    """Return the key of a change record. Versions have ten digits, so that keys are in the order of versions."""
    return f"{CHANGE_PREFIX}{user_id}#{version:010d}"


def link_change_key(user_id: str, version: int, number: int) -> str:
    """Return the key of the record of a change of links. It follows the key of the record of the user's version."""
    return f"{change_record_key(user_id, version)}#{number:010d}"


def change_range(user_id: str = "") -> KeyRange:
    """Return the range of all change records, or of those of one user."""
    if not user_id:
        return KeyRange(CHANGE_PREFIX, "C$")
    return KeyRange(f"{CHANGE_PREFIX}{user_id}#", f"{CHANGE_PREFIX}{user_id}$")


def parse_changed_user_id(sort_key: str) -> str:
    """Return the id of the user in the key of a change record."""
    return sort_key.split("#")[1]


# The index by time: users, change records and failures


def last_modified_key(modified: str) -> str:
    """Return the key of a user in the index by time; ``modified`` is RFC 3339."""
    return _USER_PREFIX + modified


def last_modified_range(first: str | None, last: str | None) -> KeyRange:
    """Return the range of the users in the index by time, both bounds included; ``None`` for no bound."""
    return KeyRange(_USER_PREFIX + (first or ""), _USER_PREFIX + (last or _PAST_LAST_TIME))


def time_key(prefix: str, at: str) -> str:
    """Return the key of a record in the index by time. ``prefix`` is that of change records or of failures."""
    return prefix + at


def time_range(prefix: str, first_day: str, last_day: str) -> KeyRange:
    """Return the range of the records from one day (UTC) to another, both included, in the index by time."""
    return KeyRange(time_key(prefix, first_day), time_key(prefix, f"{last_day}U"))  # U follows T


# Failures


def failure_partition(tenant_id: str) -> str:
    """Return the partition of the failures and of their daily counts."""
    return f"F#{tenant_id}"


FAILURE_RANGE = KeyRange("F#", "F$")
"""The range of all failures of a tenant, both by their sort keys and in the index by time."""


def failure_key(identifier: str, digest: str) -> str:
    """Return the key of equal failures for one identifier, which may be empty. ``digest`` tells the failures apart."""
    value = truncate(escape(normalize_string(identifier, is_case_exact=False)), MAX_VALUE_BYTES)
    return f"{FAILURE_PREFIX}{value}#{digest}"


def failure_range(identifier: str) -> KeyRange:
    """Return the range of the failures with an identifier."""
    return id_range(failure_key(identifier, ""))


def is_failure_key(sort_key: str) -> bool:
    return sort_key.startswith(FAILURE_PREFIX)


def parse_failure_identifier(sort_key: str) -> str:
    """Return the identifier in the key of a failure. It is case-folded, and a long one is truncated."""
    return sort_key.removeprefix(FAILURE_PREFIX).rpartition("#")[0].replace("%23", "#").replace("%25", "%")


def daily_failures_key(day: str) -> str:
    """Return the key of the counts of a day, ``2026-01-31``."""
    return f"{_DAILY_FAILURES_PREFIX}{day}"


def daily_failures_range(first: str, last: str) -> KeyRange:
    """Return the range of the counts of the days from ``first`` to ``last``, both included."""
    return KeyRange(daily_failures_key(first), daily_failures_key(last))


def parse_day(sort_key: str) -> str:
    """Return the day in the key of the counts of a day."""
    return sort_key.removeprefix(_DAILY_FAILURES_PREFIX)


def rejected_tokens_key(minute: str) -> str:
    """Return the key of the tokens that were rejected in a minute, ``2026-01-31T09:30``."""
    return f"{REJECTED_TOKENS_PREFIX}{minute}"


def is_rejected_tokens_key(sort_key: str) -> bool:
    return sort_key.startswith(REJECTED_TOKENS_PREFIX)


def malformed_tokens_key(minute: str) -> str:
    """Return the key of the requests with a malformed token in a minute, ``2026-01-31T09:30``."""
    return f"{MALFORMED_TOKENS_PREFIX}{minute}"


def is_malformed_tokens_key(sort_key: str) -> bool:
    return sort_key.startswith(MALFORMED_TOKENS_PREFIX)


# Settings and audit events


def settings_partition(tenant_id: str) -> str:
    return f"A#{tenant_id}"


SETTINGS_KEY = "A#settings"


def audit_event_key(at: str, event_id: str) -> str:
    """Return the key of an audit event. The keys are in the order of time."""
    return f"{_AUDIT_EVENT_PREFIX}{at}#{event_id}"


def audit_event_range(until: str | None = None) -> KeyRange:
    """Return the range of all audit events, or of those up to the time ``until``, RFC 3339."""
    last = f"{until}#{_PAST_LAST_ID}" if until else _PAST_LAST_TIME
    return KeyRange(_AUDIT_EVENT_PREFIX, _AUDIT_EVENT_PREFIX + last)


def is_audit_event_key(sort_key: str) -> bool:
    return sort_key.startswith(_AUDIT_EVENT_PREFIX)


def parse_audit_event_time(sort_key: str) -> str:
    """Return the time in the key of an audit event."""
    return sort_key.removeprefix(_AUDIT_EVENT_PREFIX).partition("#")[0]


TENANT_LIST_PARTITION = "TENANTS"
"""The partition that lists the tenants: their ids are its sort keys."""


def tenant_range(first_id: str = "") -> KeyRange:
    """Return the range of all tenants, or of those whose ids are at or after ``first_id``."""
    return KeyRange(first_id or "-", "{")  # before and after all characters of ids


# Uses of tokens


def token_usage_partition(tenant_id: str) -> str:
    return f"R#{tenant_id}"


TOKEN_USAGE_RANGE = KeyRange(_TOKEN_USAGE_PREFIX, "R$")
"""The range of the uses of all tokens of a tenant."""


def token_usage_key(version: str) -> str:
    """Return the key of the use of the token in a version of the tenant's secret."""
    return f"{_TOKEN_USAGE_PREFIX}{version}"


def is_token_usage_key(sort_key: str) -> bool:
    return sort_key.startswith(_TOKEN_USAGE_PREFIX)


def parse_token_version(sort_key: str) -> str:
    """Return the version in the key of a token's use."""
    return sort_key.removeprefix(_TOKEN_USAGE_PREFIX)


# Counters and bookmarks of paging


def paging_partition(tenant_id: str) -> str:
    return f"L#{tenant_id}"


COUNTER_RANGE = KeyRange(COUNTER_PREFIX, COUNTER_PREFIX + _PAST_LAST_ID)
PAGING_RANGE = KeyRange(BOOKMARK_PREFIX, COUNTER_RANGE.last)
"""The range of all counters and bookmarks."""


def counter_key(user_id: str) -> str:
    """Return the key of the counter of a user's shard: the first two hex digits of the id, so one of 256."""
    return f"{COUNTER_PREFIX}{user_id[:2]}"


def bookmark_key(bookmark_id: str) -> str:
    return f"{BOOKMARK_PREFIX}{bookmark_id}"


# The reference index


def reference_index_partition(tenant_id: str) -> str:
    return f"W#{tenant_id}"


def referrer_key(identifier_hash: str, user_id: str) -> str:
    """Return the key of the entry that says that a user refers to the user with this identifier."""
    return f"W#{identifier_hash}#{user_id}"


def referrer_range(identifier_hash: str) -> KeyRange:
    return id_range(f"W#{identifier_hash}#")


def parse_referrer_id(sort_key: str) -> str:
    return sort_key.rpartition("#")[2]


# The console

CONSOLE_PARTITION = "S#"
"""The console's own partition, which belongs to no tenant."""


def sign_in_attempts_key(source: str, window: int) -> str:
    return f"S#attempts#{source}#{window}"


def ended_session_key(session_id: str) -> str:
    return f"S#ended#{session_id}"


def used_session_key(session_id: str) -> str:
    return f"S#used#{session_id}"


def invitation_key(digest: str) -> str:
    return f"S#invitation#{digest}"


# Values in keys


def truncate(value: str, max_bytes: int) -> str:
    """Return ``value``, or the beginning and the hash of a longer one. Different values have different results."""
    encoded = value.encode()
    if len(encoded) <= max_bytes:
        return value
    digest = sha256(encoded).hexdigest()
    beginning = encoded[: max_bytes - len(digest) - 1].decode(errors="ignore")
    return f"{beginning}\N{INFORMATION SEPARATOR ONE}{digest}"


def escape(value: str) -> str:
    """Return ``value`` with the separator of keys escaped: otherwise a look-up of ``a`` would also return ``a#b``."""
    return value.replace("%", "%25").replace("#", "%23")
