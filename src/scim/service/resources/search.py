"""Search for resources (RFC 7644 section 3.4.2, RFC 9865).

A GET with query parameters and a POST to ``/.search`` are both parsed to a :class:`SearchRequest`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from scim.protocol.errors import InvalidParameter
from scim.protocol.filter.ast import AttributePath, Comparison, ComparisonOperator, Filter, Or, list_paths
from scim.protocol.filter.evaluator import compile_filter
from scim.protocol.filter.parser import parse_filter
from scim.protocol.filter.path import resolve_path
from scim.protocol.filter.prefilter import compile_prefilter
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.list_response import render_list_response
from scim.protocol.messages import SearchRequest
from scim.protocol.projection import Projection, parse_projection
from scim.protocol.schema import ResourceType
from scim.protocol.sort import CompiledSort, compile_sort
from scim.service.limits import MAX_RESULTS
from scim.service.model.query import CursorPosition, Query, SortOrder, StartIndexPosition
from scim.service.model.rate_limit.read_meter import ReadMeter
from scim.service.model.stored_resource import StoredResource, encode_json
from scim.service.ports import ResourceStore
from scim.service.resources.context import ServiceContext
from scim.service.resources.cursors import CursorCodec
from scim.service.resources.rendering import ResourceRenderer

T = TypeVar("T")

RenderFunction = Callable[[StoredResource], str]
"""A function that returns a resource as JSON, with the attributes that the request selects."""

_MAX_INDEX = 2**53
"""The maximum ``startIndex``. JSON parsers that use floating-point numbers read integers exactly up to this one."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A list response as JSON, the name of the query plan, and the numbers of resources and permits that it took."""

    body: str
    plan: str
    resources_read: int = 0
    permits: int = 0


@dataclass(frozen=True, slots=True)
class ResourceSearch:
    """Searches the resources of one type, for one request.

    ``client_id`` identifies the client. A bookmark is stored for each client that pages by ``startIndex``.
    """

    resource_type: ResourceType
    store: ResourceStore
    context: ServiceContext
    client_id: str = ""

    def run(self, request: SearchRequest) -> SearchResult:
        """Return the list response.

        Raise :class:`InvalidFilter`, :class:`InvalidParameter`, :class:`TooMany`, :class:`RateLimitExceeded`, and the
        errors of :meth:`CursorCodec.decode`.
        """
        renderer = ResourceRenderer(self.resource_type, self.context.base_url)
        projection = parse_projection(
            request.attributes, request.excludedattributes, self.resource_type, self.context.leniencies
        )
        meter = ReadMeter(self.context.permits.take, self.context.permits.charge)
        query = replace(parse_query(request, self.resource_type, self.context.leniencies, renderer), meter=meter)
        render = _compile_render_function(projection, renderer)
        search = self._search_by_index if request.cursor is None else self._search_by_cursor
        return search(request, query, render)

    def _search_by_index(self, request: SearchRequest, query: Query, render: RenderFunction) -> SearchResult:
        start = StartIndexPosition(min(max(request.startindex or 1, 1), _MAX_INDEX), self.client_id)
        count = MAX_RESULTS if request.count is None else min(max(request.count, 0), MAX_RESULTS)
        result = self.store.find(replace(query, start=start, count=count))
        body = render_list_response(result.total, map(render, result.page), start_index=start.index)
        return SearchResult(body, result.plan, result.resources_read, query.meter.permits)

    def _search_by_cursor(self, request: SearchRequest, query: Query, render: RenderFunction) -> SearchResult:
        if request.startindex is not None:
            raise InvalidParameter("The request has both cursor and startIndex. Send only one of them.")
        cursors = CursorCodec(self.context.cursor_signer, self.context.tenant.id, query.canonical_text)
        start, count = cursors.decode(request.cursor or "", request.count)
        result = self.store.find(replace(query, start=start, count=count))
        body = render_list_response(
            result.total,
            map(render, result.page),
            next_cursor=cursors.encode(result.next_boundaries, result.total, count),
            previous_cursor=cursors.encode(result.previous_boundaries, result.total, count, is_backwards=True),
        )
        return SearchResult(body, result.plan, result.resources_read, query.meter.permits)


