"""Records in words: the lines of the log and of a person's timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scim.protocol.errors import Rule
from scim.service.audit import audit_events
from scim.service.audit.explanations import explain, explain_token
from scim.service.identity_providers.recognition import recognize_provider
from scim.service.model.audit_event import AuditEvent
from scim.service.model.change_record import Operation, Participation, StoredChange
from scim.service.model.failure import Failure, FailureCount
from scim.service.model.log_record import AUTHENTICATE, LogRecord, RejectedTokenCount
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import TokenUsage
from scim.service.tenants.access_problems import describe_contact

_DONE = {
    Operation.CREATE: "created",
    Operation.REPLACE: "replaced",
    Operation.PATCH: "changed",
    Operation.DELETE: "deleted",
}

_PARTICIPATION = {
    Participation.JOINED: ", takes part now",
    Participation.LEFT: ", takes part no longer",
    Participation.UNCHANGED: "",
}


class LogEntryKind(StrEnum):
    """The kinds of lines in the log."""

    CHANGE = "change"
    FAILURE = "failure"
    NO_OP = "no-op"
    """A request that was answered with success although a part of it was ignored."""
    REJECTED_TOKEN = "token"  # noqa: S105  # no token
    UNVERIFIED = "unverified"
    """A request with a malformed token, which anybody can send."""
    CONTACT = "contact"
    """The first request with a token."""
    AUDIT_EVENT = "act"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line of the log or of a timeline. Times are RFC 3339 in UTC.

    ``person`` is the identifier of the user, empty if there is none. ``actor`` is who acted on the tenant, empty for
    entries about requests; ``status`` is ``None`` for entries with an actor. ``sent`` are the names of the attributes
    in the request, ``changed`` those of the attributes whose values changed. ``what`` happened and what to ``change``
    are sentences. ``count`` is how often it happened since ``first``.
    """

    at: str
    kind: LogEntryKind
    person: str
    operation: str
    status: int | None
    what: str
    first: str
    rule: str = ""
    change: str = ""
    sent: Sequence[str] = ()
    changed: Sequence[str] = ()
    count: int = 1
    is_loop: bool = False
    request_id: str = ""
    provider: str | None = None
    actor: str = ""


def describe_record(record: LogRecord, names: Mapping[str, str]) -> LogEntry:
    """What a record says, in words. ``names`` are those of users by id, to be shown in its place."""
    match record:
        case StoredChange():
            return _of_change(record)
        case RejectedTokenCount():
            return _of_refusals(record)
        case FailureCount():
            return _of_failure(record, names)
        case AuditEvent():
            return _of_act(record)
        case TokenUsage():
            return _of_first_use(record)


def _of_change(changed: StoredChange) -> LogEntry:
    change = changed.change
    return LogEntry(
        at=change.at,
        kind=LogEntryKind.CHANGE,
        person=change.user_name,
        operation=change.operation,
        status=201 if change.operation is Operation.CREATE else 204 if change.operation is Operation.DELETE else 200,
        what=_told(changed),
        sent=change.attributes_sent,
        changed=change.attributes_changed,
        first=change.at,
        request_id=change.request_id,
        provider=recognize_provider("", "", change.leniencies, None),
    )


def _of_refusals(refused: RejectedTokenCount) -> LogEntry:
    what, change = explain_token(refused.rule, None)
    return LogEntry(
        at=refused.last_at,
        kind=LogEntryKind.UNVERIFIED if refused.rule == Rule.TOKEN_MALFORMED else LogEntryKind.REJECTED_TOKEN,
        person="",
        operation=AUTHENTICATE,
        status=401,
        rule=refused.rule,
        what=what,
        change=change,
        first=refused.first_at,
        count=refused.count,
    )


def _of_failure(counted: FailureCount, names: Mapping[str, str]) -> LogEntry:
    failure = counted.failure
    what, change = explain(failure)
    return LogEntry(
        at=failure.at,
        kind=LogEntryKind.NO_OP if failure.is_no_op else LogEntryKind.FAILURE,
        person=_person(failure, names),
        operation=failure.operation,
        status=failure.status,
        rule=failure.rule,
        what=what,
        change=change,
        sent=failure.attributes_sent,
        first=counted.first_at,
        count=counted.count,
        is_loop=counted.is_loop,
        request_id=failure.request_id,
        provider=failure.provider,
    )


def _person(failure: Failure, names: Mapping[str, str]) -> str:
    """Return the user name instead of an id, if the user exists."""
    identifier = failure.identifier
    return names.get(identifier, identifier) if failure.identifier_kind == "id" else identifier


def _of_act(act: AuditEvent) -> LogEntry:
    return LogEntry(
        at=act.at,
        kind=LogEntryKind.AUDIT_EVENT,
        person="",
        operation=act.action,
        status=None,
        what=audit_events.describe_event(act),
        first=act.at,
        actor=act.actor,
    )


def _of_first_use(use: TokenUsage) -> LogEntry:
    at = format_rfc3339(use.first_used)
    return LogEntry(
        at=at,
        kind=LogEntryKind.CONTACT,
        person="",
        operation=AUTHENTICATE,
        status=None,
        what=f"First request with this token: {describe_contact(use)}.",
        first=at,
        provider=recognize_provider(use.first_user_agent, "", (), None),
    )


def _told(changed: StoredChange) -> str:
    """A change in words."""
    change = changed.change
    if change.operation is Operation.LINK:
        linked = {name for name, _ in change.links}
        found = [
            f"{name} {'leads to a user' if name in linked else 'leads to nobody yet'}"
            for name in change.attributes_changed
        ]
        return f"Linked: {', '.join(found)}."
    words = _DONE[change.operation]
    if change.operation in (Operation.REPLACE, Operation.PATCH):
        words = f"{words}: {', '.join(change.attributes_changed)}"
    words += _PARTICIPATION[change.participation]
    if change.ignored:
        words += f"; nothing came of {', '.join(change.ignored)}"
    return f"{words[0].upper()}{words[1:]}."
