"""Sources: the resources of a tenant in one order or another, from any place in it, forwards or backwards.

An entry's ``key`` is its place in the order of its source, and no two have the same. Documents that a source has to
look up by their ids are read when the first of a batch is asked for, so that what is skipped is never read.
"""

from __future__ import annotations

import heapq
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar

from scim.protocol.errors import TooMany
from scim.protocol.filter.ast import Path
from scim.protocol.schema import Attribute
from scim.service.model.query import Query, SortOrder
from scim.service.model.stored_resource import StoredResource
from scim.store import items, keys
from scim.store.query.bookmarks import Bookmarks
from scim.store.query.plan import IndexKey
from scim.store.table import BY_TIME, SORT_OF_INDEX, Item, Table

# What a query may read, and how much time must remain for the answer.
MAX_RESOURCES_READ = 200_000
# Past this many keys are counted, which sends nothing, rather than read and thrown away.
_READ_PAST = 1_000
_TIME_FOR_ANSWER_S = 5.0
_CHECKED_EVERY = 100
_BATCH = 100
_ATTEMPTS = 3

Reference = tuple[str, str]
"""A key, and the id of the resource that it leads to."""
SortKey = tuple[Any, str]
"""What is sorted by, and the id."""


class ScanEntry:
    """A place in the order of a source, and what is there."""

    __slots__ = ("_stored", "key")

    def __init__(self, key: str, stored: StoredResource | None) -> None:
        self.key = key
        self._stored = stored

    def load(self) -> StoredResource | None:
        """The resource, or ``None`` where it has left this place."""
        return self._stored


@dataclass
class Scan(ABC):
    """``exact``: whatever is here matches the query."""

    reader: ResourceReader
    exact: bool

    stable: ClassVar[bool] = False
    """Whether a resource never leaves its place, which its id tells."""
    looks_up: ClassVar[bool] = False
    """Whether this is for finding one resource rather than for going through many."""

    @abstractmethod
    def entries(
        self, after: str | None = None, *, backwards: bool = False, skip: int = 0, wanted: int | None = None
    ) -> Iterator[ScanEntry]:
        """The entries behind a key without the next ``skip``. About ``wanted`` of them will be drawn, ``None``: all."""

    @abstractmethod
    def key(self, stored: StoredResource) -> str:
        """The place of a resource as it is."""

    @abstractmethod
    def count(self) -> int:
        """The number of entries, without reading them."""

    def locate(self, index: int) -> tuple[str | None, int] | None:
        """A key, and how many entries behind it come before number ``index``; ``None`` if there are not so many."""
        return None, index - 1

    def lightened(self, query: Query) -> Scan:  # noqa: ARG002  # most have nothing to leave out
        """The same with nothing read that the query does not look at."""
        return self


