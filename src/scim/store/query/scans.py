"""Scans: they read the resources of a tenant in some order, from any key in it, forwards or backwards.

Each entry has a key. The scan is ordered by the keys, and no two entries have the same key. A scan of lookup items or
of an index reads the resources in batches, when the first of a batch is loaded, so that no skipped resource is read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from scim.protocol.schema import Attribute
from scim.service.model.query import Query
from scim.service.model.stored_resource import StoredResource
from scim.store import items, keys, lookup_keys
from scim.store.query.paging_store import PagingStore
from scim.store.query.reader import KeyedId, ResourceReader, ScanEntry
from scim.store.table import TIME_ATTRIBUTE, TIME_INDEX, Item


@dataclass
class Scan(ABC):
    """Reads resources in an order. ``is_exact``: all of them match the query, so that the filter is not evaluated."""

    reader: ResourceReader
    is_exact: bool

    has_stable_keys: ClassVar[bool] = False
    """True if the key of a resource is its id, which never changes. Otherwise a write can move the resource."""
    is_lookup: ClassVar[bool] = False
    """True if clients use this to find one resource. No bookmark is written then if the result has one resource."""

    @abstractmethod
    def iterate(
        self, after: str | None = None, *, is_backwards: bool = False, skip: int = 0, expected: int | None = None
    ) -> Iterator[ScanEntry]:
        """Yield the entries after the key ``after``, without the first ``skip`` of them.

        ``expected`` is about how many entries the caller will consume, ``None`` for all: it decides how much is read.
        """

    @abstractmethod
    def get_key(self, stored: StoredResource) -> str:
        """Return the current key of a resource."""

    @abstractmethod
    def count(self) -> int:
        """Return the number of entries without reading them."""

    def locate(self, index: int) -> tuple[str | None, int] | None:
        """Return a key to start after, and how many entries to skip from there, to reach entry number ``index``.

        The key is ``None`` for the beginning. Return ``None`` if there are fewer entries.
        """
        return None, index - 1

    def restrict_reads(self, query: Query) -> Scan:  # noqa: ARG002  # most scans read nothing else
        """Return a scan of the same resources that reads only the attributes that decide whether they match."""
        return self


@dataclass
class IdScan(Scan):
    """Reads all resources in the order of their ids. ``is_document_only``: it reads no attributes but documents."""

    paging_store: PagingStore
    is_document_only: bool = False
    has_stable_keys = True

    def iterate(
        self, after: str | None = None, *, is_backwards: bool = False, skip: int = 0, expected: int | None = None
    ) -> Iterator[ScanEntry]:
        partition_key = self.reader.partition_key
        found_items = self.reader.query(
            keys.user_range(),
            items.DOCUMENT_ATTRIBUTES if self.is_document_only else items.RESOURCE_ATTRIBUTES,
            after=None if after is None else keys.primary_key(partition_key, keys.user_key(after)),
            is_backwards=is_backwards,
            skip=skip,
            expected=expected,
        )
        decode = items.decode_document if self.is_document_only else items.decode_resource
        for item in found_items:
            self.reader.charge_budget(1)
            stored = decode(item)
            yield ScanEntry(stored.id, stored)

    def get_key(self, stored: StoredResource) -> str:
        return stored.id

    def count(self) -> int:
        return self.paging_store.count_resources()

    def locate(self, index: int) -> tuple[str | None, int] | None:
        """Return the key and the number from the counters, if all resources match: they count all resources."""
        if self.is_exact and index > 1:
            return self.paging_store.read_state().counters.locate(index)
        return None, index - 1

    def restrict_reads(self, query: Query) -> Scan:
        return replace(self, is_document_only=not query.needs_meta)


@dataclass
class UniqueKeyScan(Scan):
    """Reads the resources in a range of the unique attribute's keys, in the order of the keys.

    ``count_resources`` is a function that counts all resources, or ``None`` if the range does not have all of them.
    """

    unique: Attribute
    key_range: keys.KeyRange
    is_descending: bool
    count_resources: Callable[[], int] | None

    def iterate(
        self, after: str | None = None, *, is_backwards: bool = False, skip: int = 0, expected: int | None = None
    ) -> Iterator[ScanEntry]:
        partition_key = self.reader.partition_key
        found_items = self.reader.query(
            self.key_range,
            items.LOOKUP_ITEM_ATTRIBUTES,
            after=None if after is None else keys.primary_key(partition_key, after),
            is_backwards=is_backwards != self.is_descending,
            skip=skip,
            expected=expected,
        )
        keyed_ids = ((item["sk"]["S"], items.decode_lookup_item(item)) for item in found_items)
        return self.reader.resolve(keyed_ids, expected, lambda key, stored: self.get_key(stored) == key)

    def get_key(self, stored: StoredResource) -> str:
        return lookup_keys.unique_key(stored.resource[self.unique.name], is_case_exact=self.unique.is_case_exact)

    def count(self) -> int:
        return self.count_resources() if self.count_resources else self.reader.count(self.key_range)


@dataclass
class LastModifiedScan(Scan):
    """Reads the resources in a range of ``meta.lastModified``, in the order of time.

    The index by time lags behind the table, from which the resources themselves are read. So a resource that has
    changed is returned at its old key: the index may not have the new key yet.
    """

    key_range: keys.KeyRange
    is_descending: bool

    def iterate(
        self, after: str | None = None, *, is_backwards: bool = False, skip: int = 0, expected: int | None = None
    ) -> Iterator[ScanEntry]:
        found_items = self.reader.query(
            self.key_range,
            ("sk", TIME_ATTRIBUTE),
            index_name=TIME_INDEX,
            after=None if after is None else self._decode_key(after),
            is_backwards=is_backwards != self.is_descending,
            skip=skip,
            expected=expected,
        )
        return self.reader.resolve(map(_keyed_id, found_items), expected, lambda _key, _stored: True)

    def get_key(self, stored: StoredResource) -> str:
        return _encode_key(keys.last_modified_key(stored.modified), keys.user_key(stored.id))

    def count(self) -> int:
        return self.reader.count(self.key_range, index_name=TIME_INDEX)

    def _decode_key(self, key: str) -> Item:
        """Return the index key that :func:`_encode_key` has encoded."""
        time, _, sort_key = key.partition(" ")
        return {**keys.primary_key(self.reader.partition_key, sort_key), TIME_ATTRIBUTE: {"S": time}}


def _encode_key(time: str, sort_key: str) -> str:
    return f"{time} {sort_key}"


def _keyed_id(item: Item) -> KeyedId:
    sort_key = item["sk"]["S"]
    return _encode_key(item[TIME_ATTRIBUTE]["S"], sort_key), keys.parse_user_id(sort_key)
