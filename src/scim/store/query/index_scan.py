"""Scan the resources that have indexed values."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from scim.protocol.filter.ast import AttributePath
from scim.protocol.schema import Attribute
from scim.service.model.stored_resource import StoredResource
from scim.store import items, keys, lookup_keys
from scim.store.query.plan import IndexedValue
from scim.store.query.reader import BATCH_SIZE, ScanEntry
from scim.store.query.scans import Scan

_MAX_ATTEMPTS = 3


@dataclass
class IndexScan(Scan):
    """Reads the resources that have at least one of the indexed values, in the order of their ids.

    ``unique`` is the attribute with unique keys. ``indexed`` are the paths of the attributes with index entries, by
    name.
    """

    unique: Attribute
    indexed: Mapping[str, AttributePath]
    indexed_values: Sequence[IndexedValue]
    has_stable_keys = True
    is_lookup = True

    def iterate(
        self, after: str | None = None, *, is_backwards: bool = False, skip: int = 0, expected: int | None = None
    ) -> Iterator[ScanEntry]:
        """Yield the entries. Repeat the lookup if a value changes between the read of a key and of its resource."""
        ids_by_filter = {indexed_value.value for indexed_value in self.indexed_values if indexed_value.name == "id"}
        first: list[str] = []
        resources: dict[str, StoredResource] = {}
        for _ in range(_MAX_ATTEMPTS):
            read_ahead = None if expected is None else skip + expected
            ids = islice(self._iterate_ids(after, is_backwards=is_backwards, expected=read_ahead), skip, None)
            first = list(islice(ids, expected or BATCH_SIZE))
            resources = self.reader.read_resources(first) if first else {}
            if all(
                self._is_current(resource_id, resources[resource_id])
                if resource_id in resources
                else resource_id in ids_by_filter
                for resource_id in first
            ):
                break
        for resource_id in first:
            yield ScanEntry(resource_id, resource_id, resources.get(resource_id))
        rest = ((resource_id, resource_id) for resource_id in ids)
        yield from self.reader.resolve(rest, None if expected is None else 0, self._is_current)

    def get_key(self, stored: StoredResource) -> str:
        """Return the id of the resource."""
        return stored.id

    def count(self) -> int:
        """Return the number of resources, from their keys."""
        if len(self.indexed_values) == 1 and self.indexed_values[0].name in self.indexed:
            return self.reader.count(keys.id_range(self._entry_prefix(self.indexed_values[0])))
        return sum(1 for _ in self._iterate_ids())

    def _iterate_ids(
        self, after: str | None = None, *, is_backwards: bool = False, expected: int | None = None
    ) -> Iterator[str]:
        """Yield the ids of the resources that have one of the values, in order and without duplicates."""
        id_streams = [
            self._query_entries(indexed_value, after, is_backwards=is_backwards, expected=expected)
            for indexed_value in self.indexed_values
            if indexed_value.name in self.indexed
        ]
        id_streams.append(iter(sorted(self._look_up_unique(), reverse=is_backwards)))
        last = after
        for resource_id in heapq.merge(*id_streams, reverse=is_backwards):
            if last is None or (resource_id < last if is_backwards else resource_id > last):
                last = resource_id
                yield resource_id

    def _query_entries(
        self, indexed_value: IndexedValue, after: str | None, *, is_backwards: bool, expected: int | None
    ) -> Iterator[str]:
        """Yield the ids in the index entries of a value, in order."""
        prefix, partition_key = self._entry_prefix(indexed_value), self.reader.partition_key
        found_items = self.reader.query(
            keys.id_range(prefix),
            items.LOOKUP_ITEM_ATTRIBUTES,
            after=None if after is None else keys.primary_key(partition_key, prefix + after),
            is_backwards=is_backwards,
            expected=expected,
        )
        return (items.decode_lookup_item(item) for item in found_items)

    def _look_up_unique(self) -> set[str]:
        """Return the ids in the filter itself, and the ids of the resources with its unique values."""
        values = self.indexed_values
        ids = {indexed.value for indexed in values if indexed.name == "id" and keys.is_user_id(indexed.value)}
        unique_keys = [self._unique_key(indexed.value) for indexed in values if indexed.name == self.unique.name]
        table, partition_key = self.reader.table, self.reader.partition_key
        if len(unique_keys) == 1:
            item = table.get(partition_key, unique_keys[0])
            found_items = [item] if item else []
        else:
            found_items = table.get_all(partition_key, sorted(set(unique_keys)))
        return ids | {items.decode_lookup_item(item) for item in found_items}

    def _is_current(self, _key: str, stored: StoredResource) -> bool:
        return any(self._has_indexed_value(stored, indexed_value) for indexed_value in self.indexed_values)

    def _has_indexed_value(self, stored: StoredResource, indexed_value: IndexedValue) -> bool:
        if indexed_value.name == "id":
            return stored.id == indexed_value.value
        if indexed_value.name not in self.indexed:
            return self._unique_key(stored.resource[indexed_value.name]) == self._unique_key(indexed_value.value)
        entry_key = self._entry_prefix(indexed_value) + stored.id
        return entry_key in lookup_keys.index_entry_keys(stored.resource, stored.id, self.indexed)

    def _unique_key(self, value: str) -> str:
        return lookup_keys.unique_key(value, is_case_exact=self.unique.is_case_exact)

    def _entry_prefix(self, indexed_value: IndexedValue) -> str:
        return lookup_keys.index_prefix(indexed_value.name, self.indexed[indexed_value.name], indexed_value.value)
