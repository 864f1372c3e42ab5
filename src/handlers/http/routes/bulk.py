"""The endpoint of bulk requests (RFC 7644 section 3.7)."""

from __future__ import annotations

from http import HTTPStatus

from handlers.http.response import Response
from handlers.http.routes import Endpoint, RequestContext
from scim.protocol.schema import ResourceType
from scim.service.model.stored_resource import encode_json
from scim.service.resources.bulk.processor import BulkProcessor
from scim.service.resources.crud import ResourceService


def find_endpoint(segments: list[str], _: tuple[ResourceType, ...]) -> Endpoint | None:
    """Return the endpoint of bulk requests, ``None`` for any other path."""
    return Endpoint("Bulk", {"POST": _run_bulk}) if [segment.lower() for segment in segments] == ["bulk"] else None


def _run_bulk(context: RequestContext) -> Response:
    resources = {
        resource_type.endpoint.strip("/").lower(): ResourceService(
            resource_type, context.build_resource_store(resource_type), context.service_context
        )
        for resource_type in context.resource_types
    }
    bulk = BulkProcessor(resources, context.service_context, context.report_fault, context.recorder)
    result = bulk.run(context.request.json())
    log_fields = {"operations": len(result.body["Operations"])}
    if result.not_attempted_count:
        log_fields["not_attempted"] = result.not_attempted_count
    return Response(HTTPStatus.OK, encode_json(result.body), log_fields=log_fields)
