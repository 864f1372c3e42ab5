"""The results of a run: figures, their bars, and tables of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Row:
    """A figure and the most that it may be; a row without a bar is there for comparison.

    The figure is infinite where the request was refused, which is ``null`` in JSON and never holds. ``ours`` and
    ``theirs`` say for people what the figure is the ratio of.
    """

    name: str
    value: float
    bar: float | None = None
    ours: str = ""
    theirs: str = ""

    @property
    def shown(self) -> float:
        """Return the value as it is printed, with four decimals: the bar is compared with this value."""
        return round(self.value, _DIGITS)

    @property
    def holds(self) -> bool | None:
        return None if self.bar is None else self.shown <= self.bar

    def line(self) -> str:
        bar = "" if self.bar is None else f"{self.bar:.5g}"
        verdict = {True: "holds", False: "FAILS", None: ""}[self.holds]
        compared = f"{self.ours} : {self.theirs}" if self.theirs else self.ours
        return f"{self.name:<68} {self.value:>9.4g} {bar:>7}  {verdict:<5}  {compared}".rstrip()


@dataclass(frozen=True, slots=True)
class Section:
    """The outcome of one part of the run.

    ``blocks`` are the texts for docs/contribute/performance.md, by the name of the block there. ``charts`` are SVG
    documents, by file name.
    """

    rows: list[Row]
    blocks: Mapping[str, str] = field(default_factory=dict)
    charts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailedPart:
    """A part of the run that was not measured to its end, and why."""

    name: str
    reason: str

    def line(self) -> str:
        return f"{self.name:<68} FAILED: {self.reason}"


HEADING = f"{'what':<68} {'value':>9} {'bar':>7}         ours : theirs"


def to_records(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return the rows with a bar in the format of ``bench/results.json``."""
    return [
        {
            "name": row.name,
            "value": row.shown if math.isfinite(row.shown) else None,
            "bar": row.bar,
            "holds": row.holds,
        }
        for row in rows
        if row.bar is not None
    ]


def to_json(rows: Iterable[Row], failed: Iterable[FailedPart] = ()) -> str:
    """Return one row a line, so that two runs can be compared. A failed part is a line without a value."""
    parts = [{"part": part.name, "failed": part.reason} for part in failed]
    lines = ",\n".join(f"  {json.dumps(record)}" for record in [*to_records(rows), *parts])
    return f"[\n{lines}\n]\n"


def format_table(heading: list[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table. All columns but the first are aligned to the right."""
    lines = [heading, ["---"] + ["---:"] * (len(heading) - 1), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def format_verdicts(rows: Iterable[Row]) -> str:
    """Return the rows with a bar as a table of docs/contribute/performance.md."""
    return format_table(
        ["", "ours", "theirs", "value", "bar", "holds"],
        [
            [row.name, row.ours, row.theirs, f"{row.value:.4g}", f"{row.bar:.4g}", "yes" if row.holds else "**no**"]
            for row in rows
            if row.bar is not None
        ],
    )
