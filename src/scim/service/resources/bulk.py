"""Bulk: many operations in one request, each a transaction and a status of its own (RFC 7644 section 3.7).

Operations run side by side, but for those that refer to what another one makes, and those on the same resource. The ids
of what is going to be made are chosen before anything runs, so a reference has its value at once, also forward and in
a circle. Should one of a circle fail, those that came before it are undone: what is told as failed has changed nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    PayloadTooLarge,
    ScimError,
    Unavailable,
    UnresolvedReference,
)
from scim.protocol.json_body import lower_member_names
from scim.protocol.leniency import Dialect
from scim.protocol.messages import BULK_RESPONSE, BulkOperation, BulkRequest, parse_message
from scim.service.limits import MAX_OPERATIONS
from scim.service.model.change_record import WRITE_OPERATIONS
from scim.service.model.failure import RequestSummary
from scim.service.model.stored_resource import StoredResource
from scim.service.ports import OutcomeRecorder
from scim.service.resources.bulk_order import DependencyGraph, OperationNode, build_graph
from scim.service.resources.context import ServiceContext
from scim.service.resources.crud import ResourceService
from scim.service.resources.preconditions import Preconditions
from scim.service.resources.rendering import ResourceRenderer

WORKERS = 8
"""Operations side by side: enough to be busy while DynamoDB answers, within the connections of its client."""

_REFERENCE = "bulkId:"
# An operation is not begun unless it could take as long as a call that hangs, is given up and made again.
_TIME_FOR_OPERATION_S = 5.0

_MAKER_FAULT = (
    "The service could not carry out the operation whose bulkId this operation refers to: send both operations again."
)

Result = dict[str, Any]

_NO_NODE = OperationNode(None, frozenset(), None)


@dataclass(slots=True)
class _Step:
    """One operation on its way: what was sent, what came of reading it, and what came of it in the end."""

    sent: Any
    context: ServiceContext
    operation: BulkOperation | None = None
    error: ScimError | None = None
    made_id: str | None = None
    """The id of what a POST makes, chosen beforehand."""
    node: OperationNode = _NO_NODE
    is_untried: bool = False
    """Whether nothing of it holds because the time of the request was used up."""
    result: Result = field(default_factory=dict)

    @property
    def has_succeeded(self) -> bool:
        return "status" in self.result and self.error is None


@dataclass(slots=True)
class BulkProcessor:
    """The operations of one bulk request.

    ``report`` is told of faults that are not the client's, ``recorder`` of how each operation ended.
    """

    resources: Mapping[str, ResourceService]
    """The resources by the lower-case name of their endpoint, such as ``users``."""
    context: ServiceContext
    report: Callable[[Exception], None]
    recorder: OutcomeRecorder
    workers: int = WORKERS
    untried: int = 0
    """After the request: how many operations were not tried because its time was used up."""
    _steps: Sequence[_Step] = ()
    _dependencies: DependencyGraph = field(default_factory=lambda: build_graph([]))

    def run(self, body: Any) -> dict[str, Any]:
        """The bulk response. Raises :class:`InvalidSyntax`, :class:`InvalidValue`, :class:`PayloadTooLarge`."""
        request = parse_message(BulkRequest, body, self.context.dialect)
        if len(request.operations) > MAX_OPERATIONS:
            raise PayloadTooLarge(f"A bulk request has at most {MAX_OPERATIONS} operations: send several requests.")
        self._steps = [self._read(sent) for sent in request.operations]
        self._dependencies = build_graph([step.node for step in self._steps])
        # With failOnErrors one at a time, so that nothing runs beyond the error that ends it (section 3.7.3).
        self._carry_out(self.workers if request.failonerrors is None else 1, request.failonerrors)
        # Only now, so that it takes no time from any operation.
        with ThreadPoolExecutor(self.workers) as pool:
            list(pool.map(self._record, self._steps))
        self.untried = sum(step.is_untried for step in self._steps)
        for step in self._steps:
            self.context.dialect.merge(step.context.dialect)
        return {
            "schemas": [BULK_RESPONSE],
            "Operations": [step.result for step in self._steps if "status" in step.result],
        }

    def _read(self, sent: Any) -> _Step:
        step = _Step(sent, replace(self.context, dialect=Dialect(strict=self.context.dialect.strict)))
        step.result |= _named(sent)
        try:
            step.operation = parse_message(BulkOperation, sent, step.context.dialect)
        except ScimError as error:
            step.error = error
        else:
            step.made_id = self.context.new_id() if step.operation.method == "POST" else None
            step.node = _node(step.operation)
        return step

    def _carry_out(self, workers: int, most_errors: int | None) -> None:
        """Run the steps in an order that their dependencies allow, otherwise that of the request."""
        sorter = TopologicalSorter(dict(enumerate(self._dependencies.waits_for)))
        sorter.prepare()
        ready: list[int] = []
        running: dict[Future[None], int] = {}
        with ThreadPoolExecutor(workers) as pool:
            while sorter.is_active() and (most_errors is None or self._errors() < most_errors):
                for index in sorter.get_ready():
                    heapq.heappush(ready, index)
                while ready and len(running) < workers:
                    index = heapq.heappop(ready)
                    running[pool.submit(self._attempt, index)] = index
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    future.result()
                    index = running.pop(future)
                    if self._steps[index].error is not None or self._steps[index].node.refers_to:
                        self._undo_what_refers_to_failures()
                    sorter.done(index)
        self._undo_what_refers_to_failures(at_the_end=True)

    def _errors(self) -> int:
        return sum(step.error is not None and "status" in step.result for step in self._steps)

    def _attempt(self, index: int) -> None:
        """Run one step: its failure is its own."""
        step = self._steps[index]
        try:
            if step.error is None:
                self._run(index, step)
        except ScimError as error:
            step.error = error
        except Exception as fault:  # noqa: BLE001  # one operation's fault must not hide what the others did
            self.report(fault)
            step.error = InternalError(
                f"The operation failed; give the request id {self.context.request_id} to support."
            )
        if step.error is not None:
            step.result |= {"status": str(step.error.status), "response": step.error.body()}

    def _run(self, index: int, step: _Step) -> None:
        if self.context.deadline.remaining_s() < _TIME_FOR_OPERATION_S:
            step.is_untried = True
            raise Unavailable("The time for this bulk request was used up before this operation: send it again.")
        operation = step.operation
        if operation is None:
            return
        resources, resource_id = self._target(operation)
        resources = replace(resources, context=step.context)
        locate = ResourceRenderer(resources.resource_type, step.context.base_url).location
        if resource_id is not None:
            step.result["location"] = locate(resource_id)
        elif operation.method == "POST":
            self._check_bulk_id(index, operation)
        stored, status = _write(resources, operation, resource_id or step.made_id, self._resolved(operation.data))
        if stored is not None:
            step.result |= {"location": locate(stored.id), "version": stored.etag}
        step.result["status"] = str(status.value)

    def _check_bulk_id(self, index: int, operation: BulkOperation) -> None:
        if not operation.bulkid:
            raise InvalidSyntax("A POST operation needs a bulkId, by which its result is told.")
        if self._dependencies.makers[operation.bulkid] != index:
            raise InvalidValue("Another operation of this request has the same bulkId.")

    def _target(self, operation: BulkOperation) -> tuple[ResourceService, str | None]:
        endpoint, _, resource_id = operation.path.strip("/").partition("/")
        resources = self.resources.get(endpoint.lower())
        if resources is None or "/" in resource_id:
            raise NotFound("The operation's path names nothing that is served here; use /Users or /Users/<id>.")
        if (operation.method == "POST") == bool(resource_id):
            raise InvalidValue("POST goes to a resource type such as /Users; PUT, PATCH and DELETE to one of its ids.")
        return resources, self._resolve(resource_id) if resource_id else None

    def _resolved(self, value: Any) -> Any:
        """``value`` with the ids for the ``bulkId`` references in it (section 3.7.2)."""
        if isinstance(value, dict):
            return {name: self._resolved(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self._resolved(element) for element in value]
        return self._resolve(value) if isinstance(value, str) else value

    def _resolve(self, text: str) -> str:
        if not text.startswith(_REFERENCE):
            return text
        maker = self._maker(text.removeprefix(_REFERENCE))
        if maker is not None and maker.error is not None and maker.error.is_fault:
            raise Unavailable(_MAKER_FAULT)
        if maker is None or maker.error is not None or maker.made_id is None:
            raise UnresolvedReference("The operation refers to a bulkId of no operation that has succeeded.")
        return maker.made_id

    def _maker(self, bulk_id: str) -> _Step | None:
        index = self._dependencies.makers.get(bulk_id)
        return None if index is None else self._steps[index]

    def _record(self, step: _Step) -> None:
        if step.is_untried:
            return  # nothing is known to be wrong with it, so it is no failure of the customer's
        if step.error is not None and "status" in step.result:
            self.recorder.record_failure(_asked(step), step.error, step.context.dialect)
        elif step.has_succeeded:
            self.recorder.record_success(_asked(step), step.context.dialect)

    def _undo_what_refers_to_failures(self, *, at_the_end: bool = False) -> None:
        """Delete what was made with a reference that has come to nothing; only a circle can lead there.

        At the end also those count as failed that were not tried.
        """
        referring = [step for step in self._steps if step.made_id and step.node.refers_to]
        undone = bool(referring)
        while undone:
            undone = False
            for step in referring:
                if step.has_succeeded and step.made_id:
                    failed = self._failed_makers(step, at_the_end=at_the_end)
                    undone |= bool(failed) and self._undo(step, step.made_id, failed)

    def _failed_makers(self, step: _Step, *, at_the_end: bool) -> Sequence[_Step]:
        makers = [self._maker(name) for name in step.node.refers_to]
        return [each for each in makers if each and (each.error or (at_the_end and not each.has_succeeded))]

    def _undo(self, step: _Step, resource_id: str, failed: Sequence[_Step]) -> bool:
        """Whether the step is undone. Where it can't be, what it made stays as it was told."""
        if step.operation is None:
            return False
        resources, _ = self._target(step.operation)
        try:
            replace(resources, context=step.context).delete(resource_id)
        except Exception as fault:  # noqa: BLE001  # then its success stands, and must be told
            self.report(fault)
            step.made_id = None
            return False
        step.is_untried = all(maker.is_untried for maker in failed)
        step.error = UnresolvedReference("The operation refers in a circle to a bulkId whose operation failed.")
        if all(maker.error and maker.error.is_fault for maker in failed):
            step.error = Unavailable(_MAKER_FAULT)
        step.result = _named(step.sent) | {"status": str(step.error.status), "response": step.error.body()}
        return True


