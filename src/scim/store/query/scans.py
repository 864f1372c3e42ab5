"""Scans: read the resources of a tenant in an order, from any key, forwards or backwards.

Each entry of a scan has a unique key, and the keys define the order. A scan of lookup items or of the index reads the
resources in batches. It reads a batch when its first resource is loaded, so skipped resources are not read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing
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
    """Reads resources in an order.

    If ``is_exact`` is true, all of them match the query, so the filter does not need to be evaluated.
    """

    reader: ResourceReader
    is_exact: bool

    has_stable_keys: ClassVar[bool] = False
    """True if the key of a resource is its id, which never changes. Otherwise a write can change the key."""
    has_personal_keys: ClassVar[bool] = False
    """True if keys contain values of users, such as names."""
    is_lookup: ClassVar[bool] = False
    """True if clients use this scan to find one resource. If the result has one resource, no bookmark is written."""

    @abstractmethod
    def iterate(
        self, after: str | None = None, *, is_backwards: bool = False, skip: int = 0, expected: int | None = None
    ) -> Iterator[ScanEntry]:
        """Yield the entries after the key ``after``, without the first ``skip`` of them.

        ``expected`` is the approximate number of entries that the caller will consume (``None``: all). It decides how
        much each call reads.
        """

    @abstractmethod
    def get_key(self, stored: StoredResource) -> str:
        """Return the key of a resource in the order of this scan, from the resource's current values."""

    def is_key(self, text: str) -> bool:  # noqa: ARG002  # most scans get no keys from outside
        """Return whether a text of any origin has the form of a key of this scan."""
        return False

    @abstractmethod
    def count(self) -> int:
        """Return the number of entries without reading them."""

    def locate(self, index: int) -> tuple[str | None, int] | None:
        """Return how to reach the entry number ``index``: a key to start after, and how many entries to skip.

        A key of ``None`` means the beginning. Return ``None`` if there are fewer entries.
        """
        return None, index - 1

    def restrict_reads(self, query: Query) -> Scan:  # noqa: ARG002  # most scans cannot read less
        """Return a scan of the same resources that reads only the attributes that the filter needs."""
        return self


@dataclass
class IdScan(Scan):
    """Reads all resources in the order of their ids. With ``is_document_only``, it reads only their documents."""

    paging_store: PagingStore
    is_document_only: bool = False
    has_stable_keys = True

    def iterate(
        self, after: str | None = None, *, is_backwards: bool = False, skip: int = 0, expected: int | None = None
    ) -> Iterator[ScanEntry]:
        """Yield the entries. The query returns the resources themselves, so there is no second read."""
        partition_key = self.reader.partition_key
        found_items = self.reader.query(
            keys.user_range(),
            items.DOCUMENT_ATTRIBUTES if self.is_document_only else items.RESOURCE_ATTRIBUTES,
            after=None if after is None else keys.primary_key(partition_key, keys.user_key(after)),
            is_backwards=is_backwards,
            skip=skip,
            expected=expected,
            is_reading_ahead=True,
        )
        decode = items.decode_document if self.is_document_only else self._decode_resource
        with closing(found_items):
            for item in found_items:
                self.reader.charge_budget(1)
                stored = decode(item)
                yield ScanEntry(stored.id, stored.id, stored)

    def _decode_resource(self, item: Item) -> StoredResource:
        return items.decode_resource(item, self.reader.table.version_floor)

    def get_key(self, stored: StoredResource) -> str:
        """Return the id of the resource."""
        return stored.id

    def count(self) -> int:
        """Return the number of all resources from the counters."""
        return self.paging_store.count_resources()

    def locate(self, index: int) -> tuple[str | None, int] | None:
        """Compute the position from the counters if all resources match. Otherwise start at the beginning."""
        if self.is_exact and index > 1:
            return self.paging_store.read_state().counters.locate(index)
        return None, index - 1

    def restrict_reads(self, query: Query) -> Scan:
        """Return a scan of the documents only, unless the query needs more."""
        return replace(self, is_document_only=not query.needs_item)


@dataclass
class UniqueKeyScan(Scan):
    """Reads the resources in a range of unique keys, in the order of the keys.

    ``unique`` is the unique attribute. ``count_resources`` counts all resources. It is ``None`` if the range does not
    include all of them.
    """

    unique: Attribute
    key_range: keys.KeyRange
    is_descending: bool
    count_resources: Callable[[], int] | None
    has_personal_keys = True

    def iterate(
        self, after: str | None = None, *, is_backwards: bool = False, skip: int = 0, expected: int | None = None
    ) -> Iterator[ScanEntry]:
        """Yield the entries. A resource whose unique value has changed since its key was read is not returned."""
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
        """Return the unique key of the resource."""
        return lookup_keys.unique_key(stored.resource[self.unique.name], is_case_exact=self.unique.is_case_exact)

    def is_key(self, text: str) -> bool:
        """Return whether the text is in the range of keys, and not longer than a key can be."""
        is_short = len(text.encode(errors="replace")) <= keys.MAX_SORT_KEY_BYTES
        return is_short and self.key_range.first <= text <= self.key_range.last

    def count(self) -> int:
        """Return the number of resources: from the counters if the range includes all, or else by counting keys."""
        return self.count_resources() if self.count_resources else self.reader.count(self.key_range)


@dataclass
class LastModifiedScan(Scan):
    """Reads the resources in a range of ``meta.lastModified``, in the order of time.

    Keys come from the index by time, which lags behind the table. Resources come from the table. So a resource that has
    just changed is returned at its old key, because the index may not have the new key yet.
    """

    key_range: keys.KeyRange
    is_descending: bool

    def iterate(
        self, after: str | None = None, *, is_backwards: bool = False, skip: int = 0, expected: int | None = None
    ) -> Iterator[ScanEntry]:
        """Yield the entries, including resources that have changed since the index was updated."""
        found_items = self.reader.query(
            self.key_range,
            ("sk", TIME_ATTRIBUTE),
            index_name=TIME_INDEX,
            after=None if after is None else self._decode_key(after),
            is_backwards=is_backwards != self.is_descending,
            skip=skip,
            expected=expected,
        )
        return self.reader.resolve(map(_decode_keyed_id, found_items), expected, lambda _key, _stored: True)

    def get_key(self, stored: StoredResource) -> str:
        """Return the key that the index has, or will have, for the resource."""
        return _encode_key(keys.last_modified_key(stored.modified), keys.user_key(stored.id))

    def is_key(self, text: str) -> bool:
        """Return whether the text is the time and the id of a user."""
        time, _, sort_key = text.partition(" ")
        return keys.is_last_modified_key(time) and keys.is_user_key(sort_key)

    def count(self) -> int:
        """Return the number of resources in the range of the index."""
        return self.reader.count(self.key_range, index_name=TIME_INDEX)

    def _decode_key(self, key: str) -> Item:
        """Return the primary key and index key that :func:`_encode_key` has encoded."""
        time, _, sort_key = key.partition(" ")
        return {**keys.primary_key(self.reader.partition_key, sort_key), TIME_ATTRIBUTE: {"S": time}}


def _encode_key(time: str, sort_key: str) -> str:
    return f"{time} {sort_key}"


def _decode_keyed_id(item: Item) -> KeyedId:
    sort_key = item["sk"]["S"]
    return _encode_key(item[TIME_ATTRIBUTE]["S"], sort_key), keys.parse_user_id(sort_key)
