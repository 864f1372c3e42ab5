"""Count a tenant's users exactly, for totals and for index paging.

**Shards.** The counts are kept in 256 shards, so that many users can be created at the same time. A shard has the users
whose ids begin with the same two hex digits. It has seven parts, by the next two digits, so that a page can begin near
any user.

**Packing.** The counter of a shard packs the counts of its seven parts into one DynamoDB number, with 13 bits each. One
``ADD`` increments one of them, and reading a shard costs one attribute. The 91 bits need 28 decimal digits. DynamoDB
numbers have 38, and the local engines are exact for 28, too.

**Limit.** 13 bits count up to 8,191 users. One more would carry into the next part, and ``ADD`` cannot check a single
part. So a shard accepts no more users when its last part has 7,000. That part has the highest bits of the number, so
one comparison in the transaction is enough. A tenant can have about 12 million users.

**Why no other part overflows first.** Ids are random, so the parts of a shard grow at the same rate. When the last part
has 7,000 users, another part is expected to have at most 7,194, with a standard deviation of 121. 8,192 is more than
eight standard deviations away. Deleting selected users does not help a client to fill a part much faster: it would
still have to create 14 million users.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_PARTS = 7
_BITS = 13
_PART_MASK = (1 << _BITS) - 1
# Parts 0, 2, 4 and 6. Without the odd parts, each has 26 bits, which hold the sum over all shards.
_EVEN_PARTS_MASK = sum(_PART_MASK << 2 * _BITS * number for number in range(_PARTS // 2 + 1))
_LAST_PART_LIMIT = 7_000
PACKED_COUNTER_LIMIT = _LAST_PART_LIMIT << _BITS * (_PARTS - 1)
"""A shard accepts another user only while its counter is below this number."""


@dataclass(frozen=True, slots=True)
class ResourceCounters:
    """The counters of the shards, as ``(first two digits, packed counts)``, in the order of ids."""

    shards: Sequence[tuple[str, int]]

    @property
    def total(self) -> int:
        """Return the number of users."""
        even = sum(packed & _EVEN_PARTS_MASK for _, packed in self.shards)
        odd = sum(packed >> _BITS & _EVEN_PARTS_MASK for _, packed in self.shards)
        mask = (1 << 2 * _BITS) - 1
        return sum((sums >> 2 * _BITS * part) & mask for sums in (even, odd) for part in range(_PARTS))

    def locate(self, index: int) -> tuple[str, int] | None:
        """Find the part that contains the user number ``index`` (from 1) in the order of ids.

        Return the first four digits of the lowest id that the part can have, and how many users of the part precede the
        index. Return ``None`` if there are fewer users.
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
    """Return the number that a user adds to the counter of its shard."""
    return 1 << _BITS * (int(resource_id[2:4], 16) * _PARTS // 256)


def _format_first_digits(part: int) -> str:
    """Return digits 3 and 4 of the lowest id that a part can have."""
    return f"{-(-part * 256 // _PARTS):02x}"
