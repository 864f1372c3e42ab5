"""The keys of the table: built here and nowhere else, each with its tenant (docs/data-model.md).

A tenant's settings have a partition of their own, and so has its ledger, because IAM can tell partition keys apart and
sort keys not: that is how a function without a right to users may still read the settings, and how bookmarks may be
written outside transactions and nothing else may.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from scim.protocol.errors import InvalidValue
from scim.protocol.filter.ast import Path
from scim.protocol.normalize import normalize

# A sort key ends at 1,024 bytes (Amazon DynamoDB developer guide, "Constraints").
_LONGEST_SORT_KEY = 1_024
_LONGEST_VALUE = 900
_ID_LENGTH = 36
MAX_INDEXED_VALUES = 40
_USER_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_USERS = "U#"
_NAMES, _NAMES_END = "N#", "N$"  # $ follows #
_LAST_INSTANT = ":"  # behind every digit
FAILURE_PREFIX = "F#"
REJECTED_TOKENS_PREFIX = "X#"
MALFORMED_TOKENS_PREFIX = "Y#"
_DAYS = "D#"
COUNTER_PREFIX = "K#"
CHANGE_PREFIX = "C#"
_ACTS = "A#act#"
BOOKMARK_PREFIX = "B#"
_ID_END = "g"  # behind every hex digit and hyphen, of which ids are made
_SEARCHABLE = 800  # bytes of a value that every key of it begins with, cut or not


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Sort keys from ``first`` to ``last``, both included."""

    first: str
    last: str

    @property
    def is_empty(self) -> bool:
        """Whether nothing can lie there: DynamoDB refuses to be asked for it. The order is that of UTF-8, as there."""
        return self.first > self.last


def failure_partition(tenant_id: str) -> str:
    """The partition of what failed: IAM lets functions write here outside transactions, and nowhere else."""
    return f"F#{tenant_id}"


def failure_key(identifier: str, digest: str) -> str:
    """A failure of one kind for one person, whose identifier may be empty."""
    return f"{FAILURE_PREFIX}{_bounded(_escaped(normalize(identifier, case_exact=False)), _LONGEST_VALUE)}#{digest}"


def rejected_tokens_key(minute: str) -> str:
    """The tokens that were refused in a minute, ``2026-01-31T09:30``."""
    return f"{REJECTED_TOKENS_PREFIX}{minute}"


def malformed_tokens_key(minute: str) -> str:
    """The requests with a malformed token in a minute, ``2026-01-31T09:30``: they are no failures."""
    return f"{MALFORMED_TOKENS_PREFIX}{minute}"


FAILURE_RANGE = KeyRange("F#", "F$")
"""All failures of a tenant, by key as well as by time."""


def failure_range(identifier: str) -> KeyRange:
    """Return the range of the failures that are kept under an identifier."""
    return entry_range(failure_key(identifier, ""))


def parse_failure_identifier(sort: str) -> str:
    """Return the identifier in a failure's key, case folded; a long one is cut, as it is in the key."""
    return sort.removeprefix(FAILURE_PREFIX).rpartition("#")[0].replace("%23", "#").replace("%25", "%")


def is_failure_key(sort: str) -> bool:
    return sort.startswith(FAILURE_PREFIX)


def daily_failures_key(day: str) -> str:
    """Return the key of the counts of a day, ``2026-01-31``."""
    return f"{_DAYS}{day}"


def parse_day(sort: str) -> str:
    """Return the day in the key of its counts."""
    return sort.removeprefix(_DAYS)


def daily_failures_range(first: str, last: str) -> KeyRange:
    """Return the range of the counts of the days from ``first`` to ``last``, both included."""
    return KeyRange(daily_failures_key(first), daily_failures_key(last))


def change_range(user_id: str = "") -> KeyRange:
    """All change records, or those of one user."""
    return KeyRange(
        f"{CHANGE_PREFIX}{user_id}#" if user_id else CHANGE_PREFIX, f"{CHANGE_PREFIX}{user_id}$" if user_id else "C$"
    )


def parse_changed_user_id(sort: str) -> str:
    """The id in a change record's key."""
    return sort.split("#")[1]


