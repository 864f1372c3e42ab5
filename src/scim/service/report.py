"""The log, a person's case and a tenant's health as lines of text, for a terminal and for whoever reads aloud."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scim.service.case import Case
from scim.service.entries import Entry
from scim.service.health import Health
from scim.service.lookup import email_of, name_of

_KINDS = {"change": " ", "failure": "!", "no-op": "~", "token": "!", "act": "*"}
"""What a line begins with: ``!`` failed, ``~`` was answered with success and came to nothing in part, ``*`` was done
with the tenant.
"""


def log_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """Each entry in a line, and what to change in one below it."""
    for each in entries:
        often = f" ({each.count} times since {each.first})" if each.count > 1 else ""
        loop = " LOOP" if each.is_loop else ""
        sent = f" [{', '.join(each.sent)}]" if each.sent and each.kind != "change" else ""
        person = printable(each.person or each.actor or "-")
        asked = f"{each.status or '-':>3}  {each.operation}  {person}{sent}"
        yield f"{_KINDS[each.kind]} {each.at}  {asked}{often}{loop}  {each.what}"
        if each.change:
            yield f"    What to change: {each.change}"


def case_lines(case: Case) -> Iterator[str]:
    """The diagnosis, and behind it the timeline, or those from whom to choose."""
    yield from map(printable, case.diagnosis)
    if not case.timeline:
        yield from map(printable, _to_choose_from(case))
    if case.timeline:
        yield ""
        yield from log_lines(case.timeline)


def _to_choose_from(case: Case) -> Iterator[str]:
    for each in case.people:
        part = "takes part" if each.resource.get("active") is True else "does not take part"
        told = (each.resource["userName"], name_of(each.resource), email_of(each.resource), part)
        yield f"  {'  '.join(filter(None, told))}"
    for identifier in case.outside:
        yield f"  {identifier}  did not get in"


def health_lines(health: Health) -> Iterator[str]:
    if health.failures:
        writes = health.failures + health.changes
        yield f"{health.failures} writes failed today and yesterday, {health.share:.0%} of {writes}."
    else:
        yield f"No write failed today and yesterday; {health.changes} changed something."
    yield from (f"WARNING: {each}" for each in health.warnings)


def printable(text: str) -> str:
    """``text`` without what would steer a terminal: identifiers are what somebody sent."""
    return "".join(character if character.isprintable() else "?" for character in text)
