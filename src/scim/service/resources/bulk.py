"""Bulk requests: many operations in one request, each with its own transaction and status (RFC 7644 section 3.7).

Operations run in parallel, except those that refer to a resource that another one creates, and those on the same
resource. The ids of the resources that are created are chosen before anything runs. So every reference can be replaced
at once, even if it leads forward or in a cycle. If one operation of a cycle fails, the operations of the cycle that ran
before it are undone: an operation whose result is an error has changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from scim.service.resources.bulk_order import OperationNode, build_graph, find_references, parse_reference
from scim.service.resources.bulk_run import BulkRun, BulkStep
from scim.service.resources.context import ServiceContext
from scim.service.resources.crud import ResourceService

WORKERS = 8
"""Operations in parallel: they keep the function busy while DynamoDB answers, and fit into its client's connections."""


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The bulk response, and how many operations were not attempted because the time of the request was used up."""

    body: dict[str, Any]
    not_attempted: int


@dataclass(frozen=True, slots=True)
class BulkProcessor:
    """Processes a bulk request.

    ``services`` has the service of each resource type by the lower-case name of its endpoint, such as ``users``.
    ``report_fault`` receives faults of the service, ``recorder`` the outcome of each operation.
    """

    services: Mapping[str, ResourceService]
    context: ServiceContext
    report_fault: Callable[[Exception], None]
    recorder: OutcomeRecorder
    workers: int = WORKERS

    def run(self, body: Any) -> BulkResult:
        """Run the operations in a request body.

        Raises :class:`InvalidSyntax`, :class:`InvalidValue` and :class:`PayloadTooLarge`.
        """
        request = parse_message(BulkRequest, body, self.context.leniencies)
        if len(request.operations) > MAX_OPERATIONS:
            raise PayloadTooLarge(f"A bulk request has at most {MAX_OPERATIONS} operations: send several requests.")
        steps = [self._parse_step(operation) for operation in request.operations]
        run = BulkRun(self.services, steps, build_graph([step.node for step in steps]), self.report_fault)
        # With failOnErrors one at a time, so that nothing runs after the error that ends the request (section 3.7.3).
        run.execute(self.workers if request.failonerrors is None else 1, request.failonerrors)
        # Only now, so that recording takes no time from any operation.
        with ThreadPoolExecutor(self.workers) as pool:
            list(pool.map(self._record_outcome, steps))
        for step in steps:
            self.context.leniencies.merge(step.context.leniencies)
        results = [step.result for step in steps if step.has_ended]
        return BulkResult({"schemas": [BULK_RESPONSE], "Operations": results}, sum(step.is_skipped for step in steps))

    def _parse_step(self, sent: Any) -> BulkStep:
        context = replace(self.context, leniencies=LeniencyTracker(is_strict=self.context.leniencies.is_strict))
        try:
            operation = parse_message(BulkOperation, sent, context.leniencies)
        except ScimError as error:
            return BulkStep(sent, context, error=error)
        created_id = self.context.new_id() if operation.method == "POST" else None
        return BulkStep(sent, context, operation, _make_node(operation), created_id)

    def _record_outcome(self, step: BulkStep) -> None:
        if step.is_skipped or not step.has_ended:
            return  # the time was used up, which is no failure of the customer's, or failOnErrors ended the request
        if step.error is None:
            self.recorder.record_success(_summarize(step), step.context.leniencies)
        else:
            self.recorder.record_failure(_summarize(step), step.error, step.context.leniencies)


def _make_node(operation: BulkOperation) -> OperationNode:
    references = frozenset(find_references([operation.path.rpartition("/")[2], operation.data]))
    if operation.method == "POST":
        return OperationNode(operation.bulkid, references)
    return OperationNode(None, references, operation.path.strip("/").lower())


def _summarize(step: BulkStep) -> RequestSummary:
    """Return what the operation asked for, as far as it can be read."""
    members = lower_member_names(step.sent)
    method, path = str(members.get("method", "")).upper(), str(members.get("path", ""))
    resource_id = path.strip("/").partition("/")[2]
    is_id = resource_id and parse_reference(resource_id) is None
    operation = WRITE_OPERATIONS.get(method, "POST Bulk")
    return RequestSummary(operation, resource_id if is_id else None, members.get("data"))
