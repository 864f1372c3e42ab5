"""Records in words: the lines of the log and of a person's timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scim.service.explanations import explain, explain_token
from scim.service.failures import Counted
from scim.service.ports import LINK
from scim.service.providers import recognise
from scim.service.records import Changed, Record, Refused

_DONE = {"create": "created", "replace": "replaced", "patch": "changed", "delete": "deleted"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log or of a timeline. Times are RFC 3339 in UTC.

    ``kind`` is ``change``, ``failure``, ``no-op`` or ``token``. ``person`` is the identifier that is known, or empty.
    ``sent`` are names of attributes: of a change those that changed. ``what`` was decided and what to ``change`` are
    words; ``count`` is how often since ``first``.
    """

    at: str
    kind: str
    person: str
    operation: str
    status: int
    rule: str
    what: str
    change: str
    sent: Sequence[str]
    first: str
    count: int
    is_loop: bool
    request_id: str
    provider: str | None


def entry(record: Record) -> Entry:
    """What a record says, in words."""
    match record:
        case Changed(_, change):
            return Entry(
                at=change.at,
                kind="change",
                person=change.user_name,
                operation=change.operation,
                status=201 if change.operation == "create" else 204 if change.operation == "delete" else 200,
                rule="",
                what=_told(record),
                change="",
                sent=change.changed,
                first=change.at,
                count=1,
                is_loop=False,
                request_id=change.request_id,
                provider=recognise("", "", change.leniencies, None),
            )
        case Refused(first, last, count, rule):
            what, change_to = explain_token(rule, None)
            return Entry(
                last, "token", "", "authenticate", 401, rule, what, change_to, (), first, count, False, "", None
            )
        case Counted(failure, first, count):
            what, change_to = explain(failure)
            kind = "no-op" if failure.is_no_op else "failure"
            return Entry(
                at=failure.at,
                kind=kind,
                person=failure.identifier,
                operation=failure.operation,
                status=failure.status,
                rule=failure.rule,
                what=what,
                change=change_to,
                sent=failure.sent,
                first=first,
                count=count,
                is_loop=record.is_loop,
                request_id=failure.request_id,
                provider=failure.provider,
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
