"""Bulk requests."""

from __future__ import annotations

from http import HTTPStatus

from handlers.http.response import Response
from handlers.http.routes import Endpoint, RequestContext
from scim.protocol.schema import ResourceType
from scim.service.model.stored_resource import encode_json
from scim.service.resources.bulk import BulkProcessor
from scim.service.resources.crud import ResourceService


def find(segments: list[str], _: tuple[ResourceType, ...]) -> Endpoint | None:
    return Endpoint("Bulk", {"POST": _bulk}) if [segment.lower() for segment in segments] == ["bulk"] else None


def _bulk(exchange: RequestContext) -> Response:
    resources = {
        each.endpoint.strip("/").lower(): ResourceService(each, exchange.store(each), exchange.context)
        for each in exchange.resource_types
    }
    bulk = BulkProcessor(resources, exchange.context, exchange.report, exchange.recorder)
    result = bulk.run(exchange.request.json())
    log = {"operations": len(result.body["Operations"])}
    if result.not_attempted:
        log["not_attempted"] = result.not_attempted
    return Response(HTTPStatus.OK, encode_json(result.body), log=log)
