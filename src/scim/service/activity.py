"""What has happened to a tenant's people: the log, the timeline of one of them, and what can be told from both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """A committed write, or a failed request, about one person.

    ``at`` is RFC 3339 in UTC. ``person`` is who was meant, as far as it is known; ``user_id`` is empty for somebody who
    never got in. ``sent`` are names of attributes. ``decided`` says in words what became of it, ``advice`` what to
    change in the identity provider; empty where there is nothing to change.
    """

    at: str
    operation: str
    decided: str
    person: str = ""
    user_id: str = ""
    failed: bool = False
    sent: Sequence[str] = ()
    advice: str = ""
    leniencies: Sequence[str] = ()
    participation: str = "unchanged"
    request_id: str = ""
    times: int = 1


class Activity(Protocol):
    """What has happened to one tenant's people, the newest first."""

    def latest(self, count: int, before: str = "") -> Sequence[Entry]:
        """The newest entries that are older than ``before``, RFC 3339."""

    def timeline(self, identifier: str) -> Sequence[Entry]:
        """All about one person, by id, userName or externalId."""


def in_words(operation: str, changed: Sequence[str], participation: str) -> str:
    """A committed write as a sentence for people who don't know SCIM."""
    told = {"joined": " Takes part from now on.", "left": " Takes part no longer."}.get(participation, "")
    match operation:
        case "create":
            return f"Created.{told or ' Does not take part: active is false.'}"
        case "delete":
            return f"Deleted.{told}"
    if participation == "joined":
        return f"Activated.{told}"
    if participation == "left":
        return f"Deactivated.{told}"
    return f"Updated: {', '.join(changed)}."


_SOLE_SENDERS = {"entra": frozenset({"path-as-key", "dotted-urn", "created-element", "unknown-path", "bare-extension"})}
"""Leniencies that nobody else was seen to need."""


def recognise(leniencies: Iterable[str]) -> str:
    """The identity provider by what its writes needed: the name of its page, or nothing where that can't be told."""
    fired = set(leniencies)
    return next((provider for provider, sole in _SOLE_SENDERS.items() if sole & fired), "")


@dataclass(frozen=True, slots=True)
class Day:
    """``day`` is RFC 3339's full-date."""

    day: str
    written: int
    failed: int


def by_day(entries: Iterable[Entry], last: date, days: int) -> list[Day]:
    """How many writes and failures each of the last days had."""
    counts: Mapping[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for entry in entries:
        counts[entry.failed][entry.at[:10]] += entry.times
    wanted = [str(last - timedelta(days=back)) for back in reversed(range(days))]
    return [Day(day, counts[False][day], counts[True][day]) for day in wanted]
