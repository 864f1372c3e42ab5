"""The routes of the SCIM endpoint: each path has an endpoint, and each endpoint has a handler for each method.

Each module has the endpoints of one kind, so that a Lambda function imports only the endpoints that it serves.
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
    """An authenticated request, with the objects that its handler needs.

    ``report_fault`` logs a fault that does not fail the request.
    """

    request: Request
    service_context: ServiceContext
    resource_types: tuple[ResourceType, ...]
    build_resource_store: Callable[[ResourceType], ResourceStore]
    report_fault: Callable[[Exception], None]
    recorder: OutcomeRecorder


EndpointHandler = Callable[[RequestContext], Response]
"""A function that reads a request, calls the use case and returns the response. It may raise :class:`ScimError`."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint at a path, with its handlers by HTTP method. The handler of GET also serves HEAD.

    Log lines contain the method and ``name``. ``is_resource`` says whether its writes create, change or delete a
    resource. ``resource_id`` is the id in the path, if any.
    """

    name: str
    handlers: Mapping[str, EndpointHandler]
    is_resource: bool = False
    resource_id: str | None = None

    @property
    def allowed_methods(self) -> list[str]:
        """The supported methods, for the header ``Allow``."""
        methods = list(self.handlers)
        return ["GET", "HEAD", *(method for method in methods if method != "GET")] if "GET" in methods else methods


EndpointFinder = Callable[[list[str], tuple[ResourceType, ...]], Endpoint | None]
"""A function that returns the endpoint at a path, ``None`` if there is none.

The path is given as its segments after the base URL. Names of endpoints are case-insensitive.
"""


@dataclass(frozen=True, slots=True)
class PublicEndpoint:
    """An endpoint that needs no token for GET, because its response is the same for all tenants.

    ``get`` returns the response to a request. Its other argument is the SCIM URL.
    """

    name: str
    get: Callable[[Request, str], Response]


PublicEndpointFinder = Callable[[list[str]], PublicEndpoint | None]
"""A function that returns the public endpoint at a path, ``None`` if there is none."""
