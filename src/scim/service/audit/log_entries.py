"""Convert the records of a tenant to log entries, which the audit log and a person's timeline show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scim.protocol.errors import MALFORMED_TOKEN_RULES
from scim.service.audit import audit_event_descriptions
from scim.service.audit.explanations import explain, explain_rejected_token
from scim.service.identity_providers.detect_by_request import detect_request_provider
from scim.service.model.audit.audit_event import AuditAction, AuditEvent
from scim.service.model.audit.failure import FailureCount
from scim.service.model.audit.log_record import AUTHENTICATE, LogRecord, RejectedTokenCount
from scim.service.model.change_record import ChangeRecord, Operation, Participation, StoredChange
from scim.service.model.deactivations.brake import MassDeactivation
from scim.service.model.identifiers import IdentifierKind
from scim.service.model.identity_provider import IdentityProvider
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import TokenUsage
from scim.service.tenants.access_problems import describe_first_use

_OPERATION_RESULTS = {
    Operation.CREATE: "Created",
    Operation.REPLACE: "Replaced",
    Operation.PATCH: "Changed",
    Operation.DELETE: "Deleted",
    Operation.ERASE: "Erased the records that named this deleted user",
}
_PARTICIPATION_SENTENCES = {
    Participation.JOINED: " The user is now active.",
    Participation.LEFT: " The user is no longer active.",
    Participation.UNCHANGED: "",
}
_ACTION_NAMES = {AuditAction.REVOKE_INVITATIONS: "revoke-invitations"}
"""The names of actions whose stored value differs."""
_SUCCESS_STATUS = {Operation.CREATE: 201, Operation.DELETE: 204}


class LogEntryKind(StrEnum):
    """The kinds of log entries. The values are public: the command ``muster log --json`` prints them."""

    CHANGE = "change"
    FAILURE = "failure"
    NO_OP = "no-op"
    """A request that was answered with success although part of it was ignored."""
    REJECTED_TOKEN = "rejected-token"  # noqa: S105  # no token
    """Requests with a token that this stack created and that is no longer valid."""
    MALFORMED_TOKEN = "malformed-token"  # noqa: S105  # no token
    """Requests with a malformed token, which anyone can send."""
    FIRST_USE = "first-use"
    """The first request with a token."""
    AUDIT_EVENT = "audit-event"
    """An action on the tenant by an operator or an IT admin."""
    ALERT = "alert"
    """An alert about a mass deactivation."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of the audit log or of a timeline.

    Attributes:
        at: When it happened last (RFC 3339 in UTC).
        kind: The kind of the entry.
        user: The user name or another identifier, empty if the entry is about no user.
        operation: The operation, such as ``create`` or ``GET Users``, or the action of an audit event.
        status: The HTTP status of the response, ``None`` if there is none, as for an audit event.
        summary: What happened, in sentences.
        first_at: When it happened first (RFC 3339 in UTC).
        rule: The rule that the request violated (:class:`scim.protocol.errors.Rule`), empty for no failure.
        remediation: What to change, in sentences; empty for no failure.
        attributes_sent: The names of the attributes in the request.
        attributes_changed: The names of the attributes whose values changed.
        count: How often it happened.
        is_repeating: Whether the same failure happened five times or more since yesterday.
        request_id: The id of the last request.
        provider: The identity provider, ``None`` if it was not detected.
        actor: The operator or IT admin who did the action of an audit event; empty for all other kinds.
    """

    at: str
    kind: LogEntryKind
    user: str
    operation: str
    status: int | None
    summary: str
    first_at: str
    rule: str = ""
    remediation: str = ""
    attributes_sent: Sequence[str] = ()
    attributes_changed: Sequence[str] = ()
    count: int = 1
    is_repeating: bool = False
    request_id: str = ""
    provider: IdentityProvider | None = None
    actor: str = ""


def get_action_name(action: AuditAction) -> str:
    """Return the name of an action in the log."""
    return _ACTION_NAMES.get(action, action)


def describe_record(record: LogRecord, user_names: Mapping[str, str]) -> LogEntry:
    """Return the log entry of a record. ``user_names`` maps ids of users to user names, which replace the ids."""
    match record:
        case StoredChange():
            return _build_change_entry(record.change)
        case RejectedTokenCount():
            return _build_rejected_tokens_entry(record)
        case FailureCount():
            return _build_failure_entry(record, user_names)
        case AuditEvent():
            return _build_audit_event_entry(record)
        case TokenUsage():
            return _build_first_use_entry(record)
        case MassDeactivation():
            return _build_alert_entry(record)


def _build_change_entry(change: ChangeRecord) -> LogEntry:
    return LogEntry(
        at=change.at,
        kind=LogEntryKind.CHANGE,
        user=change.user_name,
        operation=change.operation,
        status=_SUCCESS_STATUS.get(change.operation, 200),
        summary=_summarize_change(change),
        attributes_sent=change.attributes_sent,
        attributes_changed=change.attributes_changed,
        first_at=change.at,
        request_id=change.request_id,
        provider=detect_request_provider("", "", change.leniencies, None),
    )


def _summarize_change(change: ChangeRecord) -> str:
    if change.operation is Operation.LINK:
        return f"Links updated: {', '.join(_describe_links(change))}."
    summary = _OPERATION_RESULTS[change.operation]
    if change.operation in (Operation.REPLACE, Operation.PATCH):
        summary += f": {', '.join(change.attributes_changed)}"
    summary += f".{_PARTICIPATION_SENTENCES[change.participation]}"
    return f"{summary} Ignored: {', '.join(change.ignored)}." if change.ignored else summary


def _describe_links(change: ChangeRecord) -> Iterator[str]:
    linked_attributes = {name for name, _ in change.links}
    for name in change.attributes_changed:
        yield f"{name} {'refers to a user' if name in linked_attributes else 'refers to no user yet'}"


def _build_rejected_tokens_entry(rejected: RejectedTokenCount) -> LogEntry:
    summary, remediation = explain_rejected_token(rejected.rule, None)
    is_malformed = rejected.rule in MALFORMED_TOKEN_RULES
    return LogEntry(
        at=rejected.last_at,
        kind=LogEntryKind.MALFORMED_TOKEN if is_malformed else LogEntryKind.REJECTED_TOKEN,
        user="",
        operation=AUTHENTICATE,
        status=401,
        rule=rejected.rule,
        summary=summary,
        remediation=remediation,
        first_at=rejected.first_at,
        count=rejected.count,
        request_id=rejected.request_id,
    )


def _build_failure_entry(count: FailureCount, user_names: Mapping[str, str]) -> LogEntry:
    failure = count.failure
    summary, remediation = explain(failure)
    is_id = failure.identifier_kind == IdentifierKind.ID
    return LogEntry(
        at=failure.at,
        kind=LogEntryKind.NO_OP if failure.is_no_op else LogEntryKind.FAILURE,
        user=user_names.get(failure.identifier, failure.identifier) if is_id else failure.identifier,
        operation=failure.operation,
        status=failure.status,
        rule=failure.rule,
        summary=summary,
        remediation=remediation,
        attributes_sent=failure.attributes_sent,
        first_at=count.first_at,
        count=count.count,
        is_repeating=count.is_repeating,
        request_id=failure.request_id,
        provider=failure.provider,
    )


def _build_audit_event_entry(event: AuditEvent) -> LogEntry:
    return LogEntry(
        at=event.at,
        kind=LogEntryKind.AUDIT_EVENT,
        user="",
        operation=get_action_name(event.action),
        status=None,
        summary=audit_event_descriptions.describe_audit_event(event),
        first_at=event.at,
        actor=event.actor,
    )


def _build_alert_entry(alert: MassDeactivation) -> LogEntry:
    consequence = "The brake refuses more" if alert.is_held else "More are accepted"
    return LogEntry(
        at=alert.at,
        kind=LogEntryKind.ALERT,
        user="",
        operation="mass deactivation",
        status=None,
        summary=f"Alert: {alert.summary}. {consequence}.",
        first_at=alert.at,
        request_id=alert.request_id,
    )


def _build_first_use_entry(token_usage: TokenUsage) -> LogEntry:
    at = format_rfc3339(token_usage.first_used)
    return LogEntry(
        at=at,
        kind=LogEntryKind.FIRST_USE,
        user="",
        operation=AUTHENTICATE,
        status=None,
        summary=f"First request with this token: {describe_first_use(token_usage)}.",
        first_at=at,
        provider=detect_request_provider(token_usage.first_user_agent, "", (), None),
    )
