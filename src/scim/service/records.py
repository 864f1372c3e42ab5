"""What the log is made of: changes, failures, and tokens that were refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from scim.service.failures import Counted
from scim.service.ports import Change


@dataclass(frozen=True, slots=True)
class Changed:
    """A change record, and the id of its user."""

    resource_id: str
    change: Change


@dataclass(frozen=True, slots=True)
class Refused:
    """How many tokens of a tenant were refused within a minute, at least."""

    first: str
    last: str
    count: int
    rule: str


Record = Changed | Counted | Refused


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """The place of a record in a tenant's log: its time, and its key."""

    at: str
    partition: str
    sort: str


class LogStore(Protocol):
    """The records of one tenant."""

    def log(self, before: Place | None = None, *, failures_only: bool = False) -> Iterator[tuple[Place, Record]]:
        """All records, the last first, or those behind a place; read as they are drawn."""

    def failures(self, handles: Iterable[str]) -> Iterator[Counted]:
        """The failures of whoever has one of the handles."""

    def changes(self, resource_id: str) -> Iterator[Changed]:
        """What was done with a user, the last first."""

    def formerly(self, handle: str) -> list[str]:
        """The ids of those who were once known by what the handle stands for."""

    def refused(self, since: str) -> list[Refused]:
        """The tokens that were refused since then, minute by minute."""

    def failed(self, days: Sequence[str], operations: Sequence[str]) -> int:
        """How often these operations failed on these days."""

    def changed(self, since: str) -> int:
        """How many changes there were since then."""
