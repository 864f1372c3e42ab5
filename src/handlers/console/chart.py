"""The activity chart: the geometry of its bars and axes, in percent of the SVG that the template draws.

The SVG has no view box. So its bars stretch with the page, and its texts keep their size, also on a phone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from scim.service.tenants.health import DailyActivity

_LEFT, _TOP, _BOTTOM = 12.0, 8.0, 84.0
"""Where the bars begin and end. The space to the left is for the numbers, that below for the days."""
_BAR_SHARE = 0.7
"""The share of its day that a bar takes."""
_DAYS_BETWEEN_LABELS = 7


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar of a day: failures are drawn on top of changes."""

    day: DailyActivity
    x: float
    changes_y: float
    changes_height: float
    failures_y: float
    failures_height: float


@dataclass(frozen=True, slots=True)
class AxisLabel:
    """A label of an axis, and its position along the axis."""

    text: str
    position: float


@dataclass(frozen=True, slots=True)
class Chart:
    """``counts`` are the labels of the vertical axis, ``days`` those of the horizontal axis."""

    bars: Sequence[Bar]
    bar_width: float
    counts: Sequence[AxisLabel]
    days: Sequence[AxisLabel]
    left: float = _LEFT
    bottom: float = _BOTTOM

    @property
    def change_count(self) -> int:
        """The changes of all days."""
        return sum(bar.day.changes for bar in self.bars)

    @property
    def failure_count(self) -> int:
        """The failures of all days."""
        return sum(bar.day.failures for bar in self.bars)

    @property
    def has_more_changes(self) -> bool:
        """Whether ``change_count`` is a lower bound."""
        return any(bar.day.has_more_changes for bar in self.bars)


def build_chart(days: Sequence[DailyActivity]) -> Chart:
    """Return the chart of some days, from the oldest to the newest."""
    axis_end = _round_up(max((day.changes + day.failures for day in days), default=0))
    step = (100 - _LEFT) / max(len(days), 1)
    bar_width = step * _BAR_SHARE
    newest = len(days) - 1
    return Chart(
        [_build_bar(day, _LEFT + index * step, axis_end) for index, day in enumerate(days)],
        round(bar_width, 2),
        [AxisLabel(f"{count:,}", _locate(count, axis_end)) for count in _list_counts(axis_end)],
        [
            AxisLabel(_format_day(day.day), round(_LEFT + index * step + bar_width / 2, 2))
            for index, day in enumerate(days)
            if (newest - index) % _DAYS_BETWEEN_LABELS == 0
        ],
    )


def _build_bar(day: DailyActivity, x: float, axis_end: int) -> Bar:
    changes_y = _locate(day.changes, axis_end)
    failures_y = _locate(day.changes + day.failures, axis_end)
    return Bar(day, round(x, 2), changes_y, round(_BOTTOM - changes_y, 2), failures_y, round(changes_y - failures_y, 2))


def _locate(count: int, axis_end: int) -> float:
    """Return the vertical position of a count."""
    return round(_BOTTOM - (_BOTTOM - _TOP) * count / axis_end, 2)


def _round_up(count: int) -> int:
    """Return the end of the vertical axis: the least number of the form 1, 2 or 5 times a power of ten, at least 2."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if factor * power >= max(count, 2):
                return factor * power
        power *= 10


def _list_counts(axis_end: int) -> Iterator[int]:
    """Yield the counts with labels: zero, the middle if it is a whole number, and the end."""
    yield 0
    if axis_end % 2 == 0:
        yield axis_end // 2
    yield axis_end


def _format_day(day: str) -> str:
    """Return an RFC 3339 full-date as day and month."""
    parsed = date.fromisoformat(day)
    return f"{parsed.day} {parsed:%b}"