def parse_query(
    request: SearchRequest, resource_type: ResourceType, leniencies: LeniencyTracker, renderer: ResourceRenderer
) -> Query:
    """Return the query for the first page of a request. Raise :class:`InvalidFilter` and :class:`InvalidParameter`."""
    tree = parse_filter(request.filter, resource_type, leniencies) if request.filter is not None else None
    sorting = compile_sort(request.sortby, resource_type, leniencies) if request.sortby else None
    is_descending = request.sortorder == "descending"
    return _build_query(tree, sorting, resource_type, leniencies, renderer, is_descending=is_descending)


def build_search(
    names: Iterable[str], operator: ComparisonOperator, text: str, resource_type: ResourceType, count: int
) -> Query:
    """Return the query for the resources in which at least one of the attributes compares to ``text``.

    Unlike the text of a filter, ``text`` can have any length.
    """
    leniencies = LeniencyTracker(is_strict=True)
    paths = [resolve_path(name, resource_type, leniencies) for name in names]
    tree = Or(tuple(Comparison(path, operator, text) for path in paths))
    query = _build_query(tree, None, resource_type, leniencies, ResourceRenderer(resource_type, ""))
    return replace(query, count=count)


def _build_query(
    tree: Filter | None,
    sorting: CompiledSort | None,
    resource_type: ResourceType,
    leniencies: LeniencyTracker,
    renderer: ResourceRenderer,
    *,
    is_descending: bool = False,
) -> Query:
    canonical_text = (
        f"{resource_type.name} {tree} by {sorting and sorting.path}{' descending' if is_descending else ''}"
    )
    paths = [*(list_paths(tree) if tree is not None else ()), *([sorting.path] if sorting is not None else ())]
    load = _select_loader(paths, renderer)
    matches = _compile_stored_predicate(tree, leniencies, load) if tree is not None else None
    order = (
        SortOrder(sorting.path, _evaluate_on_stored(sorting.key, load), is_descending) if sorting is not None else None
    )
    needs_item = any(map(_reads_item, paths))
    return Query(CursorPosition(), MAX_RESULTS, tree, matches, order, canonical_text, needs_item)


def render_resource(stored: StoredResource, projection: Projection, renderer: ResourceRenderer) -> str:
    """Return a resource as JSON, with the attributes of the projection."""
    return _compile_render_function(projection, renderer)(stored)


def _select_loader(
    paths: Sequence[AttributePath], renderer: ResourceRenderer
) -> Callable[[StoredResource], Mapping[str, Any]] | None:
    """Return the function that loads the values at these paths, ``None`` if the stored document has all of them."""
    # The stored document also lists extensions that the tenant no longer has. The version depends on what is rendered.
    if any(path.is_core("schemas") or (path.is_core("meta") and path.reads("version")) for path in paths):
        return renderer.render
    return renderer.render_stored if any(map(_reads_item, paths)) else None


def _reads_item(path: AttributePath) -> bool:
    """Return whether a path reads values that are not in the document of a resource: ``meta``, or links."""
    return path.is_core("meta") or path.reads("$ref")


def _compile_stored_predicate(
    tree: Filter, leniencies: LeniencyTracker, load: Callable[[StoredResource], Mapping[str, Any]] | None
) -> Callable[[StoredResource], bool]:
    """Compile a filter into a function that returns whether a stored resource matches.

    The function refuses most resources by the text of their document, which is faster than to parse it.
    """
    matches = _evaluate_on_stored(compile_filter(tree, leniencies), load)
    may_match = compile_prefilter(tree, leniencies)
    if may_match is None:
        return matches
    return lambda stored: may_match(stored.document) and matches(stored)


def _evaluate_on_stored(
    function: Callable[[Mapping[str, Any]], T], load: Callable[[StoredResource], Mapping[str, Any]] | None
) -> Callable[[StoredResource], T]:
    """Return a function that evaluates ``function`` on a stored resource that ``load`` has loaded."""
    if load is None:  # the usual case; a scan calls the function for each user, so this saves a call
        return lambda stored: function(stored.resource)
    return lambda stored: function(load(stored))


def _compile_render_function(projection: Projection, renderer: ResourceRenderer) -> RenderFunction:
    if projection.is_complete:
        return renderer.compile_json_renderer()
    return lambda stored: encode_json(projection.apply(renderer.render(stored)))
