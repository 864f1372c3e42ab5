"""Exact counts of a tenant's users, for totals and for paging by index.

The counts are kept for 256 shards, so that many users can be created at once. A shard has the users whose ids begin
with the same two hex digits. It has seven parts, by the next two digits of the id, so that a page can begin near any
user. A shard's counter packs the counts of the seven parts into one DynamoDB number, 13 bits each: one ``ADD``
increments one of them, and reading a shard costs one attribute. These 91 bits fit into 28 decimal digits, which every
engine computes exactly; DynamoDB itself has 38.

The limit: 13 bits count up to 8,191 users, and one more would carry into the next part. ``ADD`` can't check one part.
So a shard takes no more users as soon as its last part, which has the highest bits of the packed number, has 7,000:
that is one comparison in the transaction. A tenant can have about 12 million users.

Why no other part overflows before: ids are random, so the parts of a shard grow alike. When the last part has 7,000
users, another part is expected to have at most 7,194, with a standard deviation of 121: 8,192 is more than eight
standard deviations away. A client that deletes users by their ids can't fill a part much faster: it would have to
create 14 million users.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_PARTS = 7
_BITS = 13
_PART_MASK = (1 << _BITS) - 1
# Parts 0, 2, 4 and 6. Without the odd parts, each has 26 bits, in which the sum over all shards fits.
_EVEN_PARTS_MASK = sum(_PART_MASK << 2 * _BITS * number for number in range(_PARTS // 2 + 1))
_LAST_PART_LIMIT = 7_000
PACKED_COUNTER_LIMIT = _LAST_PART_LIMIT << _BITS * (_PARTS - 1)
"""A shard takes another user only while its counter is below this number."""


@dataclass(frozen=True, slots=True)
class ResourceCounters:
    """The counters of the shards that have users, in the order of the ids: ``(first two digits, packed counts)``."""

    shards: Sequence[tuple[str, int]]

    @property
    def total(self) -> int:
        """Return the number of users."""
        even = sum(packed & _EVEN_PARTS_MASK for _, packed in self.shards)
        odd = sum(packed >> _BITS & _EVEN_PARTS_MASK for _, packed in self.shards)
        mask = (1 << 2 * _BITS) - 1
        return sum((sums >> 2 * _BITS * part) & mask for sums in (even, odd) for part in range(_PARTS))

    def locate(self, index: int) -> tuple[str, int] | None:
        """Return the part of the resource with this index, counted from 1, in the order of ids.

        The result is the lowest first digits of the part's ids, and the number of resources that precede the index
        within the part; ``None`` if there are fewer resources.
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
    """Return the number that a resource adds to the counter of its shard."""
    return 1 << _BITS * (int(resource_id[2:4], 16) * _PARTS // 256)


def _format_first_digits(part: int) -> str:
    """Return digits 3 and 4 of the lowest id in a part."""
    return f"{-(-part * 256 // _PARTS):02x}"
