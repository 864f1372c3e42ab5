"""How a tenant's provisioning goes: writes and failures a day, and how near Entra ID's quarantine is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Entra ID's published rules (learn.microsoft.com, "Application provisioning in quarantine status").
QUARANTINE_FAILURES = 5_000
QUARANTINE_SHARE = 0.4
QUARANTINE_ALWAYS = 40_000
_EARLY = 0.5
"""The part of a threshold from which on there is a warning."""


@dataclass(frozen=True, slots=True)
class Day:
    """``day`` is RFC 3339's full-date, in UTC. Of what ``failed`` some were writes; the others asked for something,
    or came with a token that was refused.
    """

    day: str
    written: int
    failed: int
    failed_writes: int


@dataclass(frozen=True, slots=True)
class Health:
    """How a tenant's provisioning has gone today and yesterday (UTC): writes that failed and writes that changed
    something, tokens that were refused in the last 24 hours, and what to be warned of before Entra ID quarantines.
    """

    failures: int
    changes: int
    refused: int
    warnings: Sequence[str]

    @property
    def share(self) -> float:
        """The part of the writes that failed, 0 to 1. At most: writes that changed nothing are not known."""
        return self.failures / (self.failures + self.changes) if self.failures else 0.0


def judge(days: Sequence[Day], refused: int) -> Health:
    """The health of these days."""
    failures, changes = sum(day.failed_writes for day in days), sum(day.written for day in days)
    return Health(failures, changes, refused, list(_warnings(failures, changes, refused)))


def _warnings(failures: int, changes: int, refused: int) -> Iterator[str]:
    if refused:
        yield (
            f"{refused} or more requests came with a token that is not valid: Entra ID quarantines for that at once. "
            "Paste a valid token (console: Connect; or `muster rotate`) and restart provisioning."
        )
    share = failures / (failures + changes) if failures else 0.0
    if failures > QUARANTINE_ALWAYS or (failures >= QUARANTINE_FAILURES and share > QUARANTINE_SHARE):
        yield (
            f"{failures} writes have failed, {share:.0%} of all: by its published rules Entra ID quarantines now. "
            "The log of failures (console: Log; or `muster log --failures`) says what to change; then restart "
            "provisioning."
        )
    elif failures > _EARLY * QUARANTINE_ALWAYS or (
        failures >= _EARLY * QUARANTINE_FAILURES and share > _EARLY * QUARANTINE_SHARE
    ):
        yield (
            f"{failures} writes have failed, {share:.0%} of all: Entra ID quarantines from {QUARANTINE_FAILURES} "
            f"failures on if more than {QUARANTINE_SHARE:.0%} fail, and from {QUARANTINE_ALWAYS} on in any case. "
            "The log of failures (console: Log; or `muster log --failures`) says what to change."
        )
