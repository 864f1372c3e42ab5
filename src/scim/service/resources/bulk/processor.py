"""Bulk requests: many operations in one request, each with its own transaction and status (RFC 7644 section 3.7).

Operations run in parallel, with the results of the order of the request: operations on the same resource run in order,
and a unique value that an operation frees can be taken by a later one (:mod:`scim.service.resources.bulk.schedule`). An
operation that refers to a resource by ``bulkId`` runs after the operation that creates it.

The ids of new resources are chosen before any operation runs, so references in a cycle can be replaced too. The
operations of a cycle are written in one transaction. So an operation whose result is an error has changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from scim.protocol.errors import PayloadTooLarge, ScimError
from scim.protocol.json_body import lower_member_names
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.messages import BULK_RESPONSE, BulkOperation, BulkRequest, parse_message
from scim.service.limits import MAX_OPERATIONS
from scim.service.model.audit.failure import RequestSummary
from scim.service.model.change_record import WRITE_OPERATIONS
from scim.service.ports import OutcomeRecorder
from scim.service.resources.bulk.executor import BulkExecutor
from scim.service.resources.bulk.order import (
    OperationNode,
    build_graph,
    find_bulk_id_references,
    find_sent_values,
    parse_bulk_id_reference,
)
from scim.service.resources.bulk.state import BulkOperationState
from scim.service.resources.bulk.task_runner import TaskRunner
from scim.service.resources.bulk.unique_values import normalize_unique_value
from scim.service.resources.context import ServiceContext
from scim.service.resources.crud import ResourceService

MAX_WORKERS = 8
"""The maximum number of parallel operations. It fits into the connections of the DynamoDB client."""


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The bulk response, and the number of operations that were not attempted because the time had run out."""

    body: dict[str, Any]
    not_attempted_count: int


@dataclass(frozen=True, slots=True)
class BulkProcessor:
    """Processes one bulk request.

    ``services`` maps the lower-case name of each endpoint, such as ``users``, to the service of its resource type.
    ``report_fault`` receives faults. ``recorder`` records the result of each operation.
    """

    services: Mapping[str, ResourceService]
    context: ServiceContext
    report_fault: Callable[[Exception], None]
    recorder: OutcomeRecorder
    max_workers: int = MAX_WORKERS

    def run(self, body: Any) -> BulkResult:
        """Execute the operations in a request body, and return the bulk response.

        Raise :class:`InvalidSyntax` or :class:`InvalidValue` if the body is not a bulk request,
        :class:`PayloadTooLarge` if it has too many operations, and :class:`RateLimitExceeded` if the tenant has too few
        permits for all of them. Then nothing was executed.
        """
        request = parse_message(BulkRequest, body, self.context.leniencies)
        if len(request.operations) > MAX_OPERATIONS:
            raise PayloadTooLarge(
                f"A bulk request can have at most {MAX_OPERATIONS:,} operations. Send several requests."
            )
        self.context.permits.take(len(request.operations))
        states = [self._parse_operation(operation) for operation in request.operations]
        graph = build_graph([state.node for state in states])
        creators = {bulk_id: states[index] for bulk_id, index in graph.creators.items()}
        executor = BulkExecutor(states, graph, TaskRunner(self.services, creators, self.report_fault))
        # With failOnErrors, operations run one at a time: none may run after the error that ends the request (section
        # 3.7.3).
        executor.execute(self.max_workers if request.failonerrors is None else 1, request.failonerrors)
        # Results are recorded after all operations, so that recording takes no time from operations.
        with ThreadPoolExecutor(self.max_workers) as pool:
            list(pool.map(self._record_outcome, states))
        for state in states:
            self.context.leniencies.merge(state.context.leniencies)
        results = [state.result for state in states if state.has_ended]
        not_attempted_count = sum(state.is_skipped for state in states)
        return BulkResult({"schemas": [BULK_RESPONSE], "Operations": results}, not_attempted_count)

    def _parse_operation(self, raw_operation: Any) -> BulkOperationState:
        context = replace(self.context, leniencies=LeniencyTracker(is_strict=self.context.leniencies.is_strict))
        try:
            operation = parse_message(BulkOperation, raw_operation, context.leniencies)
        except ScimError as error:
            return BulkOperationState(raw_operation, context, error)
        created_id = self.context.new_id() if operation.method == "POST" else None
        return BulkOperationState(raw_operation, context, operation, self._build_node(operation), created_id)

    def _build_node(self, operation: BulkOperation) -> OperationNode:
        endpoint, _, resource_id = operation.path.strip("/").partition("/")
        references = frozenset(find_bulk_id_references([resource_id, operation.data]))
        unique_values = frozenset(self._find_unique_values(endpoint, operation.data))
        if operation.method == "POST":
            return OperationNode(operation.bulkid, references, unique_values=unique_values)
        return OperationNode(None, references, operation.path.strip("/").lower(), unique_values)

    def _find_unique_values(self, endpoint: str, data: Any) -> Iterator[str]:
        """Yield the normalized values of the unique attribute in the data of an operation."""
        if (service := self.services.get(endpoint.lower())) is not None:
            name = service.resource_type.unique_attribute.name.lower()
            for value in find_sent_values(data, name):
                yield normalize_unique_value(value, service.resource_type)

    def _record_outcome(self, state: BulkOperationState) -> None:
        if state.is_skipped or not state.has_ended:
            return  # it was not executed: the time had run out, or failOnErrors ended the request
        if state.error is None:
            self.recorder.record_success(_summarize(state), state.context.leniencies)
        else:
            self.recorder.record_failure(_summarize(state), state.error, state.context.leniencies)


def _summarize(state: BulkOperationState) -> RequestSummary:
    """Return the parts of an operation that the audit log needs, as far as they can be parsed."""
    members = lower_member_names(state.raw_operation)
    method, path = str(members.get("method", "")).upper(), str(members.get("path", ""))
    resource_id = path.strip("/").partition("/")[2]
    is_id = resource_id and parse_bulk_id_reference(resource_id) is None
    operation = WRITE_OPERATIONS.get(method, "POST Bulk")
    return RequestSummary(operation, resource_id if is_id else None, members.get("data"))
