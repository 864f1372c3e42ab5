"""Read the change records of users, and find those that are missing.

DynamoDB deletes a record some time after its ``ttl``, and in no particular order. So a record is missing only if it
cannot have expired. When it was written is between the times of its neighbors, and its retention is that of a
neighbor.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

from scim.service.model.timestamps import parse_rfc3339
from scim.store import keys
from scim.store.maintenance.partitions import read_pages
from scim.store.table import Item, Table

_ATTRIBUTES = ("sk", "at", "ttl", "operation", "active", "userName")
_CHANGE_KEY = re.compile(r"C#([0-9a-f-]{36})#([0-9]{10})(?:#([0-9]{10}))?")
_END_OPERATIONS = frozenset({"delete", "erase"})
_MAX_GAPS = 20
_CLOCK_TOLERANCE_S = 60.0
# After a restore, versions continue at its time, in seconds since 1970 (scim.store.table.Table.version_floor).
_MIN_RESTORE_JUMP = 1_000_000


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """The version of a change record, and its number among the link changes of the version (0: the change itself)."""

    version: int
    link_number: int

    def __str__(self) -> str:
        link = f", link change {self.link_number}" if self.link_number else ""
        return f"version {self.version}{link}"


@dataclass(slots=True)
class History:
    """The change records of a user, read in order. Only the last record and the gaps are kept.

    Attributes:
        user_id: The user.
        first: The first record, and ``last`` the last record. ``None`` if there are no records.
        last: The last record.
        last_change: The last record of a change of the user itself, not of its links.
        gaps: The positions of missing records that cannot have expired, at most 20.
    """

    user_id: str
    first: Item | None = None
    last: Item | None = None
    last_change: Item | None = None
    gaps: list[RecordPosition] = field(default_factory=list)

    def add(self, record: Item, now: float) -> None:
        """Add the next record. ``now`` is in seconds since 1970."""
        if self.last is not None:
            missing = list_between(parse_position(self.last), parse_position(record))
            if missing and not can_have_expired(
                self.last["at"]["S"], min(map(_get_retention, (self.last, record))), now
            ):
                self.gaps += missing[: _MAX_GAPS - len(self.gaps)]
        else:
            self.first = record
        self.last = record
        if record["operation"]["S"] != "link":
            self.last_change = record

    @property
    def last_version(self) -> int:
        """The version of the last record, 0 if there are no records."""
        return parse_position(self.last).version if self.last else 0

    @property
    def is_deleted(self) -> bool:
        """Return whether the last record says that the user was deleted, or that its traces were erased afterwards."""
        return self.last is not None and self.last["operation"]["S"] in _END_OPERATIONS

    def can_deletion_have_expired(self, now: float) -> bool:
        """Return whether the record of the user's deletion can have expired, if the user was deleted.

        It was written after the last record that is left. So it can have expired only if that one can have expired too.
        """
        return self.last is None or can_have_expired(self.last["at"]["S"], _get_retention(self.last), now)

    def list_gaps(self, created: str, now: float) -> list[RecordPosition]:
        """Return the gaps of an existing user, including one before the first record. ``created`` is RFC 3339."""
        if self.first is None:
            return []
        missing = list_between(RecordPosition(0, 0), parse_position(self.first))
        if not missing or can_have_expired(created, _get_retention(self.first), now):
            return self.gaps
        return [*missing[:_MAX_GAPS], *self.gaps]

    def lacks_last(self, version: int, links_sequence: int, modified: str, retention_s: float, now: float) -> bool:
        """Return whether the record of the last change of an existing user or its links is missing.

        ``links_sequence`` is the number of link changes in the present version. ``retention_s`` is the present
        retention of records.
        """
        position = parse_position(self.last) if self.last else RecordPosition(0, 0)
        if (position.version, position.link_number) >= (version, links_sequence):
            return False
        retention_s = min(retention_s, _get_retention(self.last)) if self.last else retention_s
        return not can_have_expired(modified, retention_s, now)


def is_change_record(item: Item) -> bool:
    """Return whether an item with the attributes ``_ATTRIBUTES`` can be a change record."""
    if _CHANGE_KEY.fullmatch(item["sk"]["S"]) is None:
        return False
    try:
        parse_rfc3339(item["at"]["S"])
        return {"S"} == item["operation"].keys() == item["userName"].keys() and "N" in item.get("ttl", {"N": ""})
    except (KeyError, ValueError):
        return False


def parse_position(record: Item) -> RecordPosition:
    """Return the position of a record."""
    match = _CHANGE_KEY.fullmatch(record["sk"]["S"])
    if match is None:
        raise ValueError(record["sk"]["S"])
    return RecordPosition(int(match[2]), int(match[3] or 0))


def read_history(table: Table, tenant_id: str, user_id: str, now: float) -> History:
    """Return the history of one user. The reads are strongly consistent."""
    history = History(user_id)
    partition_key = keys.resource_partition(tenant_id)
    for page in read_pages(table, partition_key, keys.change_range(user_id), _ATTRIBUTES):
        for record in filter(is_change_record, page):
            history.add(record, now)
    return history


def read_histories(table: Table, tenant_id: str, after_id: str, now: float) -> Iterator[History | Item]:
    """Yield the histories of all users in the order of their ids, and each item that is no change record."""
    whole = keys.change_range()
    key_range = keys.KeyRange(keys.change_range(after_id).last, whole.last) if after_id else whole
    pages = read_pages(table, keys.resource_partition(tenant_id), key_range, _ATTRIBUTES)
    return _group(pages, now)


def _group(pages: Iterable[Sequence[Item]], now: float) -> Iterator[History | Item]:
    history: History | None = None
    for item in (item for page in pages for item in page):
        if not is_change_record(item):
            yield item
            continue
        user_id = keys.parse_changed_user_id(item["sk"]["S"])
        if history is None or history.user_id != user_id:
            if history is not None:
                yield history
            history = History(user_id)
        history.add(item, now)
    if history is not None:
        yield history


def list_between(before: RecordPosition, after: RecordPosition) -> list[RecordPosition]:
    """Return the positions between two records that must have records, as far as one can know.

    Nothing says how many link changes an earlier version had. So a missing last link change of it is not noticed.
    """
    if after.version - before.version > _MIN_RESTORE_JUMP:
        return []
    if after.version == before.version:
        numbers = range(before.link_number + 1, after.link_number)
        return [RecordPosition(after.version, number) for number in numbers[:_MAX_GAPS]]
    versions = range(before.version + 1, after.version + bool(after.link_number))
    first_links = [RecordPosition(after.version, number) for number in range(1, after.link_number)[:_MAX_GAPS]]
    return [*(RecordPosition(version, 0) for version in versions[:_MAX_GAPS]), *first_links]


def _get_retention(record: Item) -> float:
    """Return for how many seconds a record is kept."""
    if "ttl" not in record:
        return inf
    return float(record["ttl"]["N"]) - parse_rfc3339(record["at"]["S"])


def can_have_expired(at: str, retention_s: float, now: float) -> bool:
    """Return whether a record of a time (RFC 3339) can have been deleted by its ``ttl``."""
    return parse_rfc3339(at) + retention_s <= now + _CLOCK_TOLERANCE_S
