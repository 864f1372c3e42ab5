"""The use case query (RFC 7644 section 3.4.2, RFC 9865): all ways into it make one :class:`SearchRequest`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from scim.protocol.errors import InvalidValue
from scim.protocol.filter.evaluator import compile_filter
from scim.protocol.filter.parser import parse_filter
from scim.protocol.leniency import Dialect
from scim.protocol.list_response import render_list_response
from scim.protocol.messages import SearchRequest
from scim.protocol.projection import Projection, parse_projection
from scim.protocol.schema import ResourceType
from scim.protocol.sort import compile_sort
from scim.service.limits import MAX_RESULTS
from scim.service.model.query import CursorPosition, IndexPosition, Query, SortOrder
from scim.service.model.stored_resource import StoredResource, encode_json
from scim.service.ports import ResourceStore
from scim.service.resources.context import ServiceContext
from scim.service.resources.cursors import CursorCodec
from scim.service.resources.rendering import ResourceRenderer

T = TypeVar("T")

_READS_SCHEMAS = re.compile(r"[ (]schemas(?: |$)")
_LAST_INDEX = 2**53  # the largest whole number that every JSON reader has


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A list response as JSON, the plan by which it was found, and how many resources were read for it."""

    body: str
    plan: str
    resources_read: int = 0


@dataclass(frozen=True, slots=True)
class ResourceSearch:
    """Queries the resources of one type, for one request. ``client`` tells one walk through the pages from another."""

    resource_type: ResourceType
    store: ResourceStore
    context: ServiceContext
    client: str = ""

    def run(self, request: SearchRequest) -> SearchResult:
        """Raises :class:`InvalidFilter`, :class:`InvalidValue`, :class:`TooMany`, and what reading a cursor does."""
        presentation = ResourceRenderer(self.resource_type, self.context.base_url)
        projection = parse_projection(
            request.attributes, request.excludedattributes, self.resource_type, self.context.dialect
        )
        query = read_query(request, self.resource_type, self.context.dialect, presentation)
        showing = _showing(projection, presentation)
        find = self._by_index if request.cursor is None else self._by_cursor
        return find(request, query, showing)

    def _by_index(self, request: SearchRequest, query: Query, showing: Callable[[StoredResource], str]) -> SearchResult:
        start = IndexPosition(min(max(request.startindex or 1, 1), _LAST_INDEX), self.client)
        count = MAX_RESULTS if request.count is None else min(max(request.count, 0), MAX_RESULTS)
        found = self.store.find(replace(query, start=start, count=count))
        body = render_list_response(found.total, map(showing, found.page), start_index=start.index)
        return SearchResult(body, found.plan, found.resources_read)

    def _by_cursor(
        self, request: SearchRequest, query: Query, showing: Callable[[StoredResource], str]
    ) -> SearchResult:
        if request.startindex is not None:
            raise InvalidValue("cursor and startIndex are two ways to page: send only one of them.")
        cursors = CursorCodec(self.context.cursor_signer, self.context.tenant.id, query.text)
        start, count = cursors.decode(request.cursor or "", request.count)
        found = self.store.find(replace(query, start=start, count=count))
        following = cursors.encode(found.next_boundaries, found.total, count)
        preceding = cursors.encode(found.previous_boundaries, found.total, count, backwards=True)
        shown = map(showing, found.page)
        body = render_list_response(found.total, shown, next_cursor=following, previous_cursor=preceding)
        return SearchResult(body, found.plan, found.resources_read)


def read_query(
    request: SearchRequest, resource_type: ResourceType, dialect: Dialect, presentation: ResourceRenderer
) -> Query:
    """What a request asks for, from the beginning. Raises :class:`InvalidFilter`, :class:`InvalidValue`."""
    tree = parse_filter(request.filter, resource_type, dialect) if request.filter is not None else None
    sorting = compile_sort(request.sortby, resource_type, dialect) if request.sortby else None
    descending = request.sortorder == "descending"
    text = f"{resource_type.name} {tree} by {sorting and sorting.path}{' descending' if descending else ''}"
    # A value that holds the word costs a little; a filter on meta that was not seen would find nothing.
    reads_meta = "meta" in text
    over = _over_all if reads_meta else _over_documents
    if _READS_SCHEMAS.search(text):  # in a document, `schemas` also lists the extensions that are not served
        over = _over_served
    matches = over(compile_filter(tree, dialect), presentation) if tree is not None else None
    order = SortOrder(sorting.path, over(sorting.key, presentation), descending) if sorting is not None else None
    return Query(CursorPosition(), MAX_RESULTS, tree, matches, order, text, reads_meta)


def render_resource(stored: StoredResource, projection: Projection, presentation: ResourceRenderer) -> str:
    """A resource as JSON, projected."""
    return _showing(projection, presentation)(stored)


def _over_all(
    function: Callable[[Mapping[str, Any]], T], presentation: ResourceRenderer
) -> Callable[[StoredResource], T]:
    return lambda stored: function(presentation.with_meta(stored))


def _over_served(
    function: Callable[[Mapping[str, Any]], T], presentation: ResourceRenderer
) -> Callable[[StoredResource], T]:
    return lambda stored: function(presentation.resource(stored))


def _over_documents(function: Callable[[Mapping[str, Any]], T], _: ResourceRenderer) -> Callable[[StoredResource], T]:
    return lambda stored: function(stored.resource)


def _showing(projection: Projection, presentation: ResourceRenderer) -> Callable[[StoredResource], str]:
    if projection.shows_all:
        return presentation.text()
    return lambda stored: encode_json(projection.apply(presentation.resource(stored)))