def time_key(prefix: str, at: str) -> str:
    """Where a record lies in the index by time: ``C#`` those of changes, ``F#`` those of failures."""
    return prefix + at


def time_range(prefix: str, first_day: str, last_day: str) -> KeyRange:
    """Return the range of the records of some days (UTC), both included, in the index by time."""
    return KeyRange(time_key(prefix, first_day), time_key(prefix, f"{last_day}U"))  # U follows T


def is_rejected_tokens_key(sort: str) -> bool:
    return sort.startswith(REJECTED_TOKENS_PREFIX)


def is_malformed_tokens_key(sort: str) -> bool:
    return sort.startswith(MALFORMED_TOKENS_PREFIX)


PAGING_RANGE = KeyRange(BOOKMARK_PREFIX, COUNTER_PREFIX + _ID_END)
"""All of a ledger."""
COUNTER_RANGE = KeyRange(COUNTER_PREFIX, COUNTER_PREFIX + _ID_END)


def resource_partition(tenant_id: str) -> str:
    return f"T#{tenant_id}"


def settings_partition(tenant_id: str) -> str:
    return f"A#{tenant_id}"


def audit_event_key(at: str, act_id: str) -> str:
    """The record of what was done with a tenant, in the order of time."""
    return f"{_ACTS}{at}#{act_id}"


def audit_event_range(until: str | None = None) -> KeyRange:
    """The acts on a tenant, all of them or those until then."""
    return KeyRange(_ACTS, _ACTS + (f"{until}#{_ID_END}" if until else _LAST_INSTANT))


def parse_audit_event_time(sort: str) -> str:
    """The time in an act's key."""
    return sort.removeprefix(_ACTS).partition("#")[0]


def is_audit_event_key(sort: str) -> bool:
    return sort.startswith(_ACTS)


def token_usage_partition(tenant_id: str) -> str:
    """The partition of the uses of tokens: functions may write here outside transactions, and not to the settings."""
    return f"R#{tenant_id}"


def token_usage_key(version: str) -> str:
    """The use of the token in a version of the tenant's secret."""
    return f"{_USES}{version}"


def parse_token_version(sort: str) -> str:
    """The version in the key of a use."""
    return sort.removeprefix(_USES)


def is_token_usage_key(sort: str) -> bool:
    return sort.startswith(_USES)


_USES = "R#"
TOKEN_USAGE_RANGE = KeyRange(_USES, "R$")
"""The uses of all tokens of a tenant."""
SETTINGS_KEY = "A#settings"
TENANT_LIST_PARTITION = "TENANTS"
"""The partition that lists the tenants: their ids are its sort keys."""


def tenant_range(beginning: str = "") -> KeyRange:
    """All of them, or those from an id on."""
    return KeyRange(beginning or "-", "{")  # around the characters of ids


CONSOLE_PARTITION = "S#"
"""The console's own partition, which is no tenant's."""


def login_attempts_key(source: str, window: int) -> str:
    return f"S#attempts#{source}#{window}"


def ended_session_key(session_id: str) -> str:
    return f"S#ended#{session_id}"


def used_session_key(session_id: str) -> str:
    return f"S#used#{session_id}"


def invitation_key(digest: str) -> str:
    return f"S#invitation#{digest}"


def paging_partition(tenant_id: str) -> str:
    return f"L#{tenant_id}"


def user_key(user_id: str) -> str:
    return f"{_USERS}{user_id}"


def user_range(beginning: str = "") -> KeyRange:
    """All users, or those from the beginning of an id on."""
    return KeyRange(_USERS + beginning, _USERS + _ID_END)


def last_modified_range(first: str | None, last: str | None) -> KeyRange:
    """The users in the index by time, whose ``meta.lastModified`` lies between the two, both included."""
    return KeyRange(_USERS + (first or ""), _USERS + (last or _LAST_INSTANT))


def last_modified_key(instant: str) -> str:
    """Where a user lies in the index by time."""
    return _USERS + instant


def parse_user_id(sort: str) -> str:
    """The id in a user's key."""
    return sort.removeprefix(_USERS)


def is_user_id(text: str) -> bool:
    """Whether ``text`` is of the form of the ids that the service makes; no other one can be stored."""
    return _USER_ID.fullmatch(text) is not None


