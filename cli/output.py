"""Print tables for people and JSON for programs, and parse durations."""

import itertools
import json
import re
import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from scim.service.model.timestamps import format_rfc3339 as format_stored_time
from scim.service.model.timestamps import parse_rfc3339

_MEASURED_ROWS = 200
_MAX_WIDTH = 40
_UNITS = {"m": 60.0, "h": 3_600.0, "d": 86_400.0}
_RFC3339 = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")


class ColoredText(str):
    """A cell of a table that is shown in a color on a terminal. ``color`` is a name of ``click.style``."""

    color: str

    def __new__(cls, text: str, color: str) -> "ColoredText":
        """Return the text with its color, empty for none."""
        colored_text = super().__new__(cls, text)
        colored_text.color = color
        return colored_text


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


class PastTime(click.ParamType[float]):
    """A time in the past: a duration before now, such as 24h, or a date or time of RFC 3339.

    The value is in seconds since 1970. A time without a zone is in UTC.
    """

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the time in seconds since 1970."""
        if isinstance(value, float):
            return value
        if re.fullmatch(r"[1-9]\d{0,4}[mhd]", value):
            return now() - Duration().convert(value, param, ctx)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"'{value}' is not valid; use for example 30m, 24h, 7d, 2026-06-01 or 2026-06-01T09:00Z.", param, ctx
            )
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def format_time(moment: float | str) -> str:
    """Return a time for people, to the second in UTC.

    ``moment`` is in seconds since 1970, or RFC 3339. A damaged text is returned as it is.
    """
    try:
        seconds = parse_rfc3339(moment) if isinstance(moment, str) else moment
    except ValueError:
        return str(moment)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def format_optional_time(moment: float | str | None, missing: str = "-") -> str:
    """Return a time for people, or ``missing`` for ``None`` and for an empty text."""
    return missing if moment is None or moment == "" else format_time(moment)


def format_rfc3339(seconds: float | None) -> str | None:
    """Return a time for programs, in UTC (RFC 3339). ``seconds`` are since 1970, ``None`` for no time."""
    return None if seconds is None else format_stored_time(seconds)


def format_sentence(text: str) -> str:
    """Return sentences for people: without control characters, and with times as :func:`format_time` returns them."""
    return _RFC3339.sub(lambda match: format_time(match[0]), make_printable(text))


def print_json(value: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_json_lines(values: Iterable[Any]) -> None:
    """Print a JSON document in each line. Each one is printed as soon as it is read."""
    for value in values:
        click.echo(json.dumps(value, ensure_ascii=False))


def print_fields(values: Mapping[str, str]) -> None:
    """Print names and values, one pair in each line. A value with several lines is aligned."""
    width = max(map(measure_width, values))
    for name, value in values.items():
        label = _pad(name, width)
        for line in value.split("\n"):
            click.echo(f"{label}  {_color(make_printable(line), value)}".rstrip())
            label = " " * width


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table. Each row is printed as soon as it is read.

    The first rows determine the width of the columns. The last column has no maximum width. Empty cells are shown as
    ``-``. Cells of a row after the last column are printed below the row, indented.
    """
    remaining = iter(rows)
    first_rows = list(itertools.islice(remaining, _MEASURED_ROWS))
    table = Table(columns, first_rows)
    for row in itertools.chain(first_rows, remaining):
        table.print_row(row)


class Table:
    """A table whose rows are printed one by one. The rows in ``samples`` and the headings determine the widths."""

    def __init__(self, columns: Sequence[str], samples: Iterable[Sequence[str]]) -> None:
        self._count = len(columns)
        rows = [columns, *samples]
        self._widths = [
            min(max(measure_width(row[number]) for row in rows), _MAX_WIDTH) for number in range(self._count - 1)
        ]
        self.print_row(columns)

    def print_row(self, row: Sequence[str]) -> None:
        """Print a row, and below it its cells after the last column."""
        *cells, last = (cell or "-" for cell in row[: self._count])
        padded = [_color(_pad(_truncate(cell), width), cell) for cell, width in zip(cells, self._widths, strict=True)]
        click.echo("  ".join([*padded, _color(make_printable(last), last)]).rstrip())
        for cell in filter(None, row[self._count :]):
            click.echo(f"    {make_printable(cell)}")


def _color(text: str, cell: str) -> str:
    """Return a text in the color of a cell. The text of a cell without a color stays as it is."""
    color = cell.color if isinstance(cell, ColoredText) else ""
    return click.style(text, fg=color) if color and text else text


def _truncate(cell: str) -> str:
    """Truncate a cell to the maximum width of a column, and replace its control characters."""
    text = make_printable(cell)
    if measure_width(text) <= _MAX_WIDTH:
        return text
    ends = itertools.accumulate(map(_measure_character, text))
    length = sum(1 for end in ends if end < _MAX_WIDTH)
    return text[:length] + "\N{HORIZONTAL ELLIPSIS}"


def _pad(text: str, width: int) -> str:
    """Add spaces, so that the text takes ``width`` columns of a terminal."""
    return text + " " * (width - measure_width(text))


def measure_width(text: str) -> int:
    """Return how many columns of a terminal a text takes.

    Wide characters take two (Unicode Standard Annex 11, "East Asian Width"), combining and format characters none.
    """
    return len(text) if text.isascii() else sum(map(_measure_character, text))


def _measure_character(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def make_printable(text: str) -> str:
    """Replace control characters, so that text from a client cannot control the terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def now() -> float:
    """Return the current time in seconds since 1970."""
    return time.time()
