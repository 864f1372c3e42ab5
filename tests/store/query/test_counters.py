"""The counters of users: the total, and the position of an index in the order of ids."""

import math
import uuid
from collections import Counter
from random import Random

import pytest

from scim.store.query.counters import PACKED_COUNTER_LIMIT, ResourceCounters, compute_increment


def count_ids(ids: list[str]) -> ResourceCounters:
    shards: dict[str, int] = {}
    for resource_id in ids:
        shards[resource_id[:2]] = shards.get(resource_id[:2], 0) + compute_increment(resource_id)
    return ResourceCounters(sorted(shards.items()))


def test_total_is_the_sum_of_all_parts() -> None:
    assert count_ids(["0000", "0001", "00ff", "7f80"]).total == 4


def test_counters_locate_every_index() -> None:
    """The counters return a prefix of ids, and how many ids with this prefix precede the index."""
    random = Random(7)  # noqa: S311  # the same ids in every run
    ids = sorted(str(uuid.UUID(int=random.getrandbits(128), version=4)) for _ in range(3_000))
    counters = count_ids(ids)
    for index, resource_id in enumerate(ids, 1):
        located = counters.locate(index)
        assert located is not None
        prefix, preceding = located
        first = next(number for number, other in enumerate(ids) if other >= prefix)
        assert ids[first + preceding] == resource_id
        assert preceding < 20


def test_index_after_the_last_is_not_located() -> None:
    assert count_ids(["0000", "00ff"]).locate(3) is None
    assert ResourceCounters([]).locate(1) is None


def test_decrement_does_not_change_other_parts() -> None:
    remaining = ["4200", "42ff"]
    shards = dict(count_ids([*remaining, "4224"]).shards)
    shards["42"] -= compute_increment("4224")
    assert ResourceCounters(list(shards.items())) == count_ids(remaining)


def test_part_holds_8191() -> None:
    full = 8_191 * compute_increment("4200") + 8_191 * compute_increment("42ff") + 3 * compute_increment("4240")
    assert ResourceCounters([("42", full)] * 256).total == 256 * (8_191 * 2 + 3)


def compute_overflow_distance(part_6: int) -> float:
    """Return by how many standard deviations a part overflows later than ``part_6`` users are in the last part."""
    sizes = Counter(digits * 7 // 256 for digits in range(256))
    ratio = max(sizes.values()) / sizes[6]
    return (8_191 - part_6 * ratio) / math.sqrt(part_6 * ratio * (1 + ratio))


def test_limit_is_eight_deviations_below_overflow() -> None:
    assert 7_000 * compute_increment("42ff") == PACKED_COUNTER_LIMIT
    assert compute_overflow_distance(7_000) > 8


def test_random_ids_fill_parts_equally() -> None:
    random = Random(7)  # noqa: S311  # the same ids in every run
    packed = 0
    while packed < PACKED_COUNTER_LIMIT:
        packed += compute_increment(f"42{random.randrange(256):02x}")
    parts = [packed >> 13 * part & 8_191 for part in range(7)]
    assert sum(parts) == ResourceCounters([("42", packed)]).total
    assert 49_000 < sum(parts) < 51_000
    assert max(parts) < 7_500


@pytest.mark.parametrize("digits", ["00", "24", "25", "49", "6d", "92", "b6", "db", "ff"])
def test_overflow_carries_into_the_next_part(digits: str) -> None:
    """This is what :data:`PACKED_COUNTER_LIMIT` prevents."""
    full = 8_191 * compute_increment(f"42{digits}")
    assert ResourceCounters([("42", full)]).total == 8_191
    assert full + compute_increment(f"42{digits}") == 8_192 * compute_increment(f"42{digits}")
    assert ResourceCounters([("42", full + compute_increment(f"42{digits}"))]).total in {1, 0}
