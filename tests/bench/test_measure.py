"""Medians and the format of durations."""

import pytest

from bench.measure import Cost, find_median_cost, format_duration


def test_middle_is_median() -> None:
    assert find_median_cost([Cost(1, 5), Cost(2, 900), Cost(3, 4)]) == Cost(2, 5)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.000_041, "41 µs"), (0.001_402, "1.4 ms"), (0.250, "250 ms"), (2.31, "2.31 s"), (0, "0 µs")],
)
def test_duration_is_formatted(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