@dataclass(slots=True)
class ResourceReader:
    """Reads documents of one tenant for one query, within its budget; ``remedy`` says what to ask instead."""

    table: Table
    partition: str
    remedy: str
    _read: int = field(default=0)

    @property
    def read(self) -> int:
        """How many users were read."""
        return self._read

    def spend(self, resources: int) -> None:
        """Raises :class:`TooMany` past the budget: of resources that are read, and of time."""
        read = self._read
        self._read += resources
        asked = not resources or not read or self._read // _CHECKED_EVERY > read // _CHECKED_EVERY
        if self._read > MAX_RESOURCES_READ or (asked and self.table.deadline.remaining_s() < _TIME_FOR_ANSWER_S):
            raise TooMany(f"The query has to read too many users. {self.remedy}")

    def query(
        self,
        span: keys.KeyRange,
        attributes: Sequence[str],
        *,
        index: str | None = None,
        after: Item | None = None,
        backwards: bool = False,
        skip: int = 0,
        wanted: int | None = None,
    ) -> Iterator[Item]:
        """The items of a range behind a key, without the next ``skip``."""
        table, partition = self.table, self.partition
        if skip > _READ_PAST:
            start = after
            for _, behind in table.query_counts(
                partition, span, index=index, after=start, backwards=backwards, limit=skip
            ):
                self.spend(0)
                after = behind
            if after is None:
                return
            skip = 0
        limit = None if wanted is None else skip + wanted + 1
        found = table.query(partition, span, attributes, index=index, after=after, backwards=backwards, limit=limit)
        for number, item in enumerate(found):
            if number % _CHECKED_EVERY == 0:
                self.spend(0)
            if number >= skip:
                yield item

    def count(self, span: keys.KeyRange, *, index: str | None = None) -> int:
        """How many items a range has."""
        total = 0
        for number, _ in self.table.query_counts(self.partition, span, index=index):
            total += number
            self.spend(0)
        return total

    def documents(self, resource_ids: Iterable[str]) -> dict[str, StoredResource]:
        """Those of the resources that exist, by id."""
        # Who moves while keys are read is met twice, and DynamoDB refuses to be asked twice.
        wanted = list(dict.fromkeys(resource_ids))
        self.spend(len(wanted))
        if len(wanted) == 1:
            item = self.table.get(self.partition, keys.user_key(wanted[0]))
            found = [item] if item else []
        else:
            found = self.table.get_all(
                self.partition, [keys.user_key(each) for each in wanted], items.RESOURCE_ATTRIBUTES
            )
        resources = map(items.decode_resource, found)
        return {stored.id: stored for stored in resources}

    def referenced(
        self, references: Iterator[Reference], wanted: int | None, is_here: Callable[[str, StoredResource], bool]
    ) -> Iterator[ScanEntry]:
        """Entries whose documents are read in batches.

        References are first drawn as many as are wanted and the one that tells whether more follow, then by batches.
        """
        size = _BATCH if wanted is None else wanted + 1
        while drawn := list(islice(references, size)):
            for first in range(0, len(drawn), _BATCH):
                batch = drawn[first : first + _BATCH]
                documents = _Batch(self, [resource_id for _, resource_id in batch])
                for key, resource_id in batch:
                    yield _Referenced(key, resource_id, documents, is_here)
            size = _BATCH


@dataclass
class _Batch:
    reader: ResourceReader
    resource_ids: Sequence[str]

    @cached_property
    def documents(self) -> Mapping[str, StoredResource]:
        return self.reader.documents(self.resource_ids)


class _Referenced(ScanEntry):
    """What a key leads to: read together with the rest of its batch, when the first of them is asked for."""

    __slots__ = ("_batch", "_is_here", "_resource_id")

    def __init__(
        self, key: str, resource_id: str, batch: _Batch, is_here: Callable[[str, StoredResource], bool]
    ) -> None:
        super().__init__(key, None)
        self._resource_id = resource_id
        self._batch = batch
        self._is_here = is_here

    def load(self) -> StoredResource | None:
        stored = self._batch.documents.get(self._resource_id)
        return stored if stored is not None and self._is_here(self.key, stored) else None


@dataclass
class IdScan(Scan):
    """All resources, in the order of their ids. ``light``: nothing but documents is read."""

    ledger: Bookmarks
    light: bool = False
    stable = True

    def entries(
        self, after: str | None = None, *, backwards: bool = False, skip: int = 0, wanted: int | None = None
    ) -> Iterator[ScanEntry]:
        partition = self.reader.partition
        found = self.reader.query(
            keys.user_range(),
            items.DOCUMENT_ATTRIBUTES if self.light else items.RESOURCE_ATTRIBUTES,
            after=None if after is None else items.primary_key(partition, keys.user_key(after)),
            backwards=backwards,
            skip=skip,
            wanted=wanted,
        )
        read = items.decode_document if self.light else items.decode_resource
        for item in found:
            self.reader.spend(1)
            stored = read(item)
            yield ScanEntry(stored.id, stored)

    def key(self, stored: StoredResource) -> str:
        return stored.id

    def count(self) -> int:
        return self.ledger.total()

    def locate(self, index: int) -> tuple[str | None, int] | None:
        """The counters tell where an index lies; where a filter must be tried, nothing does."""
        return self.ledger.read().counters.locate(index) if self.exact and index > 1 else (None, index - 1)

    def lightened(self, query: Query) -> Scan:
        return replace(self, light=not query.reads_meta)


