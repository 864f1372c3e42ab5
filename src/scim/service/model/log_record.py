"""What the log is made of: changes, failures, refused tokens, acts on the tenant, and first uses of its tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scim.service.model.change_record import StoredChange
from scim.service.model.failure import FailureCount
from scim.service.model.token import TokenUsage

AUTHENTICATE = "authenticate"
"""What an operation is called that ended with its token."""


@dataclass(frozen=True, slots=True)
class RejectedTokenCount:
    """How many requests of a tenant were refused within a minute because of their token, at least.

    With the rule :data:`scim.service.model.token.MALFORMED` anybody may have sent them.
    """

    first: str
    last: str
    count: int
    rule: str


CHANGES, FAILURES, ACTS, USES = "changes", "failures", "acts", "uses"
"""The kinds of records that a log can be asked for; refused tokens are among the failures."""
EVERYTHING = (CHANGES, FAILURES, ACTS, USES)


@dataclass(frozen=True, slots=True, order=True)
class LogPosition:
    """The place of a record in a tenant's log: its time, and its key."""

    at: str
    partition: str
    sort: str


@dataclass(frozen=True, slots=True)
class FailureSearchResult:
    """The failures that a bounded search has found. ``is_complete`` is false where it left older failures out."""

    failures: Sequence[FailureCount] = ()
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """The record of what somebody did with a tenant. ``at`` is RFC 3339 in UTC; ``details`` never hold a token."""

    id: str
    at: str
    operation: str
    actor: str
    details: Mapping[str, str]


LogRecord = StoredChange | FailureCount | RejectedTokenCount | AuditEvent | TokenUsage
