"""Record failed requests: the person, the names of the attributes in the request, and the error.

No values are recorded, except the identifier of the person. A silent no-op is recorded in the same way: a PATCH that
was answered with success although part of it was ignored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from http import HTTPStatus

from scim.protocol.errors import Rule, ScimError
from scim.protocol.filter.path import is_attribute
from scim.protocol.leniency import LeniencyTracker, is_attribute_name
from scim.protocol.schema import ResourceType
from scim.service.deadline import CALL_TIMEOUT_S, Deadline
from scim.service.identity_providers.detect_by_request import detect_request_provider
from scim.service.model.audit.failure import Failure, FailureCount, FailureKind, RequestSummary, classify_failure
from scim.service.model.change_record import Operation
from scim.service.model.identifiers import identify_subject
from scim.service.model.timestamps import format_rfc3339
from scim.service.ports import FailureStore
from scim.service.resources.sent_attributes import list_sent_attributes

_RULES_WITHOUT_LENIENCY = (Rule.REQUIRED, Rule.READ_ONLY, Rule.IMMUTABLE)
"""Rules that no leniency relaxes, so strict mode is never the reason for these errors."""


class FailureLogField(StrEnum):
    """The fields of a request's log line that count its failures."""

    FAILURE = "failures"
    NO_OP = "no_ops"
    REPEATING = "repeating_failures"
    """The failures and no-ops that have repeated five times or more since yesterday."""
    UNRECORDED = "unrecorded"
    """The failures and no-ops that could not be recorded: no time was left, or DynamoDB did not respond."""
    UNCOUNTED = "uncounted"
    """1 if the failures of the request could not be added to the counts of the day."""
    UNINDEXED = "unindexed"
    """1 if the failures of the request cannot be found by its id."""


@dataclass(frozen=True, slots=True)
class _Result:
    """The result of a request that failed or was partly ignored."""

    status: int
    rule: str
    detail: str
    attribute: str | None
    scim_type: str | None = None
    rejected_leniency: str | None = None


