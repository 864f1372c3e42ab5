"""What has happened to a tenant's people: the log, one person's case, and what can be told from both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from scim.service.stored import Stored


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log or of a timeline. ``at`` is RFC 3339 in UTC.

    ``kind`` is ``change``, ``failure``, ``no-op`` or ``token``. ``person`` is the identifier that is known, or empty.
    ``sent`` are names of attributes. ``what`` was decided and what to ``change`` are words; ``count`` is how often.
    """

    at: str
    kind: str
    person: str
    operation: str
    what: str
    change: str = ""
    sent: Sequence[str] = ()
    count: int = 1
    request_id: str = ""
    provider: str | None = None

    @property
    def has_failed(self) -> bool:
        return self.kind in ("failure", "token")


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of a person: who was found, what happened to them, the last first, and what it comes to."""

    people: Sequence[Stored]
    timeline: Sequence[Entry]
    diagnosis: Sequence[str] = ()


class Activity(Protocol):
    """What has happened in one tenant, the last first."""

    def page(self, before: str = "", *, count: int) -> tuple[Sequence[Entry], str]:
        """The last entries, or those behind a place, and the place of the last of them; empty if nothing follows."""

    def why(self, person: str) -> Case:
        """Why somebody did or did not get in, given by userName, email, externalId or id."""


def in_words(operation: str, changed: Sequence[str], participation: str) -> str:
    """A committed write as a sentence for people who don't know SCIM."""
    told = {"joined": " Takes part from now on.", "left": " Takes part no longer."}.get(participation, "")
    match operation:
        case "create":
            return f"Created.{told or ' Does not take part: active is false.'}"
        case "delete":
            return f"Deleted.{told}"
    did = {"joined": "Activated.", "left": "Deactivated."}.get(participation)
    return f"{did}{told}" if did else f"Updated: {', '.join(changed)}."


_AGENTS = {"okta": "okta", "google-auto-provisioning": "google"}
"""What the user agents of identity providers begin with (the recordings in ``tests/idp``)."""
_ENTRA = frozenset({"path-as-key", "dotted-urn", "created-element", "unknown-path", "bare-extension"})
"""Leniencies that nobody else was seen to need."""


def recognise(agent: str, leniencies: Iterable[str] = ()) -> str | None:
    """The identity provider by its traffic: its page in docs/identity-providers, ``None`` where that can't be told."""
    lower = agent.lower()
    found = next((name for beginning, name in _AGENTS.items() if lower.startswith(beginning)), None)
    return found or ("entra" if not _ENTRA.isdisjoint(leniencies) else None)


@dataclass(frozen=True, slots=True)
class Day:
    """``day`` is RFC 3339's full-date."""

    day: str
    written: int
    failed: int


def by_day(entries: Iterable[Entry], last: date, days: int) -> list[Day]:
    """How many writes and failures each of the last days had."""
    written, failed = Counter[str](), Counter[str]()
    for entry in entries:
        (failed if entry.has_failed else written)[entry.at[:10]] += entry.count
    wanted = [str(last - timedelta(days=back)) for back in reversed(range(days))]
    return [Day(day, written[day], failed[day]) for day in wanted]
