"""The style sheet and the icon."""

from __future__ import annotations

from handlers.console.rendering import assets
from handlers.console.response import Page, PageNotFound


def asset(digest: str, name: str) -> Page:
    """Return an asset by its digest and name; only those that are listed exist."""
    path = f"{digest}/{name}"
    if path not in assets():
        raise PageNotFound
    text, kind = assets()[path]
    return Page(text, content_type=kind, headers={"Cache-Control": "public, max-age=31536000, immutable"})
