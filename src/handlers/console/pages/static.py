"""The style sheet, the scripts and the icon of the console."""

from __future__ import annotations

from handlers.console.rendering import load_assets
from handlers.console.response import ConsoleResponse, PageNotFound


def show_asset(digest: str, name: str) -> ConsoleResponse:
    """Return an asset by its digest and name. Raise :class:`PageNotFound`."""
    path = f"{digest}/{name}"
    if path not in load_assets():
        raise PageNotFound
    text, media_type = load_assets()[path]
    return ConsoleResponse(
        text, content_type=media_type, headers={"Cache-Control": "public, max-age=31536000, immutable"}
    )
