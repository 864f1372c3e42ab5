"""Records in words: the lines of the log and of a person's timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scim.service.audit import audit_events
from scim.service.audit.explanations import explain, explain_token
from scim.service.identity_providers.recognition import recognize_provider
from scim.service.model.change_record import Operation, Participation, StoredChange
from scim.service.model.failure import FailureCount
from scim.service.model.log_record import AUTHENTICATE, AuditEvent, LogRecord, RejectedTokenCount
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import MALFORMED, TokenUsage
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


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line of the log or of a timeline. Times are RFC 3339 in UTC.

    ``kind`` is ``change``, ``failure``, ``no-op``, ``token``, ``unverified``, ``contact`` or ``act``. ``person`` is the
    identifier that is known, or empty; ``actor`` is who acted on the tenant, else empty, and then there is no
    ``status``. ``sent`` are the names of the attributes in the request, ``changed`` of those whose values changed.
    ``what`` was decided and what to ``change`` are words; ``count`` is how often since ``first``.
    """

    at: str
    kind: str
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
        kind="change",
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
        at=refused.last,
        kind="unverified" if refused.rule == MALFORMED else "token",
        person="",
        operation=AUTHENTICATE,
        status=401,
        rule=refused.rule,
        what=what,
        change=change,
        first=refused.first,
        count=refused.count,
    )


def _of_failure(counted: FailureCount, names: Mapping[str, str]) -> LogEntry:
    failure = counted.failure
    what, change = explain(failure)
    return LogEntry(
        at=failure.at,
        kind="no-op" if failure.is_no_op else "failure",
        person=names.get(failure.identifier, failure.identifier) if failure.kind == "id" else failure.identifier,
        operation=failure.operation,
        status=failure.status,
        rule=failure.rule,
        what=what,
        change=change,
        sent=failure.sent,
        first=counted.first,
        count=counted.count,
        is_loop=counted.is_loop,
        request_id=failure.request_id,
        provider=failure.provider,
    )


def _of_act(act: AuditEvent) -> LogEntry:
    return LogEntry(
        at=act.at,
        kind="act",
        person="",
        operation=act.operation,
        status=None,
        what=audit_events.describe_event(act),
        first=act.at,
        actor=act.actor,
    )


def _of_first_use(use: TokenUsage) -> LogEntry:
    at = format_rfc3339(use.first_used)
    return LogEntry(
        at=at,
        kind="contact",
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
