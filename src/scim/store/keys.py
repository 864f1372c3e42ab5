"""Build and parse the keys of the table's items (docs/contribute/data-model.md).

Keys are built only here and in the other modules of this package named ``keys`` or ``lookup_keys``. Functions named
``…_partition`` return a partition key, ``…_key`` a sort key, and ``…_range`` a range of sort keys.

IAM can restrict a Lambda function to partition keys, but not to sort keys. So items that only some functions may access
are in separate partitions. The discovery function reads settings without access to users. Failures, token usage,
bookmarks and the reference index are written without a transaction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from scim.protocol.normalize import normalize_string
from scim.service.model.identifiers import MAX_IDENTIFIER_LENGTH

MAX_SORT_KEY_BYTES = 1_024  # Amazon DynamoDB developer guide, "Constraints"
MAX_VALUE_BYTES = 900  # the rest is for the other parts of a key
_USER_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LAST_MODIFIED_KEY = re.compile(r"U#\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_PAST_LAST_ID = "g"  # sorts after the hex digits and the hyphen, which are the characters of ids
_PAST_LAST_TIME = ":"  # sorts after the digits

_USER_PREFIX = "U#"
CHANGE_PREFIX = "C#"
FAILURE_PREFIX = "F#"
_REJECTED_TOKENS_PREFIX = "X#"
_MALFORMED_TOKENS_PREFIX = "Y#"
_DAILY_FAILURES_PREFIX = "D#"
COUNTER_PREFIX = "K#"
BOOKMARK_PREFIX = "B#"
_AUDIT_EVENT_PREFIX = "A#act#"
_TOKEN_USAGE_PREFIX = "R#"  # noqa: S105  # no secret


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The sort keys from ``first`` to ``last``, inclusive."""

    first: str
    last: str

    @property
    def is_empty(self) -> bool:
        """Return whether no key can be in the range. DynamoDB orders keys as Python does, and rejects such a range."""
        return self.first > self.last


def primary_key(partition_key: str, sort_key: str) -> dict[str, Any]:
    """Return the primary key of an item, as DynamoDB attribute values."""
    return {"pk": {"S": partition_key}, "sk": {"S": sort_key}}


def truncate(value: str, max_bytes: int) -> str:
    """Return ``value``, or the beginning and the hash of a longer one. Different values have different results."""
    encoded = value.encode()
    if len(encoded) <= max_bytes:
        return value
    digest = sha256(encoded).hexdigest()
    beginning = encoded[: max_bytes - len(digest) - 1].decode(errors="ignore")
    return f"{beginning}\N{INFORMATION SEPARATOR ONE}{digest}"


def escape(value: str) -> str:
    """Return ``value`` with ``#``, the separator of keys, escaped. Otherwise a lookup of ``a`` also finds ``a#b``."""
    return value.replace("%", "%25").replace("#", "%23")


# Resources: users, unique keys, index entries and change records


def resource_partition(tenant_id: str) -> str:
    """Return the partition of a tenant's users, unique keys, index entries and change records."""
    return f"T#{tenant_id}"


def is_user_id(text: str) -> bool:
    """Return whether ``text`` has the form of the ids that this service creates: a lower-case UUID."""
    return _USER_ID.fullmatch(text) is not None


def user_key(user_id: str) -> str:
    """Return the key of a user."""
    return f"{_USER_PREFIX}{user_id}"


def is_user_key(text: str) -> bool:
    """Return whether ``text`` is the key of a user."""
    return text.startswith(_USER_PREFIX) and is_user_id(parse_user_id(text))


def user_range(first_id: str = "") -> KeyRange:
    """Return the range of all users, or of those with the id ``first_id`` or a later one."""
    return KeyRange(_USER_PREFIX + first_id, _USER_PREFIX + _PAST_LAST_ID)


def parse_user_id(sort_key: str) -> str:
    """Return the id from the key of a user."""
    return sort_key.removeprefix(_USER_PREFIX)


def id_range(prefix: str) -> KeyRange:
    """Return the range of all keys that consist of ``prefix`` and an id."""
    return KeyRange(prefix, prefix + _PAST_LAST_ID)


def change_record_key(user_id: str, version: int) -> str:
    """Return the key of a change record. Versions have ten digits, so that keys sort in the order of versions."""
    return f"{CHANGE_PREFIX}{user_id}#{version:010d}"


