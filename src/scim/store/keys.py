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
FAILED = "F#"
REFUSALS = "X#"
MALFORMED_TOKENS = "Y#"
_DAYS = "D#"
COUNTERS = "K#"
CHANGES = "C#"
_ACTS = "A#act#"
BOOKMARKS = "B#"
_ID_END = "g"  # behind every hex digit and hyphen, of which ids are made
_SEARCHABLE = 800  # bytes of a value that every key of it begins with, cut or not


@dataclass(frozen=True, slots=True)
class Range:
    """Sort keys from ``first`` to ``last``, both included."""

    first: str
    last: str

    @property
    def is_empty(self) -> bool:
        """Whether nothing can lie there: DynamoDB refuses to be asked for it. The order is that of UTF-8, as there."""
        return self.first > self.last


def failures(tenant_id: str) -> str:
    """The partition of what failed: IAM lets functions write here outside transactions, and nowhere else."""
    return f"F#{tenant_id}"


def failure(identifier: str, digest: str) -> str:
    """A failure of one kind for one person, whose identifier may be empty."""
    return f"{FAILED}{_bounded(_escaped(normalize(identifier, case_exact=False)), _LONGEST_VALUE)}#{digest}"


def refusals(minute: str) -> str:
    """The tokens that were refused in a minute, ``2026-01-31T09:30``."""
    return f"{REFUSALS}{minute}"


def malformed_tokens(minute: str) -> str:
    """The requests with a malformed token in a minute, ``2026-01-31T09:30``: they are no failures."""
    return f"{MALFORMED_TOKENS}{minute}"


FAILURES = Range("F#", "F$")
"""All failures of a tenant, by key as well as by time."""


def failures_of(identifier: str) -> Range:
    """Return the range of the failures that are kept under an identifier."""
    return entries(failure(identifier, ""))


def failed_identifier(sort: str) -> str:
    """Return the identifier in a failure's key, case folded; a long one is cut, as it is in the key."""
    return sort.removeprefix(FAILED).rpartition("#")[0].replace("%23", "#").replace("%25", "%")


def is_failure(sort: str) -> bool:
    return sort.startswith(FAILED)


def daily_failures(day: str) -> str:
    """Return the key of the counts of a day, ``2026-01-31``."""
    return f"{_DAYS}{day}"


def counted_day(sort: str) -> str:
    """Return the day in the key of its counts."""
    return sort.removeprefix(_DAYS)


def days(first: str, last: str) -> Range:
    """Return the range of the counts of the days from ``first`` to ``last``, both included."""
    return Range(daily_failures(first), daily_failures(last))


def changes(user_id: str = "") -> Range:
    """All change records, or those of one user."""
    return Range(f"{CHANGES}{user_id}#" if user_id else CHANGES, f"{CHANGES}{user_id}$" if user_id else "C$")


def changed_id(sort: str) -> str:
    """The id in a change record's key."""
    return sort.split("#")[1]


def recorded(prefix: str, at: str) -> str:
    """Where a record lies in the index by time: ``C#`` those of changes, ``F#`` those of failures."""
    return prefix + at


def recorded_between(prefix: str, first_day: str, last_day: str) -> Range:
    """Return the range of the records of some days (UTC), both included, in the index by time."""
    return Range(recorded(prefix, first_day), recorded(prefix, f"{last_day}U"))  # U follows T


def is_refusal(sort: str) -> bool:
    return sort.startswith(REFUSALS)


def is_malformed_tokens(sort: str) -> bool:
    return sort.startswith(MALFORMED_TOKENS)


LEDGER = Range(BOOKMARKS, COUNTERS + _ID_END)
"""All of a ledger."""
ALL_COUNTERS = Range(COUNTERS, COUNTERS + _ID_END)


def tenant(tenant_id: str) -> str:
    return f"T#{tenant_id}"


def settings(tenant_id: str) -> str:
    return f"A#{tenant_id}"


def act(at: str, act_id: str) -> str:
    """The record of what was done with a tenant, in the order of time."""
    return f"{_ACTS}{at}#{act_id}"


def acts(until: str | None = None) -> Range:
    """The acts on a tenant, all of them or those until then."""
    return Range(_ACTS, _ACTS + (f"{until}#{_ID_END}" if until else _LAST_INSTANT))


def acted_at(sort: str) -> str:
    """The time in an act's key."""
    return sort.removeprefix(_ACTS).partition("#")[0]


def is_act(sort: str) -> bool:
    return sort.startswith(_ACTS)


def uses(tenant_id: str) -> str:
    """The partition of the uses of tokens: functions may write here outside transactions, and not to the settings."""
    return f"R#{tenant_id}"


def use(version: str) -> str:
    """The use of the token in a version of the tenant's secret."""
    return f"{_USES}{version}"