@dataclass(slots=True)
class FailureRecorder:
    """Records the failures of one request, as far as its deadline allows. It never changes the response.

    ``open_store`` returns the store of the tenant's failures. ``now`` returns the seconds since 1970. ``user_agent``
    and ``query``, the query string, help to detect the identity provider. ``report_fault`` receives exceptions that are
    raised while a failure is recorded.
    """

    open_store: Callable[[], FailureStore]
    resource_type: ResourceType
    deadline: Deadline
    now: Callable[[], float]
    request_id: str
    report_fault: Callable[[Exception], None]
    user_agent: str = ""
    query: str = ""
    # Lists: the operations of a bulk request are recorded by several threads, and appending is atomic.
    _counted_fields: list[FailureLogField] = field(default_factory=list)
    _failures: list[Failure] = field(default_factory=list)
    _recorded: list[FailureCount] = field(default_factory=list)

    def record_failure(self, request: RequestSummary, error: ScimError, leniencies: LeniencyTracker) -> None:
        """Record that a request, or an operation of a bulk request, failed."""
        self._counted_fields.append(FailureLogField.FAILURE)
        is_strictness = error.status == HTTPStatus.BAD_REQUEST and error.rule not in _RULES_WITHOUT_LENIENCY
        rejected = leniencies.last_rejected if is_strictness else None
        rule = Rule.STRICT_MODE if rejected else error.rule
        result = _Result(error.status, rule, error.detail, error.attribute, error.scim_type, rejected)
        self._record(request, result, leniencies)

    def record_success(self, request: RequestSummary, leniencies: LeniencyTracker) -> None:
        """Record the request if it is a PATCH and part of it was ignored; else do nothing."""
        if request.operation == Operation.PATCH and leniencies.ignored:
            self._counted_fields.append(FailureLogField.NO_OP)
            detail = f"The request succeeded, but these attributes were ignored: {', '.join(leniencies.ignored)}."
            self._record(request, _Result(HTTPStatus.OK, Rule.NO_OP, detail, leniencies.ignored[0]), leniencies)

    def record_refusals(self, request: RequestSummary, error: ScimError, number: int) -> None:
        """Record ``number`` requests that were refused because of the rate limit, ``request`` the last of them.

        No person is recorded, because the identity provider sends each request again. They are counted apart from
        failures, so that a tenant is not failing only because it sends too much.
        """
        anonymous = RequestSummary(request.operation)
        result = _Result(error.status, error.rule, error.detail, error.attribute)
        try:
            failure = self._build_failure(anonymous, result, LeniencyTracker(is_strict=True))
            if not self.deadline.has_time() or self.open_store().record_failure(failure, number) is None:
                self._counted_fields.append(FailureLogField.UNRECORDED)
                return
            counts = {FailureKind.RATE_LIMITED: number}
            if not self.open_store().add_to_day(failure.at, counts, failure.provider):
                self._counted_fields.append(FailureLogField.UNCOUNTED)
        except Exception as fault:  # noqa: BLE001  # a fault of the recording must not change the response
            self.report_fault(fault)

    def finish(self) -> None:
        """Add the failures to the counts of the day, and let them be found by the id of the request: two calls.

        The counts include failures that could not be recorded for lack of time. If no failure could be recorded, no
        call is made, and no second one after a first that failed. So a partition that does not respond delays the
        request only once.
        """
        errors = [count.failure for count in self._recorded if not count.failure.is_no_op]
        if self._recorded and not self._add_to_day():
            self._counted_fields.append(FailureLogField.UNCOUNTED)
        elif errors and not self._record_request(errors):
            self._counted_fields.append(FailureLogField.UNINDEXED)

    @property
    def log_fields(self) -> dict[str, int]:
        """The counts for the request's log line, by field. Fields that are zero are omitted."""
        return {
            str(field_name): self._counted_fields.count(field_name) for field_name in sorted(set(self._counted_fields))
        }

    def _record(self, request: RequestSummary, result: _Result, leniencies: LeniencyTracker) -> None:
        count = self._try_to_record(request, result, leniencies)
        if count is None:
            self._counted_fields.append(FailureLogField.UNRECORDED)
            return
        self._recorded.append(count)
        if count.is_repeating:
            self._counted_fields.append(FailureLogField.REPEATING)

    def _try_to_record(
        self, request: RequestSummary, result: _Result, leniencies: LeniencyTracker
    ) -> FailureCount | None:
        try:
            failure = self._build_failure(request, result, leniencies)
            self._failures.append(failure)
            return self.open_store().record_failure(failure) if self._has_time_to_record() else None
        except Exception as fault:  # noqa: BLE001  # a fault of the recording must not change the response
            self.report_fault(fault)
            return None

    def _build_failure(self, request: RequestSummary, result: _Result, leniencies: LeniencyTracker) -> Failure:
        subject = identify_subject(request.resource_id, request.body, request.query)
        identifier_kind, identifier = subject.identifier
        attribute = result.attribute
        return Failure(
            at=format_rfc3339(self.now()),
            operation=request.operation,
            status=result.status,
            scim_type=result.scim_type,
            rule=result.rule,
            detail=result.detail,
            attribute=attribute if attribute and _is_name(attribute, self.resource_type) else None,
            identifier_kind=identifier_kind,
            identifier=identifier,
            identifier_hashes=subject.hashes,
            attributes_sent=list_sent_attributes(request.body, self.resource_type),
            ignored=leniencies.ignored,
            rejected_leniency=result.rejected_leniency,
            provider=detect_request_provider(self.user_agent, self.query, leniencies.used, request.body),
            request_id=self.request_id,
        )

    def _has_time_to_record(self) -> bool:
        """Return whether there is time to record a failure and, after the first one, to write the counts of the day.

        Without this reserve, a bulk request with many failures would use all its time for records and write no counts.
        The tenant would then seem healthy.
        """
        reserve_s = CALL_TIMEOUT_S if self._recorded else 0.0
        return replace(self.deadline, remaining_s=lambda: self.deadline.remaining_s() - reserve_s).has_time()

    def _add_to_day(self) -> bool:
        counts = Counter(map(_classify, self._failures))
        counts[FailureKind.REPEATING] = sum(map(_is_repeating_failure, self._recorded))
        counts[FailureKind.WRONG_SCIM_URL] = sum(failure.rule == Rule.SCIM_URL for failure in self._failures)
        provider = next((failure.provider for failure in self._failures if failure.provider), None)
        try:
            return self.deadline.has_time() and self.open_store().add_to_day(
                format_rfc3339(self.now()), +counts, provider
            )
        except Exception as fault:  # noqa: BLE001  # a fault of the recording must not change the response
            self.report_fault(fault)
            return False

    def _record_request(self, failures: Sequence[Failure]) -> bool:
        try:
            return self.deadline.has_time() and self.open_store().record_failed_request(self.request_id, failures)
        except Exception as fault:  # noqa: BLE001  # a fault of the recording must not change the response
            self.report_fault(fault)
            return False


def _classify(failure: Failure) -> FailureKind:
    return FailureKind.NO_OP if failure.is_no_op else classify_failure(failure.operation, failure.status)


def _is_repeating_failure(count: FailureCount) -> bool:
    """Return whether a failure is repeating and may keep a user from being provisioned.

    Silent no-ops and requests for unsupported features (501) do not.
    """
    return count.is_repeating and _classify(count.failure) not in (FailureKind.NO_OP, FailureKind.UNSUPPORTED)


def _is_name(attribute: str, resource_type: ResourceType) -> bool:
    """Return whether a text is the name of an attribute. A text that may be a value must not be stored.

    It is a name if a schema has the attribute or its first part, or if it has the form of an attribute name. Attributes
    of custom schemas may have names with spaces.
    """
    if is_attribute_name(attribute) or is_attribute(attribute, resource_type):
        return True
    known, _, unknown = attribute.rpartition(".")
    return is_attribute_name(unknown) and is_attribute(known, resource_type)
