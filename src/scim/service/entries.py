"""Records in words: the lines of the log and of a person's timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scim.service import acts
from scim.service.connection import describe_contact
from scim.service.explanations import explain, explain_token
from scim.service.failures import Counted
from scim.service.ports import LINK, MALFORMED, Act, Use
from scim.service.providers import recognise
from scim.service.records import AUTHENTICATE, Changed, Record, Refused
from scim.service.tenants import rfc3339

_DONE = {"create": "created", "replace": "replaced", "patch": "changed", "delete": "deleted"}


@dataclass(frozen=True, slots=True)
class Entry:
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


def entry(record: Record, names: Mapping[str, str]) -> Entry:
    """What a record says, in words. ``names`` are those of users by id, to be shown in its place."""
    match record:
        case Changed():
            return _of_change(record)
        case Refused():
            return _of_refusals(record)
        case Counted():
            return _of_failure(record, names)
        case Act():
            return _of_act(record)
        case Use():
            return _of_first_use(record)


def _of_change(changed: Changed) -> Entry:
    change = changed.change
    return Entry(
        at=change.at,
        kind="change",
        person=change.user_name,
        operation=change.operation,
        status=201 if change.operation == "create" else 204 if change.operation == "delete" else 200,
        what=_told(changed),
        sent=change.sent,
        changed=change.changed,
        first=change.at,
        request_id=change.request_id,
        provider=recognise("", "", change.leniencies, None),
    )


def _of_refusals(refused: Refused) -> Entry:
    what, change = explain_token(refused.rule, None)
    return Entry(
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


def _of_failure(counted: Counted, names: Mapping[str, str]) -> Entry:
    failure = counted.failure
    what, change = explain(failure)
    return Entry(
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


def _of_act(act: Act) -> Entry:
    return Entry(
        at=act.at,
        kind="act",
        person="",
        operation=act.operation,
        status=None,
        what=acts.told(act),
        first=act.at,
        actor=act.actor,
    )


def _of_first_use(use: Use) -> Entry:
    at = rfc3339(use.first_at)
    return Entry(
        at=at,
        kind="contact",
        person="",
        operation=AUTHENTICATE,
        status=None,
        what=f"First request with this token: {describe_contact(use)}.",
        first=at,
        provider=recognise(use.first_agent, "", (), None),
    )


def _told(changed: Changed) -> str:
    """A change in words."""
    change = changed.change
    if change.operation == LINK:
        linked = {name for name, _ in change.links}
        found = [f"{name} {'leads to a user' if name in linked else 'leads to nobody yet'}" for name in change.changed]
        return f"Linked: {', '.join(found)}."
    words = _DONE[change.operation]
    if change.operation in ("replace", "patch"):
        words = f"{words}: {', '.join(change.changed)}"
    if change.participation != "unchanged":
        words += ", takes part now" if change.participation == "joined" else ", takes part no longer"
    if change.left_out:
        words += f"; nothing came of {', '.join(change.left_out)}"
    return f"{words[0].upper()}{words[1:]}."
