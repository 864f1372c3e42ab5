"""What a failed request leaves behind: who was meant, the names of what was sent, what was decided. Never a value.

The one exception is the identifier by which the person is found. A PATCH that was answered with success but left
something unlike what it asked for is recorded in the same way: the silent no-op.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from scim.protocol.errors import Rule, ScimError
from scim.protocol.filter.path import is_attribute
from scim.protocol.leniency import Dialect, is_attribute_name
from scim.protocol.schema import ResourceType
from scim.service.deadline import CALL_S, Deadline
from scim.service.identity_providers.recognition import recognize_provider
from scim.service.model.change_record import Operation
from scim.service.model.failure import Failure, FailureCount, FailureKind, RequestSummary, failure_kind
from scim.service.model.identifiers import identify_subject
from scim.service.ports import FailureStore
from scim.service.resources.sent_attributes import list_sent_attributes

_ALSO_TOLERANT = ("required", "read-only", "immutable")
"""What strict mode can't be to blame for, though something else was refused before."""


@dataclass(slots=True)
class FailureRecorder:
    """Records the failures of one request, while there is time: nothing here changes the answer.

    ``agent`` and ``query`` tell the identity provider; ``report`` is told of faults in this itself. After the request,
    :meth:`finish` adds its failures to the counts of the day, and the numbers say how many failures there were, how
    many of them were not recorded, and how many are loops.
    """

    store: Callable[[], FailureStore]
    resource_type: ResourceType
    deadline: Deadline
    now: Callable[[], str]
    request_id: str
    report: Callable[[Exception], None]
    agent: str = ""
    query: str = ""
    outcomes: list[str] = field(default_factory=list)
    _failures: list[Failure] = field(default_factory=list)
    _recorded: list[FailureCount] = field(default_factory=list)

    def record_failure(self, asked: RequestSummary, error: ScimError, dialect: Dialect) -> None:
        self.outcomes.append("failures")
        refused = dialect.last_rejected if error.status == 400 and error.rule not in _ALSO_TOLERANT else None
        rule = Rule.STRICT_MODE if refused else error.rule
        self._record(asked, dialect, error.status, error.scim_type, rule, error.detail, error.attribute, refused)

    def record_success(self, asked: RequestSummary, dialect: Dialect) -> None:
        """Record a PATCH of which something came to nothing."""
        if asked.operation == Operation.PATCH and dialect.ignored:
            self.outcomes.append("no_ops")
            detail = f"Answered with success, but nothing came of {', '.join(dialect.ignored)}."
            self._record(asked, dialect, 200, None, Rule.NO_OP, detail, dialect.ignored[0], None)

    def finish(self) -> None:
        """Add the failures to the counts of the day, in one attempt for the whole request.

        Also those that there was no time to record. Where the table took no record, nothing is attempted: a tenant's
        partition that does not answer costs one wait.
        """
        if self._recorded and not self._add_to_day():
            self.outcomes.append("uncounted")

    @property
    def line(self) -> dict[str, int]:
        """What the log line says of it, without what did not happen."""
        return {name: self.outcomes.count(name) for name in sorted(set(self.outcomes))}

    def _record(
        self,
        asked: RequestSummary,
        dialect: Dialect,
        status: int,
        scim_type: str | None,
        rule: str,
        detail: str,
        attribute: str | None,
        refused: str | None,
    ) -> None:
        try:
            person = identify_subject(asked.resource_id, asked.body, asked.query)
            kind, identifier = person.identifier
            failure = Failure(
                at=self.now(),
                operation=asked.operation,
                status=status,
                scim_type=scim_type,
                rule=rule,
                detail=detail,
                attribute=attribute if attribute and _can_be_shown(attribute, self.resource_type) else None,
                identifier_kind=kind,
                identifier=identifier,
                identifier_hashes=person.hashes,
                attributes_sent=list_sent_attributes(asked.body, self.resource_type),
                ignored=dialect.ignored,
                rejected_leniency=refused,
                provider=recognize_provider(self.agent, self.query, dialect.used, asked.body),
                request_id=self.request_id,
            )
            self._failures.append(failure)
            counted = self.store().count(failure) if self._has_time_to_record() else None
        except Exception as fault:  # noqa: BLE001  # the answer must be what it would be without any log
            self.report(fault)
            counted = None
        if counted is None:
            self.outcomes.append("unrecorded")
            return
        self._recorded.append(counted)
        if counted.is_loop:
            self.outcomes.append("loops")

    def _has_time_to_record(self) -> bool:
        """Return whether there is time for a record and, once there is one, for the counts of the day after it.

        Otherwise a bulk request whose records use up the time would never be counted, and the tenant seem healthy.
        """
        reserve_s = CALL_S if self._recorded else 0.0
        return replace(self.deadline, remaining_s=lambda: self.deadline.remaining_s() - reserve_s).has_time()

    def _add_to_day(self) -> bool:
        counts = Counter(map(_kind_of, self._failures))
        counts[FailureKind.LOOP] = sum(map(_is_repeating_failure, self._recorded))
        counts[FailureKind.WRONG_SCIM_URL] = sum(each.rule == Rule.SCIM_URL for each in self._failures)
        provider = next((each.provider for each in self._failures if each.provider), None)
        try:
            return self.deadline.has_time() and self.store().add_to_day(self.now(), +counts, provider)
        except Exception as fault:  # noqa: BLE001  # the answer must be what it would be without any log
            self.report(fault)
            return False


def _kind_of(failure: Failure) -> FailureKind:
    return FailureKind.NO_OP if failure.is_no_op else failure_kind(failure.operation, failure.status)


def _is_repeating_failure(counted: FailureCount) -> bool:
    """Return whether a failure that keeps a user from being provisioned repeats: no silent no-op, and no 501."""
    return counted.is_loop and _kind_of(counted.failure) not in (FailureKind.NO_OP, FailureKind.UNSUPPORTED)


def _can_be_shown(attribute: str, resource_type: ResourceType) -> bool:
    """Return whether this is a name and not a value: a schema has it, or at least its first part, or it looks like one.

    Schemas of a tenant may have names of any form, also with spaces.
    """
    if is_attribute_name(attribute) or is_attribute(attribute, resource_type):
        return True
    known, _, unknown = attribute.rpartition(".")
    return is_attribute_name(unknown) and is_attribute(known, resource_type)
