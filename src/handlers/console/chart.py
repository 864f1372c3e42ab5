"""The activity chart: the geometry of its bars, in units of the SVG that the template draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scim.service.tenants.health import DailyActivity

HEIGHT = 120
_BAR_STEP, _BAR_WIDTH = 20, 14


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar of a day: failures are drawn on top of writes."""

    day: DailyActivity
    x: int
    written_y: float
    written_height: float
    failed_y: float
    failed_height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """``max_count`` is the number of writes and failures of the highest bar, at least 1."""

    bars: Sequence[Bar]
    width: int
    height: int
    bar_width: int
    max_count: int


def build_chart(days: Sequence[DailyActivity]) -> Chart:
    """Return the chart of some days."""
    max_count = max((day.changes + day.failures for day in days), default=0) or 1
    return Chart(
        [_build_bar(day, index, max_count) for index, day in enumerate(days)],
        len(days) * _BAR_STEP,
        HEIGHT,
        _BAR_WIDTH,
        max_count,
    )


def _build_bar(day: DailyActivity, index: int, max_count: int) -> Bar:
    written_height, failed_height = (round(count * HEIGHT / max_count, 1) for count in (day.changes, day.failures))
    return Bar(
        day,
        index * _BAR_STEP,
        round(HEIGHT - written_height, 1),
        written_height,
        round(HEIGHT - written_height - failed_height, 1),
        failed_height,
    )
