"""A query for a page of resources, and its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scim.protocol.filter.ast import Filter, Path
from scim.service.model.stored_resource import StoredResource


@dataclass(frozen=True, slots=True)
class SortOrder:
    """What to sort by. ``key`` is made of JSON's values and tuples; those of two resources can be compared."""

    path: Path
    key: Callable[[StoredResource], Any]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class PageBoundary:
    """A resource at an end of a page, and the digest of the place that it had there."""

    id: str
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class IndexPosition:
    """The page that begins with the resource number ``index``, from 1, for a client on its way through all pages."""

    index: int
    client: str = ""


@dataclass(frozen=True, slots=True)
class CursorPosition:
    """The page behind the first of the anchors that still has its place, or before it; the first page without any.

    ``total`` is how many there were at the first page.
    """

    anchors: Sequence[PageBoundary] = ()
    backwards: bool = False
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What to find. ``matches`` decides for one resource what ``filter`` says, ``text`` tells queries apart.

    ``reads_meta``: whether ``matches`` or ``order`` look at more than the document.
    """

    start: IndexPosition | CursorPosition
    count: int
    filter: Filter | None = None
    matches: Callable[[StoredResource], bool] | None = None
    order: SortOrder | None = None
    text: str = ""
    reads_meta: bool = True


@dataclass(frozen=True, slots=True)
class QueryResult:
    """A page of what matches: how many there are in all, those of the page, and the plan that found them.

    ``read`` is how many had to be read for it.

    ``after`` and ``before`` are where the next and the previous page can be asked for beside; ``None`` without one.
    """

    total: int
    page: Sequence[StoredResource]
    plan: str
    next_boundaries: Sequence[PageBoundary] | None = None
    previous_boundaries: Sequence[PageBoundary] | None = None
    resources_read: int = 0


@dataclass(frozen=True, slots=True)
class VerifiedCursor:
    """What was sealed, and how many seconds ago."""

    content: bytes
    age_s: float
