"""A query for a page of resources, and its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scim.protocol.filter.ast import AttributePath, Filter
from scim.service.model.stored_resource import StoredResource


@dataclass(frozen=True, slots=True)
class SortOrder:
    """The order of a query. ``key`` returns the sort key of a resource: JSON values and tuples that can be compared."""

    path: AttributePath
    key: Callable[[StoredResource], Any]
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class PageBoundary:
    """The first or last resource of a page, and the digest of the position that it had in the order of the query."""

    id: str
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class StartIndexPosition:
    """The page that begins with the resource number ``index``, from 1. The position is stored by ``client_id``."""

    index: int
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class CursorPosition:
    """The page after a boundary, or before it if ``is_backwards``; the first page if there are no boundaries.

    The boundary is the first of ``boundaries`` whose position has not changed. ``total`` is the number of resources
    that matched when the first page was read.
    """

    boundaries: Sequence[PageBoundary] = ()
    is_backwards: bool = False
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A query: which resources to return, in which order, and which page of them.

    ``matches`` evaluates ``filter`` on one resource. ``canonical_text`` identifies the query: it is the same for equal
    filters and orders, and differs for others.
    ``needs_meta`` is true if ``matches`` or ``order`` read ``meta``, which is not in the document.
    """

    start: StartIndexPosition | CursorPosition
    count: int
    filter: Filter | None = None
    matches: Callable[[StoredResource], bool] | None = None
    order: SortOrder | None = None
    canonical_text: str = ""
    needs_meta: bool = True


@dataclass(frozen=True, slots=True)
class QueryResult:
    """A page of the resources that match: the total, the resources of the page, and the name of the query plan.

    ``next_boundaries`` and ``previous_boundaries`` are the boundaries between this page and the next and the previous
    one; ``None`` if there is no such page. ``resources_read`` is how many resources had to be read.
    """

    total: int
    page: Sequence[StoredResource]
    plan: str
    next_boundaries: Sequence[PageBoundary] | None = None
    previous_boundaries: Sequence[PageBoundary] | None = None
    resources_read: int = 0


@dataclass(frozen=True, slots=True)
class VerifiedCursor:
    """The content of a cursor whose signature is valid, and its age in seconds."""

    content: bytes
    age_s: float
