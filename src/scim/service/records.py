"""What the log is made of: changes, failures, refused tokens, acts on the tenant, and first uses of its tokens."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from scim.service.daily_failures import DailyFailures
from scim.service.failures import Counted
from scim.service.ports import Act, Change, Use

AUTHENTICATE = "authenticate"
"""What an operation is called that ended with its token."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A change record, and the id of its user."""

    resource_id: str
    change: Change


@dataclass(frozen=True, slots=True)
class Refused:
    """How many requests of a tenant were refused within a minute because of their token, at least.

    With the rule :data:`scim.service.ports.MALFORMED` anybody may have sent them.
    """

    first: str
    last: str
    count: int
    rule: str


Record = Changed | Counted | Refused | Act | Use

CHANGES, FAILURES, ACTS, USES = "changes", "failures", "acts", "uses"
"""The kinds of records that a log can be asked for; refused tokens are among the failures."""
EVERYTHING = (CHANGES, FAILURES, ACTS, USES)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """The place of a record in a tenant's log: its time, and its key."""

    at: str
    partition: str
    sort: str


@dataclass(frozen=True, slots=True)
class FailureSearch:
    """The failures that a bounded search has found. ``is_complete`` is false where it left older failures out."""

    failures: Sequence[Counted] = ()
    is_complete: bool = True


class LogStore(Protocol):
    """The records of one tenant."""

    def log(self, before: Place | None = None, kinds: Collection[str] = EVERYTHING) -> Iterator[tuple[Place, Record]]:
        """All records of these kinds, the last first, or those behind a place; read as they are drawn."""

    def failures(self, identifiers: Sequence[str]) -> FailureSearch:
        """Return the failures that are kept under one of the identifiers or have it besides, of the first 20 of them.

        The former are complete, except that of requests that name nobody (an empty identifier) the newest 500 are read.
        For the latter the newest failures are searched, as far as a few calls and a part of the time that is left lead.
        """

    def failures_called(self, name_handle: str, text: str) -> FailureSearch:
        """Return the newest failures that have the handle of a name, or ``text`` in the identifier they are kept under.

        The newest failures are searched, as far as a few calls lead.
        """

    def changes(self, resource_id: str) -> Iterator[Changed]:
        """What was done with a user, the last first."""

    def formerly(self, handle: str) -> Iterator[str]:
        """The ids of those who were once known by what the handle stands for.

        Raises :class:`scim.protocol.errors.Unavailable` where that takes more than a part of the time that is left.
        """

    def user_names(self, ids: Iterable[str]) -> Mapping[str, str]:
        """The names of those of the users who are here, by id."""

    def refused(self, since: str) -> list[Refused]:
        """The tokens that were refused since then, minute by minute."""

    def malformed_tokens(self, since: str) -> list[Refused]:
        """Return the requests with a malformed token since then, minute by minute."""

    def daily_failures(self, first_day: str, last_day: str) -> Mapping[str, DailyFailures]:
        """Return the counts of the days (UTC) from the first to the last that had failures, by day, in order."""

    def count_changes(self, first_day: str, last_day: str, limit: int) -> tuple[int, bool]:
        """Count the changes of the days (UTC) from the first to the last, at most ``limit``.

        Return the number, and whether there may be more.
        """
