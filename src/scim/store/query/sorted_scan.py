"""The scan in an order that no key has."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from scim.service.model.query import SortOrder
from scim.service.model.stored_resource import StoredResource
from scim.store.query.reader import ScanEntry
from scim.store.query.scans import Scan

SortPosition = tuple[Any, str]
"""The value that is sorted by, and the id."""


@dataclass
class SortedScan(Scan):
    """The resources of another scan that match, sorted. All of them are read, and only their sort keys are kept."""

    scan: Scan
    matches: Callable[[StoredResource], bool] | None
    order: SortOrder
    _total: int | None = None

    def iterate(
        self, after: str | None = None, *, is_backwards: bool = False, skip: int = 0, expected: int | None = None
    ) -> Iterator[ScanEntry]:
        reverse = self.order.descending != is_backwards
        bound = None if after is None else _decode_key(after)
        following = [key for key in self._read_keys() if bound is None or (key < bound if reverse else key > bound)]
        read_ahead = 0 if expected is None else skip + expected + 1
        in_order = islice(_sort_lazily(following, read_ahead, reverse=reverse), skip, None)
        keyed_ids = ((json.dumps(key), key[1]) for key in in_order)
        return self.reader.resolve(keyed_ids, expected, lambda key, stored: self.get_key(stored) == key)

    def get_key(self, stored: StoredResource) -> str:
        return json.dumps((self.order.key(stored), stored.id))

    def count(self) -> int:
        return len(self._read_keys()) if self._total is None else self._total

    def _read_keys(self) -> set[SortPosition]:
        """Return the sort keys of all that match: a set, since a resource that changes meanwhile may come twice."""
        loaded = (entry.load() for entry in self.scan.iterate())
        matches = self.matches or (lambda _: True)
        keys = {(self.order.key(stored), stored.id) for stored in loaded if stored is not None and matches(stored)}
        self._total = len(keys)
        return keys


def _sort_lazily(keys: Sequence[SortPosition], expected: int, *, reverse: bool) -> Iterator[SortPosition]:
    """Yield the keys in order. All of them are sorted only if more than ``expected`` are drawn."""
    yield from (heapq.nlargest if reverse else heapq.nsmallest)(expected, keys)
    yield from sorted(keys, reverse=reverse)[expected:]


def _decode_key(text: str) -> Any:
    """Return the key with tuples, of which JSON has made arrays."""

    def to_tuples(value: Any) -> Any:
        return tuple(map(to_tuples, value)) if isinstance(value, list) else value

    return to_tuples(json.loads(text))
