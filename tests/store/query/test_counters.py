"""How many there are, and where in the order of ids an index lies."""

import uuid
from random import Random

from scim.store.query.counters import ResourceCounters, counter_increment


def counters(ids: list[str]) -> ResourceCounters:
    shards: dict[str, int] = {}
    for each in ids:
        shards[each[:2]] = shards.get(each[:2], 0) + counter_increment(each)
    return ResourceCounters(sorted(shards.items()))


def test_the_total_is_the_sum_over_all_parts_of_all_shards() -> None:
    assert counters(["0000", "0001", "00ff", "7f80"]).total == 4


def test_every_index_lies_where_the_counters_say() -> None:
    """Behind what the ids there begin with, and no further away than the part is large."""
    random = Random(7)  # noqa: S311  # the same ids in every run
    ids = sorted(str(uuid.UUID(int=random.getrandbits(128), version=4)) for _ in range(3_000))
    counted = counters(ids)
    for index, resource_id in enumerate(ids, 1):
        located = counted.locate(index)
        assert located is not None
        beginning, before = located
        first = next(number for number, each in enumerate(ids) if each >= beginning)
        assert ids[first + before] == resource_id
        assert before < 20


def test_there_is_nothing_behind_the_last() -> None:
    assert counters(["0000", "00ff"]).locate(3) is None
    assert ResourceCounters([]).locate(1) is None


def test_what_is_taken_away_was_there_and_leaves_its_neighbours_alone() -> None:
    kept = ["4200", "42ff"]
    shards = dict(counters([*kept, "4224"]).shards)
    shards["42"] -= counter_increment("4224")
    assert ResourceCounters(list(shards.items())) == counters(kept)


def test_a_part_holds_thousands() -> None:
    full = 8_191 * counter_increment("4200") + 8_191 * counter_increment("42ff") + 3 * counter_increment("4240")
    assert ResourceCounters([("42", full)] * 256).total == 256 * (8_191 * 2 + 3)
