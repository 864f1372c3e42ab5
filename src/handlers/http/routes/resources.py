"""The endpoints of resources of any type: create, get, find, replace, patch, delete (RFC 7644 sections 3.3 to 3.6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from handlers.http.response import Response, build_empty_response
from handlers.http.routes import Endpoint, EndpointHandler, RequestContext
from scim.protocol.errors import InvalidCount, InvalidParameter
from scim.protocol.messages import MEMBER_NAMES, SearchRequest, build_message, parse_message
from scim.protocol.projection import Projection, parse_projection
from scim.protocol.schema import ResourceType
from scim.service.model.stored_resource import StoredResource
from scim.service.resources.crud import ResourceService
from scim.service.resources.preconditions import Preconditions
from scim.service.resources.rendering import ResourceRenderer
from scim.service.resources.search import ResourceSearch, render_resource

_PROJECTION_PARAMETERS = frozenset({"attributes", "excludedattributes"})
_QUERY_PARAMETERS = (
    frozenset({"filter", "sortby", "sortorder", "startindex", "count", "cursor"}) | _PROJECTION_PARAMETERS
)
_INTEGER = re.compile(r"([+-]?)([0-9]+)")
_MAX_DIGITS = 18
_MINIMAL_RESPONSE = re.compile(r"""\s*return\s*=\s*("?)minimal\1\s*(?:;|\Z)""")
"""The preference ``return=minimal`` in lower case. RFC 7240 section 2 allows quotes, and spaces next to the ``=``."""


def find_endpoint(segments: list[str], resource_types: tuple[ResourceType, ...]) -> Endpoint | None:
    """Return the endpoint of resources at a path, ``None`` for any other path.

    A query of the root searches the first resource type (RFC 7644 section 3.4.2.1).
    """
    match [segment.lower() for segment in segments]:
        case []:
            return Endpoint("Root", {"GET": lambda context: _query_resources(context, resource_types[0])})
        case [".search"]:
            return Endpoint("Root.search", {"POST": lambda context: _search_resources(context, resource_types[0])})
    return _find_resource(segments, resource_types)


def _find_resource(segments: list[str], resource_types: tuple[ResourceType, ...]) -> Endpoint | None:
    endpoint, *rest = segments
    resource_type = next(
        (candidate for candidate in resource_types if candidate.endpoint.strip("/").lower() == endpoint.lower()), None
    )
    match resource_type, rest:
        case ResourceType(), []:
            handlers: dict[str, EndpointHandler] = {
                "GET": lambda context: _query_resources(context, resource_type),
                "POST": lambda context: _create_resource(context, resource_type),
            }
            return Endpoint(f"{resource_type.name}s", handlers, is_resource=True)
        case ResourceType(), [search] if search.lower() == ".search":
            return Endpoint(
                f"{resource_type.name}s.search", {"POST": lambda context: _search_resources(context, resource_type)}
            )
        case ResourceType(), [resource_id]:
            handlers = {
                "GET": lambda context: _get_resource(context, resource_type, resource_id),
                "PUT": lambda context: _replace_resource(context, resource_type, resource_id),
                "PATCH": lambda context: _patch_resource(context, resource_type, resource_id),
                "DELETE": lambda context: _delete_resource(context, resource_type, resource_id),
            }
            return Endpoint(resource_type.name, handlers, is_resource=True, resource_id=resource_id)
    return None


def _create_resource(context: RequestContext, resource_type: ResourceType) -> Response:
    projection = _parse_projection(context, resource_type)
    stored = _build_service(context, resource_type).create(context.request.json(), _parse_preconditions(context))
    location = {"Location": _build_renderer(context, resource_type).build_location(stored.id)}
    return _respond_with_resource(context, resource_type, stored, projection, HTTPStatus.CREATED, location)


def _get_resource(context: RequestContext, resource_type: ResourceType, resource_id: str) -> Response:
    projection, preconditions = _parse_projection(context, resource_type), _parse_preconditions(context)
    stored = _build_service(context, resource_type).get(resource_id, preconditions)
    response = _respond_with_resource(context, resource_type, stored, projection)
    if preconditions.is_not_modified(response.headers["ETag"]):
        return Response(HTTPStatus.NOT_MODIFIED, headers=response.headers)
    return response


def _replace_resource(context: RequestContext, resource_type: ResourceType, resource_id: str) -> Response:
    projection = _parse_projection(context, resource_type)
    stored = _build_service(context, resource_type).replace(
        resource_id, context.request.json(), _parse_preconditions(context)
    )
    return _respond_with_resource(context, resource_type, stored, projection)


