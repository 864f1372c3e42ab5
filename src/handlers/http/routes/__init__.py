"""The routes of the SCIM endpoint: a path leads to an endpoint, which has a handler for each of its methods.

Each module has the endpoints of one kind, so that a Lambda function imports only what it serves.
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
    """An authenticated request and what its handler needs. ``report_fault`` logs a fault that does not fail it."""

    request: Request
    service_context: ServiceContext
    resource_types: tuple[ResourceType, ...]
    build_resource_store: Callable[[ResourceType], ResourceStore]
    report_fault: Callable[[Exception], None]
    recorder: OutcomeRecorder


EndpointHandler = Callable[[RequestContext], Response]
"""Reads a request, calls the use case and returns the response. Raise :class:`ScimError`."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a path leads to. ``handlers`` are by HTTP method; log lines have the method and the ``name``.

    ``is_resource`` is whether its writes are writes of a resource; ``resource_id`` is the id in the path.
    """

    name: str
    handlers: Mapping[str, EndpointHandler]
    is_resource: bool = False
    resource_id: str | None = None


EndpointFinder = Callable[[list[str], tuple[ResourceType, ...]], Endpoint | None]
"""Returns the endpoint at a path, given as its segments after the base URL; endpoint names are case-insensitive."""
