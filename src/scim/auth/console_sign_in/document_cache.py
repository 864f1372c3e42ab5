"""Cache the public documents of the OpenID provider: its metadata and its keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

MAX_AGE_S = 3_600.0
"""The time for which a document is cached."""

Document = Mapping[str, Any]


class DocumentCache:
    """Documents by URL, in one execution environment. ``now`` returns the seconds since 1970.

    The URLs come from the settings of the stack and from the provider's metadata, so there are few.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._documents: dict[str, tuple[float, Document]] = {}

    def get(self, url: str, fetch: Callable[[], Document]) -> Document:
        """Return a document from the cache. If it is not there or too old, call ``fetch`` and cache the result."""
        fetched_at, document = self._documents.get(url, (None, None))
        if fetched_at is None or document is None or self._now() - fetched_at >= MAX_AGE_S:
            document = fetch()
            self._documents[url] = self._now(), document
        return document

    def forget(self, url: str) -> None:
        """Remove a document, so that it is fetched again."""
        self._documents.pop(url, None)