def unique_key(value: str, *, case_exact: bool) -> str:
    """The key whose existence is the uniqueness of a value, and whose order is the order of values."""
    return _NAMES + _bounded(normalize(value, case_exact=case_exact), _LONGEST_VALUE)


def is_searchable(text: str) -> bool:
    """Whether ranges of unique keys can begin or end at ``text``: longer values are not kept whole in keys."""
    return len(text.encode()) <= _SEARCHABLE


def unique_key_range(first: str | None, last: str | None) -> KeyRange:
    """The unique keys between the two, both included."""
    return KeyRange(_NAMES + (first or ""), _NAMES_END if last is None else _NAMES + last)


def entry_range(prefix: str) -> KeyRange:
    """The index entries of one value."""
    return KeyRange(prefix, prefix + _ID_END)


def index_prefix(name: str, path: Path, value: str) -> str:
    """Return how the keys of all index entries of a value begin; the user's id follows."""
    is_case_exact = path.leaf is not None and path.leaf.case_exact
    prefix = f"I#{name}#"
    room = min(_LONGEST_VALUE, _LONGEST_SORT_KEY - len(prefix) - len("#") - _ID_LENGTH)
    return f"{prefix}{_bounded(_escaped(normalize(value, case_exact=is_case_exact)), room)}#"


def counter_key(user_id: str) -> str:
    """The counters of the user's shard: the first two hex digits of the id, so 256 of them."""
    return f"{COUNTER_PREFIX}{user_id[:2]}"


def bookmark_key(digest: str) -> str:
    return f"{BOOKMARK_PREFIX}{digest}"


def change_key(user_id: str, version: int) -> str:
    """A change record; versions have ten digits, so that their order as text is their order."""
    return f"{CHANGE_PREFIX}{user_id}#{version:010d}"


def link_change_key(user_id: str, version: int, number: int) -> str:
    """The record of a change of links, behind that of the version whose links they are."""
    return f"{change_key(user_id, version)}#{number:010d}"


def reference_index_partition(tenant_id: str) -> str:
    """Return the partition of the reference index, the only one that linking writes outside transactions."""
    return f"W#{tenant_id}"


def referrer_key(identifier_hash: str, user_id: str) -> str:
    """Return the key that says that a user refers to the person with this identifier."""
    return f"W#{identifier_hash}#{user_id}"


def referrer_range(identifier_hash: str) -> KeyRange:
    return entry_range(f"W#{identifier_hash}#")


def parse_referrer_id(sort: str) -> str:
    return sort.rpartition("#")[2]


def index_entry_keys(resource: Mapping[str, Any], user_id: str, indexed: Mapping[str, Path]) -> set[str]:
    """The keys of a user's index entries: a set, since two of its values may be equal."""
    return {
        index_prefix(name, path, value) + user_id for name, path in indexed.items() for value in _values(resource, path)
    }


def check_index_entry_count(entries: set[str], indexed: Mapping[str, Path]) -> None:
    """Raise :class:`InvalidValue` past the number that fits into a transaction together with those before."""
    if len(entries) > MAX_INDEXED_VALUES:
        raise InvalidValue(f"At most {MAX_INDEXED_VALUES} values of {', '.join(indexed)} are kept for a user.")


def _values(resource: Mapping[str, Any], path: Path) -> Iterator[str]:
    members = resource.get(path.extension, {}) if path.extension else resource
    value = members.get(path.attribute.name) if path.attribute else None
    for element in value if isinstance(value, list) else [value]:
        found = element.get(path.sub_attribute.name) if path.sub_attribute and isinstance(element, dict) else element
        if isinstance(found, str):
            yield found


def _bounded(value: str, room: int) -> str:
    """``value``, or for one of more than ``room`` bytes its beginning and its digest: equal only where values are."""
    encoded = value.encode()
    if len(encoded) <= room:
        return value
    digest = sha256(encoded).hexdigest()
    beginning = encoded[: room - len(digest) - 1].decode(errors="ignore")
    return f"{beginning}\N{INFORMATION SEPARATOR ONE}{digest}"


def _escaped(value: str) -> str:
    """``value`` without the separator: else a look-up of ``a`` would find ``a#b``."""
    return value.replace("%", "%25").replace("#", "%23")
