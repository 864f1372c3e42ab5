"""The exact number of a tenant's users, and where in the order of their ids each of them is.

A shard has the users whose ids begin with the same two hex digits, so there are 256. It has seven parts, by the next
two digits of the id. A shard's counter packs the seven numbers of users into one DynamoDB number, 13 bits each: one
``ADD`` increments one of them, and reading a shard costs one attribute. These 91 bits fit into 28 decimal digits, which
every engine computes exactly; DynamoDB itself has 38.

13 bits count up to 8,191 users, and one more would carry into the next part. ``ADD`` can't check one part. So a shard
refuses another user as soon as its last part, whose number comes first in the order of the packed numbers, has 7,000:
that is one comparison in the transaction. Ids are random, so the parts of a shard grow alike. Of two parts, the second
is expected to have at most 7,194 then, with a standard deviation of 121: 8,192 are more than eight of these away. A
tenant can have about 12 million users. A client that deletes users by their ids can't fill a part much faster: of 14
million users that it creates, one part gets 8,192.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_PARTS = 7
_BITS = 13
_PART_MASK = (1 << _BITS) - 1
# Every other part, so that there is room between them for the sums over all shards.
_EVEN_PARTS_MASK = sum(_PART_MASK << 2 * _BITS * number for number in range(_PARTS // 2 + 1))
_LAST_PART_LIMIT = 7_000
SHARD_LIMIT = _LAST_PART_LIMIT << _BITS * (_PARTS - 1)
"""A shard takes another user only while its counter is below this."""


@dataclass(frozen=True, slots=True)
class ResourceCounters:
    """The counters of the shards that have users, in the order of the ids: ``(shard, packed numbers)``."""

    shards: Sequence[tuple[str, int]]

    @property
    def total(self) -> int:
        even = sum(packed & _EVEN_PARTS_MASK for _, packed in self.shards)
        odd = sum(packed >> _BITS & _EVEN_PARTS_MASK for _, packed in self.shards)
        mask = (1 << 2 * _BITS) - 1
        return sum((sums >> 2 * _BITS * part) & mask for sums in (even, odd) for part in range(_PARTS))

    def locate(self, index: int) -> tuple[str, int] | None:
        """Find resource number ``index``, counted from 1, in the order of ids.

        Return the first digits of the ids of its part, and how many resources precede it within the part; ``None``
        if there are not so many resources.
        """
        preceding = index - 1
        for shard, packed in self.shards:
            for part in range(_PARTS):
                number = packed >> _BITS * part & _PART_MASK
                if preceding < number:
                    return f"{shard}{_format_first_digits(part)}", preceding
                preceding -= number
        return None


def compute_increment(resource_id: str) -> int:
    """Return what a resource adds to the counter of its shard."""
    return 1 << _BITS * (int(resource_id[2:4], 16) * _PARTS // 256)


def _format_first_digits(part: int) -> str:
    """Return the lowest digits 3 and 4 of the ids in a part."""
    return f"{-(-part * 256 // _PARTS):02x}"
