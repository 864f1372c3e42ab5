"""Draw line charts with two logarithmic axes as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from bench.measure import MS, format_duration
from bench.result import format_table

_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f")
_WIDTH, _HEIGHT = 860, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 250, 40, 50
_LABEL_HEIGHT = 15


@dataclass(slots=True)
class Line:
    """A named series of points. The nth dashed line of a chart has the colour of the nth solid one."""

    name: str
    points: list[tuple[float, float]] = field(default_factory=list)
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class _Axis:
    """Maps a range of powers of ten to pixels."""

    lowest: int
    highest: int
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> _Axis:
        """Return the axis that covers the values, from pixel ``start`` to pixel ``end``."""
        lowest = math.floor(math.log10(min(values)))
        return cls(lowest, max(math.ceil(math.log10(max(values))), lowest + 1), start, end)

    def __call__(self, value: float) -> float:
        share = (math.log10(value) - self.lowest) / (self.highest - self.lowest)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[float]:
        """Return the powers of ten on the axis."""
        return [10.0**power for power in range(self.lowest, self.highest + 1)]


def draw_chart(title: str, across: str, up: str, lines: Sequence[Line]) -> str:
    """Return the lines as an SVG document. ``across`` and ``up`` label the axes. All values must be positive."""
    points = [point for line in lines for point in line.points]
    x = _Axis.over([point[0] for point in points], _LEFT, _WIDTH - _RIGHT)
    y = _Axis.over([point[1] for point in points], _HEIGHT - _BOTTOM, _TOP)
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _draw_text(middle, 20, title, anchor="middle", size=15),
        _draw_text(middle, _HEIGHT - 10, across, anchor="middle"),
        _draw_text(_LEFT - 8, _TOP - 12, up, anchor="end"),
    ]
    for tick in x.ticks:
        parts += [
            _draw_line(x(tick), _TOP, x(tick), _HEIGHT - _BOTTOM),
            _draw_text(x(tick), _HEIGHT - 32, f"{tick:,.10g}", "middle"),
        ]
    for tick in y.ticks:
        parts += [
            _draw_line(_LEFT, y(tick), _WIDTH - _RIGHT, y(tick)),
            _draw_text(_LEFT - 8, y(tick) + 4, f"{tick:,.10g}", "end"),
        ]
    numbers = {False: 0, True: 0}
    labels = []
    for line in lines:
        colour = _COLOURS[numbers[line.dashed] % len(_COLOURS)]
        numbers[line.dashed] += 1
        path = " ".join(f"{x(across)},{y(up)}" for across, up in line.points)
        dashes = ' stroke-dasharray="6 4"' if line.dashed else ""
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        parts += [f'<circle cx="{x(a)}" cy="{y(b)}" r="3" fill="{colour}"/>' for a, b in line.points]
        labels.append((y(line.points[-1][1]), line.name, colour))
    parts += [
        _draw_text(_WIDTH - _RIGHT + 10, at + 4, name, colour=colour) for at, name, colour in _spread_labels(labels)
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def build_table(lines: Sequence[Line]) -> str:
    """Return the points as a Markdown table, with a column for each number of users. Values are milliseconds."""
    numbers = sorted({number for line in lines for number, _ in line.points})
    rows = []
    for line in lines:
        values = dict(line.points)
        rows.append(
            [line.name, *(format_duration(values[number] / MS) if number in values else "" for number in numbers)]
        )
    return format_table(["users", *(f"{number:,.0f}" for number in numbers)], rows)


def _spread_labels(labels: list[tuple[float, str, str]]) -> list[tuple[float, str, str]]:
    """Return the labels ``(y, name, colour)``, moved down so that they do not overlap."""
    placed: list[tuple[float, str, str]] = []
    for at, name, colour in sorted(labels):
        lowest = placed[-1][0] + _LABEL_HEIGHT if placed else at
        placed.append((max(at, lowest), name, colour))
    return placed


def _draw_text(x: float, y: float, text: str, anchor: str = "start", size: int = 12, colour: str = "#333") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(text)}</text>'


def _draw_line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="#ddd"/>'
