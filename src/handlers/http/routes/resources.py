"""Resources: create, retrieve, query, replace, modify, delete (RFC 7644 sections 3.3 to 3.6), for any resource type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from handlers.http.response import Response, no_content
from handlers.http.routes import Endpoint, Operation, RequestContext
from scim.protocol.errors import InvalidCount, InvalidValue
from scim.protocol.messages import SearchRequest, build_message, parse_message
from scim.protocol.projection import Projection, parse_projection
from scim.protocol.schema import ResourceType
from scim.service.limits import MAX_RESULTS
from scim.service.model.stored_resource import StoredResource
from scim.service.resources.crud import ResourceService
from scim.service.resources.preconditions import Preconditions
from scim.service.resources.rendering import ResourceRenderer
from scim.service.resources.search import ResourceSearch, render_resource

_PROJECTION = frozenset({"attributes", "excludedattributes"})
_QUERY = frozenset({"filter", "sortby", "sortorder", "startindex", "count", "cursor"}) | _PROJECTION
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


def find(segments: list[str], resource_types: tuple[ResourceType, ...]) -> Endpoint | None:
    match [segment.lower() for segment in segments]:
        case []:
            return Endpoint("Root", {"GET": lambda exchange: _query(exchange, resource_types[0])})
        case [".search"]:
            return Endpoint("Root.search", {"POST": lambda exchange: _search(exchange, resource_types[0])})
    return _find_resource(segments, resource_types)


def _find_resource(segments: list[str], resource_types: tuple[ResourceType, ...]) -> Endpoint | None:
    endpoint, *rest = segments
    kind = next((each for each in resource_types if each.endpoint.strip("/").lower() == endpoint.lower()), None)
    match kind, rest:
        case ResourceType(), []:
            operations: dict[str, Operation] = {
                "GET": lambda exchange: _query(exchange, kind),
                "POST": lambda exchange: _create(exchange, kind),
            }
            return Endpoint(f"{kind.name}s", operations, is_resource=True)
        case ResourceType(), [search] if search.lower() == ".search":
            return Endpoint(f"{kind.name}s.search", {"POST": lambda exchange: _search(exchange, kind)})
        case ResourceType(), [resource_id]:
            operations = {
                "GET": lambda exchange: _get(exchange, kind, resource_id),
                "PUT": lambda exchange: _replace(exchange, kind, resource_id),
                "PATCH": lambda exchange: _patch(exchange, kind, resource_id),
                "DELETE": lambda exchange: _delete(exchange, kind, resource_id),
            }
            return Endpoint(kind.name, operations, is_resource=True, resource_id=resource_id)
    return None


def _create(exchange: RequestContext, kind: ResourceType) -> Response:
    projection = _projection(exchange, kind)
    stored = _resources(exchange, kind).create(exchange.request.json(), _preconditions(exchange))
    location = {"Location": _presentation(exchange, kind).location(stored.id)}
    return _resource(exchange, kind, stored, projection, HTTPStatus.CREATED, location)


def _get(exchange: RequestContext, kind: ResourceType, resource_id: str) -> Response:
    projection, preconditions = _projection(exchange, kind), _preconditions(exchange)
    stored = _resources(exchange, kind).get(resource_id, preconditions)
    if preconditions.is_not_modified(stored.version):
        return Response(HTTPStatus.NOT_MODIFIED, headers={"ETag": stored.etag})
    return _resource(exchange, kind, stored, projection)


def _replace(exchange: RequestContext, kind: ResourceType, resource_id: str) -> Response:
    projection = _projection(exchange, kind)
    stored = _resources(exchange, kind).replace(resource_id, exchange.request.json(), _preconditions(exchange))
    return _resource(exchange, kind, stored, projection)


def _patch(exchange: RequestContext, kind: ResourceType, resource_id: str) -> Response:
    projection = _projection(exchange, kind)
    stored = _resources(exchange, kind).patch(resource_id, exchange.request.json(), _preconditions(exchange))
    preferences = (exchange.request.header("prefer") or "").lower().split(",")
    if "return=minimal" in (preference.partition(";")[0].strip() for preference in preferences):
        return no_content({"ETag": stored.etag, "Preference-Applied": "return=minimal"})
    return _resource(exchange, kind, stored, projection)


def _delete(exchange: RequestContext, kind: ResourceType, resource_id: str) -> Response:
    _resources(exchange, kind).delete(resource_id, _preconditions(exchange))
    return no_content()


def _resources(exchange: RequestContext, kind: ResourceType) -> ResourceService:
    return ResourceService(kind, exchange.store(kind), exchange.context)


def _preconditions(exchange: RequestContext) -> Preconditions:
    return Preconditions.parse(exchange.request.header("if-match"), exchange.request.header("if-none-match"))


def _presentation(exchange: RequestContext, kind: ResourceType) -> ResourceRenderer:
    return ResourceRenderer(kind, exchange.context.base_url)


def _projection(exchange: RequestContext, kind: ResourceType) -> Projection:
    named = exchange.request.parameters(_PROJECTION)
    attributes, excluded = (_listed(named.get(name)) for name in ("attributes", "excludedattributes"))
    return parse_projection(attributes, excluded, kind, exchange.context.dialect)


def _resource(
    exchange: RequestContext,
    kind: ResourceType,
    stored: StoredResource,
    projection: Projection,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = render_resource(stored, projection, _presentation(exchange, kind))
    return Response(status, body, {"ETag": stored.etag, **(headers or {})})


def _query(exchange: RequestContext, kind: ResourceType) -> Response:
    parameters = exchange.request.parameters(_QUERY)
    members: dict[str, Any] = dict(parameters)
    for name in _PROJECTION & parameters.keys():
        members[name] = _listed(parameters[name])
    for name in {"startindex", "count"} & parameters.keys():
        members[name] = _integer(name, parameters[name], parameters)
    return _run_search(exchange, kind, build_message(SearchRequest, members))


def _search(exchange: RequestContext, kind: ResourceType) -> Response:
    return _run_search(exchange, kind, parse_message(SearchRequest, exchange.request.json(), exchange.context.dialect))


def _run_search(exchange: RequestContext, kind: ResourceType, request: SearchRequest) -> Response:
    client = exchange.request.header("user-agent") or ""
    answer = ResourceSearch(kind, exchange.store(kind), exchange.context, client).run(request)
    return Response(HTTPStatus.OK, answer.body, log={"plan": answer.plan, "users_read": answer.resources_read})


def _listed(text: str | None) -> list[str]:
    return text.split(",") if text else []


def _integer(name: str, text: str, parameters: Mapping[str, str]) -> int:
    if not _INTEGER.fullmatch(text):
        wrong = InvalidCount if name == "count" and "cursor" in parameters else InvalidValue
        raise wrong(f"{name} must be a whole number; a page has at most {MAX_RESULTS} resources.")
    return int(text)
