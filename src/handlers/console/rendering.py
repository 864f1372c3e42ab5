"""Templates and assets, read once."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from handlers.console.response import BASE
from scim.service.model.timestamps import parse_rfc3339

_HERE = Path(__file__).parent
_ASSETS = {"console.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}


@cache
def load_templates() -> Environment:
    """Return the environment of the templates. All values are escaped; an undefined name is an error."""
    environment = Environment(
        autoescape=True, loader=FileSystemLoader(_HERE / "templates"), undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"format_time": format_time, "day": lambda text: text[:10]}
    environment.globals |= {"base": BASE, "asset": build_asset_path}
    return environment


def render(template: str, **values: Any) -> str:
    return load_templates().get_template(template).render(values)


def preload() -> None:
    """Compile all templates and read all assets, so that a snapshot holds them."""
    for name in load_templates().list_templates():
        load_templates().get_template(name)
    load_assets()


def format_time(time: float | str | None) -> str:
    """Return a time for people, to the minute in UTC, from RFC 3339 or seconds since 1970."""
    if time is None or time == "":
        return "never"
    if isinstance(time, str):
        time = parse_rfc3339(time)
    return datetime.fromtimestamp(time, UTC).strftime("%d %b %Y, %H:%M UTC")


@cache
def load_assets() -> dict[str, tuple[str, str]]:
    """Return text and media type of each asset by its digest and name; a browser may cache such a path forever."""
    files = ((name, (_HERE / "assets" / name).read_text("utf-8"), media_type) for name, media_type in _ASSETS.items())
    return {f"{sha256(text.encode()).hexdigest()[:16]}/{name}": (text, media_type) for name, text, media_type in files}


def build_asset_path(name: str) -> str:
    return f"{BASE}/assets/{next(path for path in load_assets() if path.endswith(f'/{name}'))}"
