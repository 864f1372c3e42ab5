"""The exact number of a tenant's resources, and where in the order of their ids each of them lies.

A shard is the first two hex digits of an id, and has seven parts by the next two. Its counter keeps the seven numbers
in one, 13 bits each: one ``ADD`` changes the right one, and reading a shard costs one attribute. Seven times 13, since
28 decimal digits are what all engines compute exactly (DynamoDB itself has 38); 13 bits are 8,191 users in each of the
1,792 parts, so that no tenant may have more than about 14 million.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_PARTS = 7
_BITS = 13
_PART = (1 << _BITS) - 1
# Every other part, so that there is room between them for the sums over all shards.
_ALTERNATE = sum(_PART << 2 * _BITS * each for each in range(_PARTS // 2 + 1))


@dataclass(frozen=True, slots=True)
class ResourceCounters:
    """The shards that hold something, in the order of the ids, each with its counter."""

    shards: Sequence[tuple[str, int]]

    @property
    def total(self) -> int:
        even = sum(packed & _ALTERNATE for _, packed in self.shards)
        odd = sum(packed >> _BITS & _ALTERNATE for _, packed in self.shards)
        room = (1 << 2 * _BITS) - 1
        return sum((each >> 2 * _BITS * part) & room for each in (even, odd) for part in range(_PARTS))

    def locate(self, index: int) -> tuple[str, int] | None:
        """What the id of the resource number ``index`` (from 1) begins with, and how many precede it there."""
        before = index - 1
        for shard, packed in self.shards:
            for part in range(_PARTS):
                number = packed >> _BITS * part & _PART
                if before < number:
                    return f"{shard}{-(-part * 256 // _PARTS):02x}", before
                before -= number
        return None


def counter_increment(resource_id: str) -> int:
    """What a shard's counter grows by with this resource."""
    return 1 << _BITS * (int(resource_id[2:4], 16) * _PARTS // 256)
