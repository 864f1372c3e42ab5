"""The exact number of a tenant's resources, and where in the order of their ids each of them lies.

A shard is the first two hex digits of an id, and has seven parts by the next two. Its counter keeps the seven numbers
in one, four decimal digits each: one ``ADD`` changes the right one, and reading a shard costs one attribute. Seven,
since 28 digits are what all engines compute exactly (DynamoDB itself has 38); four digits are 9,999 users in each of
the 1,792 parts, so that no tenant may have more than about 17 million.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_PARTS = 7
_BASE = 10**4


@dataclass(frozen=True, slots=True)
class Counters:
    """The shards that hold something, in the order of the ids, each with its counter."""

    shards: Sequence[tuple[str, int]]

    @property
    def total(self) -> int:
        return sum(number for _, number in self._parts())

    def locate(self, index: int) -> tuple[str, int] | None:
        """What the id of the resource number ``index`` (from 1) begins with, and how many precede it there."""
        before = index - 1
        for beginning, number in self._parts():
            if before < number:
                return beginning, before
            before -= number
        return None

    def _parts(self) -> Iterator[tuple[str, int]]:
        for shard, packed in self.shards:
            for part in range(_PARTS):
                yield f"{shard}{-(-part * 256 // _PARTS):02x}", packed // _BASE**part % _BASE


def one(resource_id: str) -> int:
    """What a shard's counter grows by with this resource."""
    return int(_BASE ** (int(resource_id[2:4], 16) * _PARTS // 256))
