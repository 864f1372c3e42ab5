"""Run one task of a bulk request: a single operation, or the operations of a reference cycle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
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
from scim.protocol.messages import BulkOperation
from scim.service.model.change_record import ChangeRecord
from scim.service.model.stored_resource import CreationsFailed, NotUnique, StoredResource, TooManyItems
from scim.service.resources.bulk.order import parse_bulk_id_reference, replace_bulk_id_references
from scim.service.resources.bulk.state import BulkOperationState
from scim.service.resources.bulk.unique_values import Postponed, UniqueValueObserver, normalize_unique_value
from scim.service.resources.crud import ResourceService, build_uniqueness_error
from scim.service.resources.preconditions import Preconditions

_TIME_FOR_TASK_S = 5.0
"""A task starts only if this much time is left: for a call that times out and is repeated."""

_OUT_OF_TIME = "The bulk request ran out of time before this operation. Send the operation again."
_CREATOR_FAULT = (
    "This operation refers to the bulkId of another one, which the service could not process. Send both again."
)
_CYCLE_FAILED = "The operation is part of a reference cycle, and another operation of the cycle failed."
_CYCLE_TOO_LARGE = (
    "The operations refer to each other in a cycle that is too large to be stored at once. Leave out one of the "
    "references, and add it with a PATCH operation."
)


@dataclass(frozen=True, slots=True)
class _Creation:
    """The resource that an operation of a cycle creates."""

    state: BulkOperationState
    service: ResourceService
    resource: StoredResource
    change: ChangeRecord


@dataclass(frozen=True, slots=True)
class TaskRunner:
    """Runs the tasks of one bulk request. ``report_fault`` receives faults.

    ``services`` maps the lower-case name of each endpoint to the service of its resource type. ``creators`` maps each
    ``bulkId`` to the operation that creates its resource.
    """

    services: Mapping[str, ResourceService]
    creators: Mapping[str, BulkOperationState]
    report_fault: Callable[[Exception], None]

    def run(self, states: Sequence[BulkOperationState], is_awaited: Callable[[Set[str]], bool]) -> None:
        """Execute the operations of a task. Set the results and errors in their states, and raise nothing.

        ``is_awaited`` returns whether unique values must not be freed yet.
        """
        for state in states:
            state.reset()
        is_parsed = all(isinstance(state.operation, BulkOperation) for state in states)
        if is_parsed and states[0].context.deadline.remaining_s() < _TIME_FOR_TASK_S:
            _fail_all(states, Unavailable(_OUT_OF_TIME), is_skipped=True)
        elif len(states) == 1:
            self._try(states, partial(self._execute, states[0], is_awaited))
        else:
            self._create_cycle(states)

    def _try(self, states: Sequence[BulkOperationState], execute: Callable[[], None]) -> None:
        """Call a function. If it raises an exception, the operations fail."""
        try:
            execute()
        except ScimError as error:
            _fail_all(states, error)
        except Postponed:
            return  # the observed values say so
        except Exception as fault:  # noqa: BLE001  # the results of the other operations must be returned
            self.report_fault(fault)
            request_id = states[0].context.request_id
            _fail_all(
                states,
                InternalError(f"The service had an internal error. Give the request id {request_id} to support."),
            )

    def _execute(self, state: BulkOperationState, is_awaited: Callable[[Set[str]], bool]) -> None:
        operation = _get_operation(state)
        service, resource_id = self._find_target(state, operation)
        observer = UniqueValueObserver(service.store, service.resource_type, state.unique_values, is_awaited)
        service = replace(service, store=observer)
        if resource_id is not None:
            state.result["location"] = service.renderer.build_location(resource_id)
        else:
            self._check_bulk_id(state, operation)
        data = replace_bulk_id_references(operation.data, self._resolve_bulk_id)
        stored, status = _write(service, operation, resource_id or state.created_id, data)
        _set_success(state, service, stored, status)

    def _find_target(self, state: BulkOperationState, operation: BulkOperation) -> tuple[ResourceService, str | None]:
        """Return the service for the resource type in the path, and the id in the path, ``None`` for a POST."""
        endpoint, _, resource_id = operation.path.strip("/").partition("/")
        service = self.services.get(endpoint.lower())
        if service is None or "/" in resource_id:
            raise NotFound("The path of the operation does not exist. Use /Users or /Users/<id>.")
        if (operation.method == "POST") == bool(resource_id):
            raise InvalidValue(
                "The path does not match the method. Use /Users for POST, and /Users/<id> for PUT, PATCH and DELETE."
            )
        service = replace(service, context=state.context)
        bulk_id = parse_bulk_id_reference(resource_id)
        if bulk_id is not None:
            return service, self._resolve_bulk_id(bulk_id)
        return service, resource_id or None

    def _check_bulk_id(self, state: BulkOperationState, operation: BulkOperation) -> None:
        if not operation.bulkid:
            raise InvalidSyntax("A POST operation needs a bulkId, which identifies its result in the response.")
        if self.creators[operation.bulkid] is not state:
            raise InvalidValue("Another operation of the bulk request has the same bulkId.")

    def _resolve_bulk_id(self, bulk_id: str) -> str:
        """Return the id of the resource that the operation with this ``bulkId`` creates (RFC 7644 section 3.7.2).

        Raise :class:`UnresolvedBulkId` if that operation has failed or does not exist, and :class:`Unavailable` if it
        failed because of a fault.
        """
        creator = self.creators.get(bulk_id)
        if creator is not None and creator.error is not None and creator.error.is_fault:
            raise Unavailable(_CREATOR_FAULT)
        if creator is None or creator.error is not None or creator.created_id is None:
            raise UnresolvedBulkId("The operation refers to a bulkId, but no operation with this bulkId has succeeded.")
        return creator.created_id

    def _create_cycle(self, states: Sequence[BulkOperationState]) -> None:
        """Create the resources of a reference cycle: all of them in one transaction, or none (RFC 7644 section 3.7.1).

        Their references can be replaced before they exist, because their ids are chosen beforehand.
        """
        creations: list[_Creation] = []
        for state in states:
            self._try([state], partial(self._prepare_creation, state, creations))
        if len(creations) == len(states):
            self._try(states, partial(_write_cycle, creations))
        errors = [state.error for state in states if state.error is not None]
        if errors:
            is_fault = all(error.is_fault for error in errors)
            error = Unavailable(_CREATOR_FAULT) if is_fault else UnresolvedBulkId(_CYCLE_FAILED)
            _fail_all([state for state in states if state.error is None], error)

    def _prepare_creation(self, state: BulkOperationState, creations: list[_Creation]) -> None:
        """Add the creation of an operation to ``creations``."""
        operation = _get_operation(state)
        service, _ = self._find_target(state, operation)
        self._check_bulk_id(state, operation)
        data = replace_bulk_id_references(operation.data, self._resolve_bulk_id)
        creations.append(_Creation(state, service, *service.build_creation(data, str(state.created_id))))


def _write_cycle(creations: Sequence[_Creation]) -> None:
    """Write the resources of a cycle. Raise :class:`UnresolvedBulkId` if one transaction cannot write all of them."""
    if len({creation.service.resource_type.name for creation in creations}) > 1:
        raise UnresolvedBulkId(_CYCLE_TOO_LARGE)  # a store writes only one type
    try:
        creations[0].service.store.create_all([(creation.resource, creation.change) for creation in creations])
    except TooManyItems:
        raise UnresolvedBulkId(_CYCLE_TOO_LARGE) from None
    except CreationsFailed as failed:
        for index, error in failed.errors.items():
            _fail_creation(creations[index], error)
        return
    for creation in creations:
        _set_success(creation.state, creation.service, creation.resource, HTTPStatus.CREATED)


def _fail_creation(creation: _Creation, error: NotUnique | ScimError) -> None:
    """Set the error of an operation of a cycle."""
    resource_type = creation.service.resource_type
    if isinstance(error, NotUnique):
        value = creation.resource.resource[resource_type.unique_attribute.name]
        creation.state.unique_values.conflicting.add(normalize_unique_value(value, resource_type))
        error = build_uniqueness_error(resource_type)
    creation.state.fail(error)


def _get_operation(state: BulkOperationState) -> BulkOperation:
    """Return the operation. If it could not be parsed, raise the error."""
    if isinstance(state.operation, ScimError):
        raise state.operation
    return state.operation


def _fail_all(states: Iterable[BulkOperationState], error: ScimError, *, is_skipped: bool = False) -> None:
    for state in states:
        state.fail(error, is_skipped=is_skipped)


def _set_success(
    state: BulkOperationState, service: ResourceService, stored: StoredResource | None, status: HTTPStatus
) -> None:
    """Set the result of an operation. ``stored`` is the resource that it has written, ``None`` after a DELETE."""
    if stored is not None:
        renderer = service.renderer
        state.result |= {"location": renderer.build_location(stored.id), "version": renderer.build_etag(stored)}
    state.result["status"] = str(status.value)


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