def _asked(step: _Step) -> RequestSummary:
    """What the operation asked for; of one that could not be read what can be told."""
    members = lower_member_names(step.sent)
    method, path = str(members.get("method", "")).upper(), str(members.get("path", ""))
    resource_id = path.strip("/").partition("/")[2]
    known = resource_id and not resource_id.startswith(_REFERENCE)
    return RequestSummary(
        WRITE_OPERATIONS.get(method, "POST Bulk"), resource_id if known else None, members.get("data")
    )


def _node(operation: BulkOperation) -> OperationNode:
    makes = operation.method == "POST"
    refers_to = frozenset(_references([operation.path.rpartition("/")[2], operation.data]))
    return OperationNode(
        operation.bulkid if makes else None, refers_to, None if makes else operation.path.strip("/").lower()
    )


def _write(
    resources: ResourceService, operation: BulkOperation, resource_id: str | None, data: Any
) -> tuple[StoredResource | None, HTTPStatus]:
    preconditions = Preconditions.parse(operation.version, None)
    match operation.method, resource_id:
        case "POST", str(made):
            return resources.create(data, resource_id=made), HTTPStatus.CREATED
        case "PUT", str(found):
            return resources.replace(found, data, preconditions), HTTPStatus.OK
        case "PATCH", str(found):
            return resources.patch(found, data, preconditions), HTTPStatus.OK
        case _, found:
            resources.delete(str(found), preconditions)
            return None, HTTPStatus.NO_CONTENT


def _references(value: Any) -> Iterator[str]:
    """The ``bulkId`` values that are referred to anywhere in ``value``."""
    if isinstance(value, str):
        if value.startswith(_REFERENCE):
            yield value.removeprefix(_REFERENCE)
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _references(member)


def _named(sent: Any) -> Result:
    """What names an operation in the answer: its method and its ``bulkId``."""
    members = lower_member_names(sent)
    named = {"method": members.get("method"), "bulkId": members.get("bulkid")}
    return {name: value for name, value in named.items() if isinstance(value, str)}
