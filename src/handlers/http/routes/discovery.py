"""The discovery endpoints, which describe the service to clients (RFC 7644 section 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from handlers.http.request import Request
from handlers.http.response import Response
from handlers.http.routes import Endpoint, PublicEndpoint, RequestContext
from scim.protocol.errors import Forbidden
from scim.protocol.list_response import render_list_response
from scim.protocol.schema import ResourceType
from scim.service.model.stored_resource import encode_json
from scim.service.resources.discovery import DiscoveryDocuments, build_service_provider_config

_SERVICE_PROVIDER_CONFIG = "ServiceProviderConfig"


def find_endpoint(segments: list[str], _: tuple[ResourceType, ...]) -> Endpoint | None:
    """Return the discovery endpoint at a path, ``None`` for any other path."""
    match [segment.lower() for segment in segments]:
        case ["serviceproviderconfig"]:
            return Endpoint(
                _SERVICE_PROVIDER_CONFIG,
                {"GET": lambda context: _return_config(context.request, context.service_context.base_url)},
            )
        case ["resourcetypes"]:
            return _build_list_endpoint("ResourceTypes", lambda discovery: discovery.list_resource_types())
        case ["resourcetypes", name]:
            return _build_document_endpoint("ResourceType", lambda discovery: discovery.get_resource_type(name))
        case ["schemas"]:
            return _build_list_endpoint("Schemas", lambda discovery: discovery.list_schemas())
        case ["schemas", urn]:
            return _build_document_endpoint("Schema", lambda discovery: discovery.get_schema(urn))
    return None


def find_public_endpoint(segments: list[str]) -> PublicEndpoint | None:
    """Return the endpoint of ``/ServiceProviderConfig``, ``None`` for any other path.

    Clients should be able to read ``authenticationSchemes`` before they have a token (RFC 7643 section 5). The other
    discovery endpoints depend on the tenant.
    """
    is_config = [segment.lower() for segment in segments] == ["serviceproviderconfig"]
    return PublicEndpoint(_SERVICE_PROVIDER_CONFIG, _return_public_config) if is_config else None


def _return_config(request: Request, base_url: str) -> Response:
    _reject_filter(request)
    return Response(HTTPStatus.OK, encode_json(build_service_provider_config(base_url)))


def _return_public_config(request: Request, base_url: str) -> Response:
    """Return the response to a request without a token. A cache must not use it for a request with a token."""
    headers = {"Cache-Control": "public, max-age=3600", "Vary": "Accept, Authorization"}
    return replace(_return_config(request, base_url), headers=headers)


def _build_document_endpoint(name: str, get_document: Callable[[DiscoveryDocuments], dict[str, Any]]) -> Endpoint:
    def return_document(context: RequestContext) -> Response:
        _reject_filter(context.request)
        return Response(HTTPStatus.OK, encode_json(get_document(_build_documents(context))))

    return Endpoint(name, {"GET": return_document})


def _build_list_endpoint(name: str, list_documents: Callable[[DiscoveryDocuments], list[dict[str, Any]]]) -> Endpoint:
    def return_list(context: RequestContext) -> Response:
        _reject_filter(context.request)
        resources = [encode_json(document) for document in list_documents(_build_documents(context))]
        return Response(HTTPStatus.OK, render_list_response(len(resources), resources, start_index=1))

    return Endpoint(name, {"GET": return_list})


def _reject_filter(request: Request) -> None:
    """Raise :class:`Forbidden` if the request has a filter (RFC 7644 section 4). Other parameters are ignored."""
    if request.parse_query_parameters(frozenset({"filter"})):
        raise Forbidden("Discovery endpoints do not support filters. Send the request without a filter.")


def _build_documents(context: RequestContext) -> DiscoveryDocuments:
    return DiscoveryDocuments(context.resource_types, context.service_context.base_url)
