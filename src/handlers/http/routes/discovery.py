"""The discovery endpoints, which describe the service to clients (RFC 7644 section 4)."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from handlers.http.response import Response
from handlers.http.routes import Endpoint, RequestContext
from scim.protocol.errors import Forbidden
from scim.protocol.list_response import render_list_response
from scim.protocol.schema import ResourceType
from scim.service.model.stored_resource import encode_json
from scim.service.resources.discovery import DiscoveryDocuments


def find_endpoint(segments: list[str], _: tuple[ResourceType, ...]) -> Endpoint | None:
    """Return the discovery endpoint at a path, ``None`` for any other path."""
    match [segment.lower() for segment in segments]:
        case ["serviceproviderconfig"]:
            return _build_document_endpoint(
                "ServiceProviderConfig", lambda discovery: discovery.get_service_provider_config()
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


def _build_document_endpoint(name: str, get_document: Callable[[DiscoveryDocuments], dict[str, Any]]) -> Endpoint:
    def return_document(context: RequestContext) -> Response:
        _reject_filter(context)
        return Response(HTTPStatus.OK, encode_json(get_document(_build_documents(context))))

    return Endpoint(name, {"GET": return_document})


def _build_list_endpoint(name: str, list_documents: Callable[[DiscoveryDocuments], list[dict[str, Any]]]) -> Endpoint:
    def return_list(context: RequestContext) -> Response:
        _reject_filter(context)
        resources = [encode_json(document) for document in list_documents(_build_documents(context))]
        return Response(HTTPStatus.OK, render_list_response(len(resources), resources, start_index=1))

    return Endpoint(name, {"GET": return_list})


def _reject_filter(context: RequestContext) -> None:
    """Raise :class:`Forbidden` if the request has a filter (RFC 7644 section 4). Other parameters are ignored."""
    if context.request.parse_query_parameters(frozenset({"filter"})):
        raise Forbidden("Discovery endpoints do not support filters. Send the request without a filter.")


def _build_documents(context: RequestContext) -> DiscoveryDocuments:
    return DiscoveryDocuments(context.service_context.tenant, context.resource_types, context.service_context.base_url)
