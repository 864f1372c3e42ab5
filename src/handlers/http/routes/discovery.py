"""Discovery: what clients may learn about the service (RFC 7644 section 4)."""

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


def find(segments: list[str], _: tuple[ResourceType, ...]) -> Endpoint | None:
    match [segment.lower() for segment in segments]:
        case ["serviceproviderconfig"]:
            return _document("ServiceProviderConfig", lambda discovery: discovery.get_service_provider_config())
        case ["resourcetypes"]:
            return _documents("ResourceTypes", lambda discovery: discovery.list_resource_types())
        case ["resourcetypes", name]:
            return _document("ResourceType", lambda discovery: discovery.get_resource_type(name))
        case ["schemas"]:
            return _documents("Schemas", lambda discovery: discovery.list_schemas())
        case ["schemas", urn]:
            return _document("Schema", lambda discovery: discovery.get_schema(urn))
    return None


def _document(name: str, document: Callable[[DiscoveryDocuments], dict[str, Any]]) -> Endpoint:
    def show_document(exchange: RequestContext) -> Response:
        _refuse_filter(exchange)
        return Response(HTTPStatus.OK, encode_json(document(_discovery(exchange))))

    return Endpoint(name, {"GET": show_document})


def _documents(name: str, documents: Callable[[DiscoveryDocuments], list[dict[str, Any]]]) -> Endpoint:
    def show_documents(exchange: RequestContext) -> Response:
        _refuse_filter(exchange)
        shown = [encode_json(document) for document in documents(_discovery(exchange))]
        return Response(HTTPStatus.OK, render_list_response(len(shown), shown, start_index=1))

    return Endpoint(name, {"GET": show_documents})


def _refuse_filter(exchange: RequestContext) -> None:
    """RFC 7644 section 4: these are shown whole, and 403 tells a client that its filter did nothing."""
    if exchange.request.parameters(frozenset({"filter"})):
        raise Forbidden("Discovery documents can't be filtered: ask without filter.")


def _discovery(exchange: RequestContext) -> DiscoveryDocuments:
    return DiscoveryDocuments(exchange.context.tenant, exchange.resource_types, exchange.context.base_url)