@dataclass
class UniqueKeyScan(Scan):
    """The resources in a range of the unique attribute's keys, in their order; all of them where ``total`` is known."""

    unique: Attribute
    span: keys.KeyRange
    descending: bool
    total: Callable[[], int] | None

    def entries(
        self, after: str | None = None, *, backwards: bool = False, skip: int = 0, wanted: int | None = None
    ) -> Iterator[ScanEntry]:
        partition = self.reader.partition
        found = self.reader.query(
            self.span,
            items.REFERENCE_ATTRIBUTES,
            after=None if after is None else items.primary_key(partition, after),
            backwards=backwards != self.descending,
            skip=skip,
            wanted=wanted,
        )
        references = ((item["sk"]["S"], items.decode_reference(item)) for item in found)
        return self.reader.referenced(references, wanted, lambda key, stored: self.key(stored) == key)

    def key(self, stored: StoredResource) -> str:
        return _unique_key(stored.resource[self.unique.name], self.unique)

    def count(self) -> int:
        return self.total() if self.total else self.reader.count(self.span)


@dataclass
class LastModifiedScan(Scan):
    """The resources in a range of the times of their last change, in the order of these.

    The index follows the table; what it leads to is read as it is. One that was changed again is shown where it was
    found, since its new place may not be there yet.
    """

    span: keys.KeyRange
    descending: bool

    def entries(
        self, after: str | None = None, *, backwards: bool = False, skip: int = 0, wanted: int | None = None
    ) -> Iterator[ScanEntry]:
        found = self.reader.query(
            self.span,
            ("sk", SORT_OF_INDEX),
            index=BY_TIME,
            after=None if after is None else self._item(after),
            backwards=backwards != self.descending,
            skip=skip,
            wanted=wanted,
        )
        references = (self._reference(item) for item in found)
        return self.reader.referenced(references, wanted, lambda _key, _stored: True)

    def key(self, stored: StoredResource) -> str:
        return f"{keys.last_modified_key(stored.modified)} {keys.user_key(stored.id)}"

    def count(self) -> int:
        return self.reader.count(self.span, index=BY_TIME)

    def _item(self, key: str) -> Item:
        time, _, sort = key.partition(" ")
        return {**items.primary_key(self.reader.partition, sort), SORT_OF_INDEX: {"S": time}}

    def _reference(self, item: Item) -> Reference:
        sort = item["sk"]["S"]
        return f"{item[SORT_OF_INDEX]['S']} {sort}", keys.parse_user_id(sort)