def link_change_key(user_id: str, version: int, number: int) -> str:
    """Return the key of the record of link change ``number`` in a version. It sorts after the version's own record."""
    return f"{change_record_key(user_id, version)}#{number:010d}"


def change_range(user_id: str = "") -> KeyRange:
    """Return the range of all change records, or of the change records of one user."""
    if not user_id:
        return KeyRange(CHANGE_PREFIX, "C$")
    return KeyRange(f"{CHANGE_PREFIX}{user_id}#", f"{CHANGE_PREFIX}{user_id}$")


def parse_changed_user_id(sort_key: str) -> str:
    """Return the id of the user from the key of a change record."""
    return sort_key.split("#")[1]


# The index by time: users, change records and failures


def last_modified_key(modified: str) -> str:
    """Return the key of a user in the index by time. ``modified`` is in RFC 3339, UTC."""
    return _USER_PREFIX + modified


def is_last_modified_key(text: str) -> bool:
    """Return whether ``text`` is the key of a user in the index by time."""
    return _LAST_MODIFIED_KEY.fullmatch(text) is not None


def last_modified_range(first: str | None, last: str | None) -> KeyRange:
    """Return the range of users in the index by time, inclusive. ``None`` means unbounded."""
    return KeyRange(_USER_PREFIX + (first or ""), _USER_PREFIX + (last or _PAST_LAST_TIME))


def time_key(prefix: str, at: str) -> str:
    """Return the key of a record in the index by time. ``prefix`` is the prefix of change records or of failures."""
    return prefix + at


def time_range(prefix: str, first_day: str, last_day: str) -> KeyRange:
    """Return the range of the records from one day (UTC) to another, inclusive, in the index by time."""
    return KeyRange(time_key(prefix, first_day), time_key(prefix, f"{last_day}U"))  # U sorts after T


# Failures


def failure_partition(tenant_id: str) -> str:
    """Return the partition of a tenant's failures and of their daily counts."""
    return f"F#{tenant_id}"


FAILURE_RANGE = KeyRange("F#", "F$")
"""The range of all failures of a tenant, both by their sort keys and in the index by time."""


def failure_key(identifier: str, digest: str) -> str:
    """Return the key of a failure under an identifier, which can be empty. ``digest`` identifies the failure."""
    recorded = identifier[:MAX_IDENTIFIER_LENGTH]  # a failure record contains no more
    return f"{FAILURE_PREFIX}{truncate(escape(normalize_string(recorded)), MAX_VALUE_BYTES)}#{digest}"


def failure_range(identifier: str) -> KeyRange:
    """Return the range of the failures under an identifier."""
    return id_range(failure_key(identifier, ""))


def is_failure_key(sort_key: str) -> bool:
    """Return whether the key is that of a failure, not of a count of tokens or of a day."""
    return sort_key.startswith(FAILURE_PREFIX)


def parse_failure_identifier(sort_key: str) -> str:
    """Return the identifier from the key of a failure. It is normalized, and truncated if it is long."""
    return sort_key.removeprefix(FAILURE_PREFIX).rpartition("#")[0].replace("%23", "#").replace("%25", "%")


def daily_failures_key(day: str) -> str:
    """Return the key of the counts of a day, such as ``2026-01-31``."""
    return f"{_DAILY_FAILURES_PREFIX}{day}"


def daily_failures_range(first: str, last: str) -> KeyRange:
    """Return the range of the counts of the days from ``first`` to ``last``, inclusive."""
    return KeyRange(daily_failures_key(first), daily_failures_key(last))


def parse_day(sort_key: str) -> str:
    """Return the day from the key of its counts."""
    return sort_key.removeprefix(_DAILY_FAILURES_PREFIX)


def rejected_tokens_key(minute: str) -> str:
    """Return the key of the count of rejected tokens in a minute, such as ``2026-01-31T09:30``."""
    return f"{_REJECTED_TOKENS_PREFIX}{minute}"


def malformed_tokens_key(minute: str) -> str:
    """Return the key of the count of malformed tokens in a minute, such as ``2026-01-31T09:30``."""
    return f"{_MALFORMED_TOKENS_PREFIX}{minute}"


