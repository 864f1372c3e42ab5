"""Rendering of templates, and the assets. Both are read once."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from handlers.console.response import BASE
from scim.service.model.timestamps import parse_rfc3339

_FOLDER = Path(__file__).parent
_ASSETS = {
    "console.css": "text/css; charset=utf-8",
    "copy.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "refresh.js": "text/javascript; charset=utf-8",
    "times.js": "text/javascript; charset=utf-8",
}
_MINUTE_S = 60
_AGE_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", _MINUTE_S))
_MAX_AGE_S = 30 * 86_400
_COMMAND = re.compile(r"`(muster [^`]*)`")
_TIME = re.compile(r'(?<!")\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z')


@cache
def load_templates() -> Environment:
    """Return the environment of the templates. All values are escaped; an undefined name is an error."""
    environment = Environment(
        autoescape=True, loader=FileSystemLoader(_FOLDER / "templates"), undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "format_age": format_age,
        "format_exact_time": format_exact_time,
        "format_second": format_second,
        "format_sentence": format_sentence,
        "format_time": format_time,
        "format_times_in": format_times_in,
        "measure_age": measure_age,
        "day": lambda text: text[:10],
    }
    environment.globals |= {"base": BASE, "asset": build_asset_path}
    return environment


def render(template: str, **values: Any) -> str:
    """Return the HTML of a template, given by its file name."""
    return load_templates().get_template(template).render(values)


def preload() -> None:
    """Compile all templates and read all assets, so that a SnapStart snapshot has them."""
    for name in load_templates().list_templates():
        load_templates().get_template(name)
    load_assets()


def format_time(time: float | str | None) -> str:
    """Return a time as text for a page, to the minute in UTC. ``time`` is RFC 3339 or in seconds since 1970."""
    if time is None or time == "":
        return "never"
    if isinstance(time, str):
        time = parse_rfc3339(time)
    return datetime.fromtimestamp(time, UTC).strftime("%d %b %Y, %H:%M UTC")


def measure_age(time: str, now: float) -> int:
    """Return how long ago a time was, in seconds. ``time`` is RFC 3339, ``now`` in seconds since 1970."""
    return int(now - parse_rfc3339(time))


def format_age(time: str, now: float) -> str:
    """Return how long ago a time was, such as ``3 minutes ago``; the date if it was more than 30 days ago.

    ``time`` and ``now`` are as in :func:`measure_age`. ``assets/times.js`` updates the text, with the same words.
    """
    age_s = measure_age(time, now)
    if age_s < _MINUTE_S:
        return "just now"
    if age_s > _MAX_AGE_S:
        return datetime.fromtimestamp(parse_rfc3339(time), UTC).strftime("%d %b %Y")
    unit, seconds = next((unit, seconds) for unit, seconds in _AGE_UNITS if age_s >= seconds)
    number = age_s // seconds
    return f"{number} {unit}{'' if number == 1 else 's'} ago"


def format_exact_time(time: str) -> str:
    """Return an RFC 3339 time as text for a page, to the second in UTC."""
    return datetime.fromtimestamp(parse_rfc3339(time), UTC).strftime("%d %b %Y, %H:%M:%S UTC")


def format_second(time: str) -> str:
    """Return the time of day of an RFC 3339 time in UTC, to the second."""
    return datetime.fromtimestamp(parse_rfc3339(time), UTC).strftime("%H:%M:%S UTC")


def format_times_in(sentence: str) -> str:
    """Return a sentence with its RFC 3339 times formatted as by :func:`format_time`.

    A time in quotes is an example of a value to send, and stays as it is.
    """
    return _TIME.sub(lambda match: format_time(match.group()), sentence)


def format_sentence(sentence: str) -> Markup:
    """Return a sentence as HTML: escaped, with formatted times (:func:`format_times_in`) and its commands as code."""
    return Markup(_COMMAND.sub(r"<code>\1</code>", str(escape(format_times_in(sentence)))))  # noqa: S704  # escaped


@cache
def load_assets() -> dict[str, tuple[str, str]]:
    """Return text and media type of each asset by the end of its path: digest and name. Browsers cache it a year."""
    files = ((name, (_FOLDER / "assets" / name).read_text("utf-8"), media_type) for name, media_type in _ASSETS.items())
    return {f"{sha256(text.encode()).hexdigest()[:16]}/{name}": (text, media_type) for name, text, media_type in files}


def build_asset_path(name: str) -> str:
    """Return the path of an asset, which has the digest of its content."""
    return f"{BASE}/assets/{next(path for path in load_assets() if path.endswith(f'/{name}'))}"
