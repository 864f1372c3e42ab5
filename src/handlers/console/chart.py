"""The activity chart: where its bars are, in units of an SVG; the template draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scim.service.tenants.health import DailyActivity

HEIGHT = 120
_STEP, _WIDTH = 20, 14


@dataclass(frozen=True, slots=True)
class Bar:
    """A day: failures stand on top of what was written."""

    day: DailyActivity
    x: int
    written_y: float
    written_height: float
    failed_y: float
    failed_height: float


@dataclass(frozen=True, slots=True)
class Chart:
    bars: Sequence[Bar]
    width: int
    height: int
    bar_width: int
    top: int


def build_chart(days: Sequence[DailyActivity]) -> Chart:
    """``top`` is the number that the highest bar stands for."""
    top = max((day.written + day.failed for day in days), default=0) or 1
    return Chart([_bar(each, number, top) for number, each in enumerate(days)], len(days) * _STEP, HEIGHT, _WIDTH, top)


def _bar(day: DailyActivity, number: int, top: int) -> Bar:
    written, failed = (round(count * HEIGHT / top, 1) for count in (day.written, day.failed))
    return Bar(day, number * _STEP, round(HEIGHT - written, 1), written, round(HEIGHT - written - failed, 1), failed)