def is_token_count_key(sort_key: str) -> bool:
    """Return whether the key is that of a count of rejected or malformed tokens."""
    return sort_key.startswith((_REJECTED_TOKENS_PREFIX, _MALFORMED_TOKENS_PREFIX))


# Settings and audit events


def settings_partition(tenant_id: str) -> str:
    """Return the partition of a tenant's settings and audit events."""
    return f"A#{tenant_id}"


SETTINGS_KEY = "A#settings"


def audit_event_key(at: str, event_id: str) -> str:
    """Return the key of an audit event. Keys sort in the order of time (``at``, RFC 3339)."""
    return f"{_AUDIT_EVENT_PREFIX}{at}#{event_id}"


def audit_event_range(since: str = "", until: str = "") -> KeyRange:
    """Return the range of the audit events from one time to another (RFC 3339), inclusive. Empty means unbounded."""
    last = f"{until}#{_PAST_LAST_ID}" if until else _PAST_LAST_TIME
    return KeyRange(_AUDIT_EVENT_PREFIX + since, _AUDIT_EVENT_PREFIX + last)


def is_audit_event_key(sort_key: str) -> bool:
    """Return whether the key is that of an audit event."""
    return sort_key.startswith(_AUDIT_EVENT_PREFIX)


def parse_audit_event_time(sort_key: str) -> str:
    """Return the time from the key of an audit event."""
    return sort_key.removeprefix(_AUDIT_EVENT_PREFIX).partition("#")[0]


TENANT_LIST_PARTITION = "TENANTS"
"""The partition that lists the tenants. Its sort keys are their ids."""


def tenant_range(first_id: str = "") -> KeyRange:
    """Return the range of all tenants, or of those with the id ``first_id`` or a later one."""
    return KeyRange(first_id or "-", "{")  # these sort before and after all characters of ids


HEALTH_CHECK_PARTITION = "HEALTH"
"""The partition of the position of the health check, which is about all tenants."""
HEALTH_CHECK_KEY = "check"


# Token usage


def token_usage_partition(tenant_id: str) -> str:
    """Return the partition of a tenant's token usage: an item for each token."""
    return f"R#{tenant_id}"


TOKEN_USAGE_RANGE = KeyRange(_TOKEN_USAGE_PREFIX, "R$")
"""The range of the usage of all tokens of a tenant."""


def token_usage_key(version: str) -> str:
    """Return the key of the usage of a token. ``version`` is the token's version of the tenant's secret."""
    return f"{_TOKEN_USAGE_PREFIX}{version}"


def is_token_usage_key(sort_key: str) -> bool:
    """Return whether the key is that of the usage of a token."""
    return sort_key.startswith(_TOKEN_USAGE_PREFIX)


def parse_token_version(sort_key: str) -> str:
    """Return the version of the secret from the key of a token's usage."""
    return sort_key.removeprefix(_TOKEN_USAGE_PREFIX)


# Counters and bookmarks for paging


def paging_partition(tenant_id: str) -> str:
    """Return the partition of a tenant's counters and bookmarks."""
    return f"L#{tenant_id}"


COUNTER_RANGE = KeyRange(COUNTER_PREFIX, COUNTER_PREFIX + _PAST_LAST_ID)
PAGING_RANGE = KeyRange(BOOKMARK_PREFIX, COUNTER_RANGE.last)
"""The range of all counters and bookmarks."""


def counter_key(user_id: str) -> str:
    """Return the key of the counter of a user's shard. The first two hex digits of the id select one of 256 shards."""
    return f"{COUNTER_PREFIX}{user_id[:2]}"


def bookmark_key(bookmark_id: str) -> str:
    """Return the key of a bookmark."""
    return f"{BOOKMARK_PREFIX}{bookmark_id}"


# The reference index


def reference_index_partition(tenant_id: str) -> str:
    """Return the partition of a tenant's reference index."""
    return f"W#{tenant_id}"


def referrer_key(identifier_hash: str, user_id: str) -> str:
    """Return the key of the entry for a user who refers to the user with this identifier."""
    return f"W#{identifier_hash}#{user_id}"


def referrer_range(identifier_hash: str) -> KeyRange:
    """Return the range of the entries for all users who refer to the user with this identifier."""
    return id_range(f"W#{identifier_hash}#")


def parse_referrer_id(sort_key: str) -> str:
    """Return the id of the referring user from the key of an entry."""
    return sort_key.rpartition("#")[2]
