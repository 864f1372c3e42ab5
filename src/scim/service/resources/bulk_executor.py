"""Execute the operations of one bulk request, in an order that their dependencies allow."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from http import HTTPStatus
from typing import Any

from scim.protocol.errors import (
    InternalError,
    InvalidSyntax,
    InvalidValue,
    NotFound,
    ScimError,
    Unavailable,
    UnresolvedBulkId,
)
from scim.protocol.json_body import lower_member_names
from scim.protocol.messages import BulkOperation
from scim.service.model.stored_resource import StoredResource
from scim.service.resources.bulk_order import (
    DependencyGraph,
    OperationNode,
    parse_bulk_id_reference,
    replace_bulk_id_references,
)
from scim.service.resources.context import ServiceContext
from scim.service.resources.crud import ResourceService
from scim.service.resources.preconditions import Preconditions
from scim.service.resources.rendering import ResourceRenderer

_TIME_FOR_OPERATION_S = 5.0
"""An operation starts only if this much time is left: for a call that times out and is repeated."""

_CREATOR_FAULT = (
    "This operation refers to the bulkId of another one, which the service could not process. Send both again."
)

Result = dict[str, Any]


@dataclass(slots=True)
class BulkOperationState:
    """The state of one operation while a bulk request is executed.

    Attributes:
        raw_operation: The operation as the client sent it.
        context: The context of the request, with the leniencies of this operation.
        operation: The parsed operation, ``None`` if it cannot be parsed.
        node: The dependencies of the operation.
        created_id: The id of the resource that a POST creates. It is chosen before any operation runs.
        error: The error of the operation, ``None`` if it has not failed.
        is_skipped: Whether the operation has no effect because the time had run out.
        result: The result in the bulk response. It has a ``status`` only if the operation has ended.
    """

    raw_operation: Any
    context: ServiceContext
    operation: BulkOperation | None = None
    node: OperationNode = field(default_factory=OperationNode)
    created_id: str | None = None
    error: ScimError | None = None
    is_skipped: bool = False
    result: Result = field(init=False)

    def __post_init__(self) -> None:
        self.result = self._build_identification()

    @property
    def has_ended(self) -> bool:
        """Whether the operation has succeeded or failed."""
        return "status" in self.result

    @property
    def has_succeeded(self) -> bool:
        """Whether the operation has ended without an error."""
        return self.has_ended and self.error is None

    @property
    def has_failed(self) -> bool:
        """Whether the operation has ended with an error."""
        return self.has_ended and self.error is not None

    def fail(self, error: ScimError) -> None:
        """Set the error, and the result that reports it."""
        self.error = error
        self.result |= {"status": str(error.status), "response": error.to_message()}

    def undo(self, error: ScimError, *, is_skipped: bool) -> None:
        """Replace the successful result by an error, after the resource was deleted again.

        ``is_skipped`` says whether the time had run out for the operation that this one refers to.
        """
        self.is_skipped = is_skipped
        self.result = self._build_identification()
        self.fail(error)

    def _build_identification(self) -> Result:
        """Return the members of the result that identify the operation: its method and its ``bulkId``."""
        members = lower_member_names(self.raw_operation)
        identification = {"method": members.get("method"), "bulkId": members.get("bulkid")}
        return {name: value for name, value in identification.items() if isinstance(value, str)}


@dataclass(frozen=True, slots=True)
class BulkExecutor:
    """Executes the operations of one bulk request. ``report_fault`` receives faults."""

    services: Mapping[str, ResourceService]
    states: Sequence[BulkOperationState]
    graph: DependencyGraph
    report_fault: Callable[[Exception], None]

    def execute(self, workers: int, max_errors: int | None) -> None:
        """Execute each operation after the operations that it depends on, otherwise in the order of the request.

        At most ``workers`` operations run in parallel. Stop after ``max_errors`` errors, ``None`` for no limit. The
        operations that were not executed have no status.
        """
        sorter = TopologicalSorter(dict(enumerate(self.graph.predecessors)))
        sorter.prepare()
        ready: list[int] = []
        running: dict[Future[None], int] = {}
        with ThreadPoolExecutor(workers) as pool:
            while sorter.is_active() and (max_errors is None or self._count_errors() < max_errors):
                for index in sorter.get_ready():
                    heapq.heappush(ready, index)
                while ready and len(running) < workers:
                    index = heapq.heappop(ready)
                    running[pool.submit(self._try_to_execute, index)] = index
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    future.result()
                    index = running.pop(future)
                    if self.states[index].error is not None or self.states[index].node.referenced_bulk_ids:
                        self._undo_unresolved_bulk_ids()
                    sorter.done(index)
        self._undo_unresolved_bulk_ids(is_finished=True)

    def _count_errors(self) -> int:
        return sum(state.has_failed for state in self.states)

    def _try_to_execute(self, index: int) -> None:
        """Execute an operation. If it fails, set the error in its state, so that the other operations continue."""
        state = self.states[index]
        if state.error is not None:  # it could not be parsed
            state.fail(state.error)
            return
        try:
            self._execute_operation(index, state)
        except ScimError as error:
            state.fail(error)
        except Exception as fault:  # noqa: BLE001  # the results of the other operations must be returned
            self.report_fault(fault)
            state.fail(
                InternalError(
                    f"The service had an internal error. Give the request id {state.context.request_id} to support."
                )
            )

    def _execute_operation(self, index: int, state: BulkOperationState) -> None:
        if state.context.deadline.remaining_s() < _TIME_FOR_OPERATION_S:
            state.is_skipped = True
            raise Unavailable("The bulk request ran out of time before this operation. Send the operation again.")
        operation = state.operation
        if operation is None:
            return
        service, resource_id = self._find_target(operation)
        service = replace(service, context=state.context)
        renderer = ResourceRenderer(service.resource_type, state.context.base_url)
        if resource_id is not None:
            state.result["location"] = renderer.build_location(resource_id)
        else:
            self._check_bulk_id(index, operation)
        data = replace_bulk_id_references(operation.data, self._resolve_bulk_id)
        stored, status = _write(service, operation, resource_id or state.created_id, data)
        if stored is not None:
            state.result |= {"location": renderer.build_location(stored.id), "version": stored.etag}
        state.result["status"] = str(status.value)

    def _find_target(self, operation: BulkOperation) -> tuple[ResourceService, str | None]:
        """Return the service for the resource type in the path, and the id in the path, ``None`` for a POST."""
        endpoint, _, resource_id = operation.path.strip("/").partition("/")
        service = self.services.get(endpoint.lower())
        if service is None or "/" in resource_id:
            raise NotFound("The path of the operation does not exist. Use /Users or /Users/<id>.")
        if (operation.method == "POST") == bool(resource_id):
            raise InvalidValue(
                "The path does not match the method. Use /Users for POST, and /Users/<id> for PUT, PATCH and DELETE."
            )
        bulk_id = parse_bulk_id_reference(resource_id)
        if bulk_id is not None:
            return service, self._resolve_bulk_id(bulk_id)
        return service, resource_id or None

    def _check_bulk_id(self, index: int, operation: BulkOperation) -> None:
        if not operation.bulkid:
            raise InvalidSyntax("A POST operation needs a bulkId, which identifies its result in the response.")
        if self.graph.creators[operation.bulkid] != index:
            raise InvalidValue("Another operation of the bulk request has the same bulkId.")

    def _resolve_bulk_id(self, bulk_id: str) -> str:
        """Return the id of the resource that the operation with this ``bulkId`` creates (RFC 7644 section 3.7.2).

        Raise :class:`UnresolvedBulkId` if that operation has failed or does not exist, and :class:`Unavailable` if it
        failed because of a fault.
        """
        creator = self._find_creator(bulk_id)
        if creator is not None and creator.error is not None and creator.error.is_fault:
            raise Unavailable(_CREATOR_FAULT)
        if creator is None or creator.error is not None or creator.created_id is None:
            raise UnresolvedBulkId("The operation refers to a bulkId, but no operation with this bulkId has succeeded.")
        return creator.created_id

    def _find_creator(self, bulk_id: str) -> BulkOperationState | None:
        index = self.graph.creators.get(bulk_id)
        return None if index is None else self.states[index]

    def _undo_unresolved_bulk_ids(self, *, is_finished: bool = False) -> None:
        """Delete the resources that were created with a reference to an operation that has failed.

        This happens only in cycles: there, an operation may run before an operation that it refers to. At the end of
        the request (``is_finished``), operations that were not executed count as failed.
        """
        referring_states = [state for state in self.states if state.created_id and state.node.referenced_bulk_ids]
        is_undone = bool(referring_states)
        while is_undone:
            is_undone = False
            for state in referring_states:
                if state.has_succeeded and state.created_id:
                    failed_creators = self._find_failed_creators(state, is_finished=is_finished)
                    is_undone |= bool(failed_creators) and self._undo(state, state.created_id, failed_creators)

    def _find_failed_creators(self, state: BulkOperationState, *, is_finished: bool) -> Sequence[BulkOperationState]:
        creators = map(self._find_creator, state.node.referenced_bulk_ids)
        return [
            creator
            for creator in creators
            if creator and (creator.error or (is_finished and not creator.has_succeeded))
        ]

    def _undo(self, state: BulkOperationState, resource_id: str, failed_creators: Sequence[BulkOperationState]) -> bool:
        """Delete the resource that an operation created, and return whether that succeeded.

        If it fails, the operation keeps its successful result, since the resource exists. ``failed_creators`` are the
        failed operations that the operation refers to.
        """
        if state.operation is None:
            return False
        service, _ = self._find_target(state.operation)
        try:
            replace(service, context=state.context).delete(resource_id)
        except Exception as fault:  # noqa: BLE001  # the resource exists, and the response must say so
            self.report_fault(fault)
            state.created_id = None
            return False
        error: ScimError = UnresolvedBulkId(
            "The operation is part of a reference cycle, and another operation of the cycle failed."
        )
        if all(creator.error and creator.error.is_fault for creator in failed_creators):
            error = Unavailable(_CREATOR_FAULT)
        state.undo(error, is_skipped=all(creator.is_skipped for creator in failed_creators))
        return True


def _write(
    service: ResourceService, operation: BulkOperation, resource_id: str | None, data: Any
) -> tuple[StoredResource | None, HTTPStatus]:
    """Execute an operation, and return the resource, ``None`` after a DELETE, and the status of the result."""
    preconditions = Preconditions.parse(operation.version, None)
    match operation.method, resource_id:
        case "POST", str(created_id):
            return service.create(data, resource_id=created_id), HTTPStatus.CREATED
        case "PUT", str(existing_id):
            return service.replace(existing_id, data, preconditions), HTTPStatus.OK
        case "PATCH", str(existing_id):
            return service.patch(existing_id, data, preconditions), HTTPStatus.OK
        case _, existing_id:
            service.delete(str(existing_id), preconditions)
            return None, HTTPStatus.NO_CONTENT
