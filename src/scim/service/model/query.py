"""A query for a page of resources, and its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from scim.protocol.filter.ast import AttributePath, Filter
from scim.service.model.rate_limit.read_meter import ReadMeter
from scim.service.model.stored_resource import StoredResource


@dataclass(frozen=True, slots=True)
class SortOrder:
    """The sort order of a query. ``key`` returns the sort key of a resource: JSON values and tuples of them."""

    path: AttributePath
    key: Callable[[StoredResource], Any]
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class PageBoundary:
    """The first or last resource of a page, and a digest of its position in the order of the query.

    If the position changes, the digest no longer matches.
    """

    id: str
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class StartIndexPosition:
    """The page that begins at ``index``, from 1 (``startIndex``). A bookmark is stored for each ``client_id``."""

    index: int
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class CursorPosition:
    """The page after a boundary, or before it if ``is_backwards``. Without boundaries, it is the first page.

    The first of ``boundaries`` whose position has not changed is used. ``total`` is the number of matching resources
    when the first page was read.
    """

    boundaries: Sequence[PageBoundary] = ()
    is_backwards: bool = False
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A query: which resources to return, in which order, and which page of them.

    Attributes:
        start: The position of the page.
        count: The maximum number of resources on the page.
        filter: The parsed filter, ``None`` for all resources.
        matches: A function that evaluates ``filter`` on one resource.
        order: The sort order, ``None`` for the default order.
        canonical_text: A text that is equal for queries with the same filter and order, and differs for others.
        needs_item: Whether ``matches`` or ``order`` read values that are not in the stored document: ``meta``, or the
            ``$ref`` of a link.
        meter: Charges the permits for what the query reads.
    """

    start: StartIndexPosition | CursorPosition
    count: int
    filter: Filter | None = None
    matches: Callable[[StoredResource], bool] | None = None
    order: SortOrder | None = None
    canonical_text: str = ""
    needs_item: bool = True
    meter: ReadMeter = field(default_factory=ReadMeter)


@dataclass(frozen=True, slots=True)
class QueryResult:
    """A page of the resources that match a query.

    Attributes:
        total: The number of all matching resources.
        page: The resources of the page.
        plan: The name of the query plan.
        next_boundaries: The boundaries between this page and the next one, ``None`` if there is no next page.
        previous_boundaries: The boundaries between this page and the previous one, ``None`` if there is none.
        resources_read: The number of resources that were read from the table.
    """

    total: int
    page: Sequence[StoredResource]
    plan: str
    next_boundaries: Sequence[PageBoundary] | None = None
    previous_boundaries: Sequence[PageBoundary] | None = None
    resources_read: int = 0


@dataclass(frozen=True, slots=True)
class VerifiedCursor:
    """The content of a cursor with a valid signature, and its age in seconds."""

    content: bytes
    age_s: float
