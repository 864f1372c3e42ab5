"""The records of a tenant's audit log: changes, failures, rejected tokens, audit events, first uses and alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scim.service.model.audit.audit_event import AuditEvent
from scim.service.model.audit.failure import FailureCount
from scim.service.model.change_record import StoredChange
from scim.service.model.deactivations.brake import MassDeactivation
from scim.service.model.token import TokenUsage

AUTHENTICATE = "authenticate"
"""The operation in records about tokens. The rest of such a request was not parsed."""


@dataclass(frozen=True, slots=True)
class RejectedTokenCount:
    """The requests of a tenant that were rejected within a minute because of their token.

    ``count`` is a lower bound. ``first_at`` and ``last_at`` are RFC 3339 in UTC. ``rule`` and ``request_id`` are those
    of the last request. The id is empty if it is not known. If the rule is one of
    :data:`scim.protocol.errors.MALFORMED_TOKEN_RULES`, anyone may have sent the requests.
    """

    first_at: str
    last_at: str
    count: int
    rule: str
    request_id: str = ""


class RecordKind(StrEnum):
    """The kinds of records in a tenant's audit log."""

    CHANGE = "change"
    FAILURE = "failure"
    """Failed requests, and requests whose token was rejected."""
    AUDIT_EVENT = "audit_event"
    FIRST_USE = "first_use"
    """The first request with each of the tenant's tokens."""
    ALERT = "alert"
    """Alerts about mass deactivations."""


@dataclass(frozen=True, slots=True, order=True)
class LogPosition:
    """The position of a record in a tenant's audit log: its time (RFC 3339 in UTC), partition key and sort key."""

    at: str
    partition: str
    sort: str

    @property
    def key(self) -> tuple[str, str]:
        """The primary key of the record in the table."""
        return self.partition, self.sort


@dataclass(frozen=True, slots=True)
class FailureSearchResult:
    """The result of a search that reads a limited number of failures.

    ``is_complete`` is false if older failures may be missing.
    """

    failures: Sequence[FailureCount] = ()
    is_complete: bool = True


LogRecord = StoredChange | FailureCount | RejectedTokenCount | AuditEvent | TokenUsage | MassDeactivation
