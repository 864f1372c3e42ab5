"""Where in the order of ids a page begins."""

from scim.store.counters import Counters

COUNTERS = Counters([("00", 2), ("7f", 0), ("a0", 3)])


def test_the_total_is_the_sum_over_the_shards() -> None:
    assert COUNTERS.total == 5


def test_an_index_lies_in_the_shard_that_the_cumulated_counters_reach_it_in() -> None:
    places = [COUNTERS.locate(index) for index in range(1, 7)]
    assert places == [("00", 0), ("00", 1), ("a0", 0), ("a0", 1), ("a0", 2), None]