def used_version(sort: str) -> str:
    """The version in the key of a use."""
    return sort.removeprefix(_USES)


def is_use(sort: str) -> bool:
    return sort.startswith(_USES)


_USES = "R#"
USES = Range(_USES, "R$")
"""The uses of all tokens of a tenant."""
SETTINGS = "A#settings"
TENANTS = "TENANTS"
"""The partition that lists the tenants: their ids are its sort keys."""


def tenants(beginning: str = "") -> Range:
    """All of them, or those from an id on."""
    return Range(beginning or "-", "{")  # around the characters of ids


CONSOLE = "S#"
"""The console's own partition, which is no tenant's."""


def attempts(source: str, window: int) -> str:
    return f"S#attempts#{source}#{window}"


def ended_session(session_id: str) -> str:
    return f"S#ended#{session_id}"


def used_session(session_id: str) -> str:
    return f"S#used#{session_id}"


def invitation(digest: str) -> str:
    return f"S#invitation#{digest}"


def ledger(tenant_id: str) -> str:
    return f"L#{tenant_id}"


def user(user_id: str) -> str:
    return f"{_USERS}{user_id}"


def users(beginning: str = "") -> Range:
    """All users, or those from the beginning of an id on."""
    return Range(_USERS + beginning, _USERS + _ID_END)


def times(first: str | None, last: str | None) -> Range:
    """The users in the index by time, whose ``meta.lastModified`` lies between the two, both included."""
    return Range(_USERS + (first or ""), _USERS + (last or _LAST_INSTANT))


def last_modified(instant: str) -> str:
    """Where a user lies in the index by time."""
    return _USERS + instant


def resource_id(sort: str) -> str:
    """The id in a user's key."""
    return sort.removeprefix(_USERS)


def is_user_id(text: str) -> bool:
    """Whether ``text`` is of the form of the ids that the service makes; no other one can be stored."""
    return _USER_ID.fullmatch(text) is not None


def unique(value: str, *, case_exact: bool) -> str:
    """The key whose existence is the uniqueness of a value, and whose order is the order of values."""
    return _NAMES + _bounded(normalize(value, case_exact=case_exact), _LONGEST_VALUE)


def is_searchable(text: str) -> bool:
    """Whether ranges of unique keys can begin or end at ``text``: longer values are not kept whole in keys."""
    return len(text.encode()) <= _SEARCHABLE


def names(first: str | None, last: str | None) -> Range:
    """The unique keys between the two, both included."""
    return Range(_NAMES + (first or ""), _NAMES_END if last is None else _NAMES + last)


def entries(prefix: str) -> Range:
    """The index entries of one value."""
    return Range(prefix, prefix + _ID_END)


def index(attribute: str, value: str, *, case_exact: bool) -> str:
    """What the keys of all index entries of a value begin with; the user's id follows."""
    prefix = f"I#{attribute}#"
    room = min(_LONGEST_VALUE, _LONGEST_SORT_KEY - len(prefix) - len("#") - _ID_LENGTH)
    return f"{prefix}{_bounded(_escaped(normalize(value, case_exact=case_exact)), room)}#"


def indexed_value(name: str, path: Path, value: str) -> str:
    """The same for the value of an indexed attribute."""
    return index(name, value, case_exact=path.leaf is not None and path.leaf.case_exact)


def counter(user_id: str) -> str:
    """The counters of the user's shard: the first two hex digits of the id, so 256 of them."""
    return f"{COUNTERS}{user_id[:2]}"


def bookmark(digest: str) -> str:
    return f"{BOOKMARKS}{digest}"


def change(user_id: str, version: int) -> str:
    """A change record; versions have ten digits, so that their order as text is their order."""
    return f"{CHANGES}{user_id}#{version:010d}"


def link(user_id: str, version: int, number: int) -> str:
    """The record of a change of links, behind that of the version whose links they are."""
    return f"{change(user_id, version)}#{number:010d}"


def reference_index(tenant_id: str) -> str:
    """Return the partition of the reference index, the only one that linking writes outside transactions."""
    return f"W#{tenant_id}"


def referrer(handle: str, user_id: str) -> str:
    """Return the key that says that a user refers to the person with the handle."""
    return f"W#{handle}#{user_id}"


def referrers(handle: str) -> Range:
    return entries(f"W#{handle}#")


def referrer_id(sort: str) -> str:
    return sort.rpartition("#")[2]


def index_entries(resource: Mapping[str, Any], user_id: str, indexed: Mapping[str, Path]) -> set[str]:
    """The keys of a user's index entries: a set, since two of its values may be equal."""
    return {
        indexed_value(name, path, value) + user_id
        for name, path in indexed.items()
        for value in _values(resource, path)
    }


def check_number_of_entries(entries: set[str], indexed: Mapping[str, Path]) -> None:
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
