"""The routes of the SCIM endpoint: a path leads to an endpoint, which has an operation for each of its methods.

An operation takes a :class:`RequestContext`, reads the request, calls the use case and returns the response. Each
module finds the endpoints of one kind, so that a Lambda function imports only what it serves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.http.request import Request
from handlers.http.response import Response
from scim.protocol.schema import ResourceType
from scim.service.ports import ResourceStore
from scim.service.resources.context import ServiceContext

if TYPE_CHECKING:
    from scim.service.ports import OutcomeRecorder


@dataclass(frozen=True, slots=True)
class RequestContext:
    """An authenticated request and what its operation needs. ``report_fault`` logs a fault that does not fail it."""

    request: Request
    service_context: ServiceContext
    resource_types: tuple[ResourceType, ...]
    resource_store: Callable[[ResourceType], ResourceStore]
    report_fault: Callable[[Exception], None]
    recorder: OutcomeRecorder


EndpointHandler = Callable[[RequestContext], Response]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``operations`` has an operation for each method; log lines have the method and the ``name``.

    ``is_resource`` is whether its writes are those of resources; ``resource_id`` is the id in the path.
    """

    name: str
    handlers: Mapping[str, EndpointHandler]
    is_resource: bool = False
    resource_id: str | None = None


EndpointFinder = Callable[[list[str], tuple[ResourceType, ...]], Endpoint | None]
"""Returns the endpoint at a path, given as its segments; endpoint names are case-insensitive."""
