"""What commands print: tables for people, JSON for programs."""

import itertools
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

_MEASURED = 200
_WIDEST = 40
_UNITS = {"m": 60.0, "h": 3_600.0, "d": 86_400.0}


class Duration(click.ParamType[float]):
    """A time like 90d, 24h or 30m, which is not none; or one of the words that are given with theirs. In seconds."""

    name = "duration"

    def __init__(self, words: Mapping[str, float] | None = None) -> None:
        self._words = words or {}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        if value in self._words:
            return self._words[value]
        found = re.fullmatch(r"([1-9]\d{0,4})([mhd])", value)
        if found is None:
            self.fail(f"{value} is no duration here: {', '.join(['90d', '24h', '30m', *self._words])}", param, ctx)
        return int(found[1]) * _UNITS[found[2]]


def format_time(seconds: float | None) -> str:
    """A time as people read it: in their own zone, to the minute."""
    if seconds is None:
        return "never"
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M %Z")


def format_rfc3339(seconds: float | None) -> str | None:
    """A time as programs read it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def print_json(value: Any) -> None:
    """One JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_json_array(values: Iterable[Any]) -> None:
    """A JSON array, an element a line, written as its elements come."""
    click.echo("[", nl=False)
    for number, value in enumerate(values):
        click.echo(("," if number else "") + "\n" + json.dumps(value, ensure_ascii=False), nl=False)
    click.echo("\n]")


def print_fields(values: Mapping[str, str]) -> None:
    """A few names and values, a line each."""
    width = max(map(len, values))
    for name, value in values.items():
        click.echo(f"{name:<{width}}  {value}")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows as they come; the columns are as wide as the first rows need, the last one as wide as it is.

    What a row has beyond its columns stands below it, indented.
    """
    remaining = iter(rows)
    first = [list(columns), *itertools.islice(remaining, _MEASURED)]
    widths = [min(max(len(row[number]) for row in first), _WIDEST) for number in range(len(columns) - 1)]
    for row in itertools.chain(first, remaining):
        *cells, last = map(make_printable, row[: len(columns)])
        padded = [f"{_cut(cell):<{width}}" for cell, width in zip(cells, widths, strict=True)]
        click.echo("  ".join([*padded, last]).rstrip())
        for more in filter(None, row[len(columns) :]):
            click.echo(f"    {make_printable(more)}")


def _cut(cell: str) -> str:
    """Short enough for a column: one long name must not push away what everybody else has."""
    return cell if len(cell) <= _WIDEST else cell[: _WIDEST - 1] + "\N{HORIZONTAL ELLIPSIS}"


def make_printable(text: str) -> str:
    """Without control characters: a name that somebody sent must not steer the terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def now() -> float:
    return time.time()
