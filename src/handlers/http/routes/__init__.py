"""What is served where: a path leads to an endpoint, an endpoint has an operation for each of its methods.

An operation takes an :class:`RequestContext` and is a few lines: read, call the use case, answer. Each module finds the
endpoints of one kind, so that a function imports only what it serves.
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
    """A request of a known tenant, and what is needed to answer it."""

    request: Request
    context: ServiceContext
    resource_types: tuple[ResourceType, ...]
    store: Callable[[ResourceType], ResourceStore]
    report: Callable[[Exception], None]
    recorder: OutcomeRecorder


Operation = Callable[[RequestContext], Response]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``name`` is what log lines call it, together with the method.

    ``is_resource`` where its writes are those of resources; ``resource_id`` is the one in the path.
    """

    name: str
    operations: Mapping[str, Operation]
    is_resource: bool = False
    resource_id: str | None = None


Find = Callable[[list[str], tuple[ResourceType, ...]], Endpoint | None]
"""The endpoint that the parts of a path lead to; its literal parts have no case."""