@dataclass
class IndexScan(Scan):
    """The union of what lies at some points, in the order of ids."""

    unique: Attribute
    indexed: Mapping[str, Path]
    points: Sequence[IndexKey]
    stable = True
    looks_up = True

    def entries(
        self, after: str | None = None, *, backwards: bool = False, skip: int = 0, wanted: int | None = None
    ) -> Iterator[ScanEntry]:
        """A key leads to the resource in a second read, between which it may have moved: then both once more."""
        named = {point.value for point in self.points if point.name == "id"}
        first: list[str] = []
        documents: dict[str, StoredResource] = {}
        for _ in range(_ATTEMPTS):
            expected = None if wanted is None else skip + wanted
            references = islice(self._ids(after, backwards=backwards, wanted=expected), skip, None)
            first = list(islice(references, wanted or _BATCH))
            documents = self.reader.documents(first) if first else {}
            if all(self._is_here(each, documents[each]) if each in documents else each in named for each in first):
                break
        for each in first:
            yield ScanEntry(each, documents.get(each))
        rest = ((each, each) for each in references)
        yield from self.reader.referenced(rest, None if wanted is None else 0, self._is_here)

    def key(self, stored: StoredResource) -> str:
        return stored.id

    def count(self) -> int:
        if len(self.points) == 1 and self.points[0].name in self.indexed:
            return self.reader.count(keys.entry_range(self._prefix(self.points[0])))
        return sum(1 for _ in self._ids())

    def _ids(self, after: str | None = None, *, backwards: bool = False, wanted: int | None = None) -> Iterator[str]:
        """The ids at all points behind one, each once."""
        indexed = [point for point in self.points if point.name in self.indexed]
        ways = [self._entries(point, after, backwards=backwards, wanted=wanted) for point in indexed]
        ways.append(iter(sorted(self._singles(), reverse=backwards)))
        last = after
        for each in heapq.merge(*ways, reverse=backwards):
            if last is None or (each < last if backwards else each > last):
                last = each
                yield each

    def _entries(self, point: IndexKey, after: str | None, *, backwards: bool, wanted: int | None) -> Iterator[str]:
        prefix, partition = self._prefix(point), self.reader.partition
        found = self.reader.query(
            keys.entry_range(prefix),
            items.REFERENCE_ATTRIBUTES,
            after=None if after is None else items.primary_key(partition, prefix + after),
            backwards=backwards,
            wanted=wanted,
        )
        return (items.decode_reference(item) for item in found)

    def _singles(self) -> set[str]:
        ids = {point.value for point in self.points if point.name == "id" and keys.is_user_id(point.value)}
        unique = [_unique_key(point.value, self.unique) for point in self.points if point.name == self.unique.name]
        table, partition = self.reader.table, self.reader.partition
        if len(unique) == 1:
            item = table.get(partition, unique[0])
            found = [item] if item else []
        else:
            found = table.get_all(partition, sorted(set(unique)))
        return ids | {items.decode_reference(item) for item in found}

    def _is_here(self, _key: str, stored: StoredResource) -> bool:
        return any(self._lies_at(stored, point) for point in self.points)

    def _lies_at(self, stored: StoredResource, point: IndexKey) -> bool:
        if point.name == "id":
            return stored.id == point.value
        if point.name not in self.indexed:
            return _unique_key(stored.resource[point.name], self.unique) == _unique_key(point.value, self.unique)
        return self._prefix(point) + stored.id in keys.index_entry_keys(stored.resource, stored.id, self.indexed)

    def _prefix(self, point: IndexKey) -> str:
        leaf = self.indexed[point.name].leaf
        return keys.index_value_prefix(point.name, point.value, case_exact=leaf is not None and leaf.case_exact)


@dataclass
class SortedScan(Scan):
    """What matches in a source, in an order that no key has: all of it is read, and no more held than its keys."""

    source: Scan
    matches: Callable[[StoredResource], bool] | None
    order: SortOrder
    _total: int | None = None

    def entries(
        self, after: str | None = None, *, backwards: bool = False, skip: int = 0, wanted: int | None = None
    ) -> Iterator[ScanEntry]:
        reverse = self.order.descending != backwards
        bound = None if after is None else _read_key(after)
        behind = [each for each in self._keys() if bound is None or (each < bound if reverse else each > bound)]
        expected = 0 if wanted is None else skip + wanted + 1
        in_order = islice(_in_order(behind, expected, reverse=reverse), skip, None)
        references = ((json.dumps(each), each[1]) for each in in_order)
        return self.reader.referenced(references, wanted, lambda key, stored: self.key(stored) == key)

    def key(self, stored: StoredResource) -> str:
        return json.dumps((self.order.key(stored), stored.id))

    def count(self) -> int:
        return len(self._keys()) if self._total is None else self._total

    def _keys(self) -> set[SortKey]:
        """A set, since who changes meanwhile may be met twice."""
        loaded = (entry.load() for entry in self.source.entries())
        matches = self.matches or (lambda _: True)
        keys = {(self.order.key(each), each.id) for each in loaded if each is not None and matches(each)}
        self._total = len(keys)
        return keys


def _in_order(keys: Sequence[SortKey], expected: int, *, reverse: bool) -> Iterator[SortKey]:
    """The keys in order; past those that are expected to be drawn, all of them are sorted."""
    yield from (heapq.nlargest if reverse else heapq.nsmallest)(expected, keys)
    yield from sorted(keys, reverse=reverse)[expected:]


def _unique_key(value: str, attribute: Attribute) -> str:
    return keys.unique_key(value, case_exact=attribute.case_exact)


def _read_key(text: str) -> Any:
    """A key as it was before JSON made lists of its tuples."""

    def read(value: Any) -> Any:
        return tuple(map(read, value)) if isinstance(value, list) else value

    return read(json.loads(text))
