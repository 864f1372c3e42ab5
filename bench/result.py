"""The results of a run: figures with their limits, and tables of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Row:
    """A figure, and the maximum that is acceptable for it. A row without a limit is only informative.

    The figure is infinite if the server rejected the request. This is ``null`` in JSON, and the limit is not met. If
    the figure is a ratio, ``ours`` and ``theirs`` describe the two values, with their units.
    """

    name: str
    value: float
    limit: float | None = None
    ours: str = ""
    theirs: str = ""

    @property
    def rounded_value(self) -> float:
        """Return the value rounded to four decimals, as it is printed. This value is compared with the limit."""
        return round(self.value, _DIGITS)

    @property
    def is_met(self) -> bool | None:
        """Return whether the limit is met, or ``None`` if there is no limit."""
        return None if self.limit is None else self.rounded_value <= self.limit

    def line(self) -> str:
        """Return the row as a line of the table on the terminal."""
        limit = "" if self.limit is None else f"{self.limit:.5g}"
        verdict = {True: "met", False: "EXCEEDED", None: ""}[self.is_met]
        compared = f"{self.ours} : {self.theirs}" if self.theirs else self.ours
        return f"{self.name:<68} {self.value:>9.4g} {limit:>7}  {verdict:<8}  {compared}".rstrip()


@dataclass(frozen=True, slots=True)
class Section:
    """The result of one part of the run.

    ``blocks`` are texts for docs/contribute/performance.md, by the name of their marks there. ``charts`` are SVG
    documents, by file name.
    """

    rows: list[Row]
    blocks: Mapping[str, str] = field(default_factory=dict)
    charts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailedPart:
    """A part of the run that failed, and the reason."""

    name: str
    reason: str

    def line(self) -> str:
        """Return a line for the table on the terminal."""
        return f"{self.name:<68} FAILED: {self.reason}"


HEADING = f"{'figure':<68} {'value':>9} {'limit':>7}  {'':<8}  Muster : compared with"


def to_records(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return the rows that have a limit, in the format of ``bench/results.json``."""
    return [
        {
            "name": row.name,
            "value": row.rounded_value if math.isfinite(row.rounded_value) else None,
            "limit": row.limit,
            "met": row.is_met,
        }
        for row in rows
        if row.limit is not None
    ]


def to_json(rows: Iterable[Row], failed: Iterable[FailedPart] = ()) -> str:
    """Return the content of ``bench/results.json``, with one row on each line, so that runs can be compared."""
    parts = [{"part": part.name, "failed": part.reason} for part in failed]
    lines = ",\n".join(f"  {json.dumps(record)}" for record in [*to_records(rows), *parts])
    return f"[\n{lines}\n]\n"


def format_table(heading: list[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table. All columns except the first are aligned to the right."""
    lines = [heading, ["---"] + ["---:"] * (len(heading) - 1), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def format_verdicts(rows: Iterable[Row]) -> str:
    """Return the rows that have a limit as a Markdown table."""
    return format_table(
        ["", "Muster", "compared with", "value", "limit", "met"],
        [
            [row.name, row.ours, row.theirs, f"{row.value:.4g}", f"{row.limit:.4g}", "yes" if row.is_met else "**no**"]
            for row in rows
            if row.limit is not None
        ],
    )
