"""Print tables for people and JSON for programs, and parse durations."""

import itertools
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

_MEASURED_ROWS = 200
_MAX_WIDTH = 40
_UNITS = {"m": 60.0, "h": 3_600.0, "d": 86_400.0}


class Duration(click.ParamType[float]):
    """A duration such as 90d, 24h or 30m, or one of ``words``. The value is in seconds."""

    name = "duration"

    def __init__(self, words: Mapping[str, float] | None = None) -> None:
        self._words = words or {}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the duration in seconds."""
        if isinstance(value, float):
            return value
        if value in self._words:
            return self._words[value]
        match = re.fullmatch(r"([1-9]\d{0,4})([mhd])", value)
        if match is None:
            self.fail(
                f"'{value}' is not valid; use for example {', '.join(['30m', '24h', '90d', *self._words])}.", param, ctx
            )
        return int(match[1]) * _UNITS[match[2]]


def format_time(seconds: float | None) -> str:
    """Return a time for people, in the local time zone. ``seconds`` are since 1970, ``None`` for never."""
    if seconds is None:
        return "never"
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M %Z")


def format_rfc3339(seconds: float | None) -> str | None:
    """Return a time for programs, in UTC (RFC 3339). ``seconds`` are since 1970, ``None`` for no time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def print_json(value: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_json_array(values: Iterable[Any]) -> None:
    """Print a JSON array with one element in each line. Each element is printed as soon as it is read.

    If reading fails, the array ends after the last element that was read, and the error is raised.
    """
    click.echo("[", nl=False)
    try:
        for number, value in enumerate(values):
            click.echo(("," if number else "") + "\n" + json.dumps(value, ensure_ascii=False), nl=False)
    finally:
        click.echo("\n]")


def print_fields(values: Mapping[str, str]) -> None:
    """Print names and values, one pair in each line."""
    width = max(map(len, values))
    for name, value in values.items():
        click.echo(f"{name:<{width}}  {value}")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table. Each row is printed as soon as it is read.

    The first rows determine the width of the columns. The last column has no maximum width. Cells of a row after the
    last column are printed below the row, indented.
    """
    remaining = iter(rows)
    first = [list(columns), *itertools.islice(remaining, _MEASURED_ROWS)]
    widths = [min(max(len(row[number]) for row in first), _MAX_WIDTH) for number in range(len(columns) - 1)]
    for row in itertools.chain(first, remaining):
        *cells, last = map(make_printable, row[: len(columns)])
        padded = [f"{_truncate(cell):<{width}}" for cell, width in zip(cells, widths, strict=True)]
        click.echo("  ".join([*padded, last]).rstrip())
        for cell in filter(None, row[len(columns) :]):
            click.echo(f"    {make_printable(cell)}")


def _truncate(cell: str) -> str:
    """Truncate a cell to the maximum width of a column."""
    return cell if len(cell) <= _MAX_WIDTH else cell[: _MAX_WIDTH - 1] + "\N{HORIZONTAL ELLIPSIS}"


def make_printable(text: str) -> str:
    """Replace control characters, so that text from a client cannot control the terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def now() -> float:
    """Return the current time in seconds since 1970."""
    return time.time()