def _patch_resource(context: RequestContext, resource_type: ResourceType, resource_id: str) -> Response:
    projection = _parse_projection(context, resource_type)
    stored = _build_service(context, resource_type).patch(
        resource_id, context.request.json(), _parse_preconditions(context)
    )
    if _prefers_minimal_response(context):
        return build_empty_response(
            {"ETag": _build_renderer(context, resource_type).build_etag(stored), "Preference-Applied": "return=minimal"}
        )
    return _respond_with_resource(context, resource_type, stored, projection)


def _prefers_minimal_response(context: RequestContext) -> bool:
    """Return whether the client asks for a PATCH response without a body (RFC 7240 section 4.2).

    A client that selects attributes of the response asks for a body (RFC 7644 section 3.5.2).
    """
    preferences = (context.request.get_header("prefer") or "").lower().split(",")
    is_minimal = any(_MINIMAL_RESPONSE.match(preference) for preference in preferences)
    return is_minimal and not context.request.parse_query_parameters(_PROJECTION_PARAMETERS)


def _delete_resource(context: RequestContext, resource_type: ResourceType, resource_id: str) -> Response:
    _build_service(context, resource_type).delete(resource_id, _parse_preconditions(context))
    return build_empty_response()


def _build_service(context: RequestContext, resource_type: ResourceType) -> ResourceService:
    return ResourceService(resource_type, context.build_resource_store(resource_type), context.service_context)


def _parse_preconditions(context: RequestContext) -> Preconditions:
    return Preconditions.parse(context.request.get_header("if-match"), context.request.get_header("if-none-match"))


def _build_renderer(context: RequestContext, resource_type: ResourceType) -> ResourceRenderer:
    return ResourceRenderer(resource_type, context.service_context.base_url)


def _parse_projection(context: RequestContext, resource_type: ResourceType) -> Projection:
    parameters = context.request.parse_query_parameters(_PROJECTION_PARAMETERS)
    attributes, excluded = (_split_names(parameters.get(name)) for name in ("attributes", "excludedattributes"))
    return parse_projection(attributes, excluded, resource_type, context.service_context.leniencies)


def _respond_with_resource(
    context: RequestContext,
    resource_type: ResourceType,
    stored: StoredResource,
    projection: Projection,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Response:
    renderer = _build_renderer(context, resource_type)
    body = render_resource(stored, projection, renderer)
    return Response(status, body, {"ETag": renderer.build_etag(stored), **(headers or {})})


def _query_resources(context: RequestContext, resource_type: ResourceType) -> Response:
    parameters = context.request.parse_query_parameters(_QUERY_PARAMETERS)
    members: dict[str, Any] = dict(parameters)
    for name in _PROJECTION_PARAMETERS & parameters.keys():
        members[name] = _split_names(parameters[name])
    for name in {"startindex", "count"} & parameters.keys():
        members[name] = _parse_integer(name, parameters[name], parameters)
    return _run_search(context, resource_type, build_message(SearchRequest, members))


def _search_resources(context: RequestContext, resource_type: ResourceType) -> Response:
    return _run_search(
        context, resource_type, parse_message(SearchRequest, context.request.json(), context.service_context.leniencies)
    )


def _run_search(context: RequestContext, resource_type: ResourceType, request: SearchRequest) -> Response:
    user_agent = context.request.get_header("user-agent") or ""
    result = ResourceSearch(
        resource_type, context.build_resource_store(resource_type), context.service_context, user_agent
    ).run(request)
    log_fields: dict[str, Any] = {"plan": result.plan, "users_read": result.resources_read}
    if result.permits:
        log_fields["permits"] = result.permits
    return Response(HTTPStatus.OK, result.body, log_fields=log_fields)


def _split_names(text: str | None) -> list[str]:
    return text.split(",") if text else []


def _parse_integer(name: str, text: str, parameters: Mapping[str, str]) -> int:
    """Return the number in a parameter. Of a number with more than 18 digits, only the first 18 are read.

    Both are far beyond the last resource. Python would refuse a number with thousands of digits.
    """
    match = _INTEGER.fullmatch(text)
    if match is None:
        error_class = InvalidCount if name == "count" and "cursor" in parameters else InvalidParameter
        raise error_class(f"{MEMBER_NAMES.get(name, name)} must be an integer, such as 1.")
    sign, digits = match.groups()
    return int(sign + (digits.lstrip("0") or "0")[:_MAX_DIGITS])
