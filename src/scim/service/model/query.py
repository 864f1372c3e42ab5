"""A query for a page of resources, and its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
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


class ListOrder(StrEnum):
    """The orders of a list of users. The table has keys in these orders, so a page costs the same in every tenant."""

    USER_NAME = "userName"
    LAST_MODIFIED = "lastModified"


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A query for a page of the list of users, in the console.

    Unlike a :class:`Query`, it reads a limited number of users. So it can stop before the page is full.

    Attributes:
        order: The order of the list.
        is_descending: Whether the order is reversed.
        count: The maximum number of users on the page.
        matches: Returns whether a user belongs to the list, ``None`` for all users.
        position: The page begins after this position. It is empty for the first page.
        is_backwards: Whether the page ends before ``position`` instead.
    """

    order: ListOrder
    is_descending: bool
    count: int
    matches: Callable[[StoredResource], bool] | None = None
    position: str = ""
    is_backwards: bool = False


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of the list of users.

    Attributes:
        users: The users of the page, in the order of the list.
        next_position: The position after which the next page begins, empty if no users follow.
        previous_position: The position before which the previous page ends, empty if no users precede.
        users_read: The number of users that were read.
        is_incomplete: Whether the search stopped before the page was full, because it had read too many users. It
            continues at the next position, or at the previous one if the page was read backwards.
    """

    users: Sequence[StoredResource]
    next_position: str = ""
    previous_position: str = ""
    users_read: int = 0
    is_incomplete: bool = False


class InvalidPosition(ValueError):
    """A position in a list is malformed."""


@dataclass(frozen=True, slots=True)
class VerifiedCursor:
    """The content of a cursor with a valid signature, and its age in seconds."""

    content: bytes
    age_s: float
