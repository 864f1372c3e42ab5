"""The use case query (RFC 7644 section 3.4.2): all ways into it make one :class:`SearchRequest`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from scim.protocol.dialect import Dialect
from scim.protocol.filter.parser import parse_filter
from scim.protocol.filter.predicate import compile_filter
from scim.protocol.messages import SearchRequest, list_response
from scim.protocol.projection import Projection, parse_projection
from scim.protocol.schema import ResourceType
from scim.protocol.sort import compile_sort
from scim.service.context import Context
from scim.service.limits import MAX_RESULTS
from scim.service.ports import Query, Store
from scim.service.stored import Presentation, Stored, encode

# Lambda answers with 6 MB at most, quotes and backslashes escaped once more on the way out; a page is cut before.
MAX_PAGE_BYTES = 5_500_000
_LAST_INDEX = 2**53  # the largest whole number that every JSON reader has


@dataclass(frozen=True, slots=True)
class Answer:
    """A list response as JSON, and the plan by which it was found."""

    body: str
    plan: str


@dataclass(frozen=True, slots=True)
class Search:
    """Queries the resources of one type, for one request."""

    resource_type: ResourceType
    store: Store
    context: Context

    def run(self, request: SearchRequest) -> Answer:
        """Raises :class:`InvalidFilter`, :class:`InvalidValue`, :class:`TooMany`."""
        dialect = self.context.dialect
        presentation = Presentation(self.resource_type, self.context.base_url)
        projection = parse_projection(request.attributes, request.excludedattributes, self.resource_type, dialect)
        query = self._query(request, presentation, dialect)
        found = self.store.find(query)
        shown = _page(found.page, _showing(projection, presentation))
        return Answer(list_response(found.total, query.start_index, shown), found.plan)

    def _query(self, request: SearchRequest, presentation: Presentation, dialect: Dialect) -> Query:
        tree = parse_filter(request.filter, self.resource_type, dialect) if request.filter is not None else None
        predicate = compile_filter(tree, dialect) if tree is not None else None
        order = compile_sort(request.sortby, self.resource_type, dialect) if request.sortby else None
        return Query(
            start_index=min(max(request.startindex, 1), _LAST_INDEX),
            count=min(max(request.count, 0), MAX_RESULTS) if request.count is not None else MAX_RESULTS,
            filter=tree,
            matches=(lambda stored: predicate(presentation.resource(stored))) if predicate else None,
            order=(lambda stored: order(presentation.resource(stored))) if order else None,
            descending=request.sortorder == "descending",
        )


def show(stored: Stored, projection: Projection, presentation: Presentation) -> str:
    """A resource as JSON, projected."""
    return _showing(projection, presentation)(stored)


def _showing(projection: Projection, presentation: Presentation) -> Callable[[Stored], str]:
    if projection.shows_all:
        return presentation.text
    return lambda stored: encode(projection.apply(presentation.resource(stored)))


def _page(page: Iterable[Stored], showing: Callable[[Stored], str]) -> list[str]:
    """As many of the resources as fit into one answer, the first in any case."""
    shown: list[str] = []
    size = 0
    for stored in page:
        text = showing(stored)
        size += len(text.encode()) + text.count('"') + text.count("\\")
        if shown and size > MAX_PAGE_BYTES:
            break
        shown.append(text)
    return shown
