"""Scan in an order for which the table has no keys."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from scim.service.model.query import SortOrder
from scim.service.model.stored_resource import StoredResource
from scim.store.keys import MAX_VALUE_BYTES, truncate
from scim.store.query.reader import ScanEntry
from scim.store.query.scans import Scan

# A shorter string has less than MAX_VALUE_BYTES, because a character has at most four bytes.
_MIN_LONG_VALUE = MAX_VALUE_BYTES // 4

SortPosition = tuple[Any, str]
"""The value by which a resource is sorted, and its id."""


@dataclass
class SortedScan(Scan):
    """Reads the matching resources of another scan, in the order of a sort attribute.

    It reads all of them to sort them, but keeps only their positions. The resources of the page are read again.
    """

    scan: Scan
    matches: Callable[[StoredResource], bool] | None
    order: SortOrder
    _total: int | None = None
    has_personal_keys = True

    def iterate(
        self, after: str | None = None, *, is_backwards: bool = False, skip: int = 0, expected: int | None = None
    ) -> Iterator[ScanEntry]:
        """Yield the entries. A resource whose sort value changes between the two reads is not returned."""
        reverse = self.order.is_descending != is_backwards
        bound = None if after is None else _decode_key(after)
        positions = self._read_positions()
        following = [
            position for position in positions if bound is None or (position < bound if reverse else position > bound)
        ]
        read_ahead = 0 if expected is None else skip + expected + 1
        in_order = islice(_sort_lazily(following, read_ahead, reverse=reverse), skip, None)
        keyed_ids = ((json.dumps(position), position[1]) for position in in_order)
        return self.reader.resolve(keyed_ids, expected, lambda key, stored: self.get_key(stored) == key)

    def get_key(self, stored: StoredResource) -> str:
        """Return the position of the resource as JSON."""
        return json.dumps(self._compute_position(stored))

    def count(self) -> int:
        """Return the number of matches. They are read only if :meth:`iterate` has not read them."""
        return len(self._read_positions()) if self._total is None else self._total

    def _read_positions(self) -> set[SortPosition]:
        """Return the positions of all matches. It is a set, because the other scan can read a resource twice."""
        loaded = (entry.load() for entry in self.scan.iterate())
        matches = self.matches or (lambda _: True)
        positions = {self._compute_position(stored) for stored in loaded if stored is not None and matches(stored)}
        self._total = len(positions)
        return positions

    def _compute_position(self, stored: StoredResource) -> SortPosition:
        return _shorten(self.order.key(stored)), stored.id


def _shorten(value: Any) -> Any:
    """Return a sort key with the beginning and the hash of each long string.

    All sort keys are in memory at once. Values that differ only after about 800 bytes are in no particular order.
    """
    if isinstance(value, str):
        return truncate(value, MAX_VALUE_BYTES) if len(value) > _MIN_LONG_VALUE else value
    return tuple(map(_shorten, value)) if isinstance(value, tuple) else value


def _sort_lazily(positions: Sequence[SortPosition], expected: int, *, reverse: bool) -> Iterator[SortPosition]:
    """Yield the positions in order. Sort all of them only if the caller consumes more than ``expected`` positions."""
    yield from (heapq.nlargest if reverse else heapq.nsmallest)(expected, positions)
    yield from sorted(positions, reverse=reverse)[expected:]


def _decode_key(text: str) -> Any:
    """Return the position in a key. JSON arrays become tuples, as in the original position."""

    def to_tuples(value: Any) -> Any:
        return tuple(map(to_tuples, value)) if isinstance(value, list) else value

    return to_tuples(json.loads(text))
