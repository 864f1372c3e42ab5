"""The stored result of the health checks of a tenant, and the rules by which it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from scim.service.model.timestamps import format_rfc3339, parse_rfc3339
from scim.service.tenants.health import HealthLevel, HealthState

RECOVERY_S = 3_600.0
"""A tenant has recovered after this time without a bad state. Before that, no further alert is sent."""
CLAIM_S = 240.0
"""For this time no other run sends the same alert: longer than a run, and shorter than the usual time between runs."""
_REEXAMINE_S = 900.0
"""Open problems are counted again after this time, because they may have disappeared without a new failure."""


@dataclass(frozen=True, slots=True)
class HealthAlert:
    """An alert that a tenant has turned bad, until all channels have accepted it.

    Attributes:
        at: When the tenant turned bad (RFC 3339 in UTC).
        state: Its state then.
        cause: The cause in one sentence, which names no person.
        channels: The names of the channels that have not accepted the alert yet. Empty: there was no channel.
        claimed_until: Until when only the run that has claimed the alert sends it, in seconds since 1970.
    """

    at: str
    state: HealthState
    cause: str
    channels: Sequence[str]
    claimed_until: float

    def claim(self, now: float) -> HealthAlert:
        """Return the alert, claimed by the run at ``now``."""
        return replace(self, claimed_until=now + CLAIM_S)


@dataclass(frozen=True, slots=True)
class Episode:
    """A time in which checks found something, such as a bad state. Times are RFC 3339 in UTC.

    Attributes:
        is_open: Whether it was found, and has not ended yet.
        since: When that changed last.
        quiet_since: Since when it was not found any more. Empty if the last check found it, or the episode has ended.
    """

    is_open: bool = False
    since: str = ""
    quiet_since: str = ""

    def advance(self, now: float, *, is_found: bool) -> Episode:
        """Return the episode after a check. It begins when something is found, and ends after :data:`RECOVERY_S`."""
        at = format_rfc3339(now)
        if is_found:
            return replace(self, quiet_since="") if self.is_open else Episode(is_open=True, since=at)
        if not self.is_open:
            return self
        if not self.quiet_since:
            return replace(self, quiet_since=at)
        return Episode(since=at) if now - parse_rfc3339(self.quiet_since) >= RECOVERY_S else self


@dataclass(frozen=True, slots=True)
class HealthRecord:
    """The result of the health checks of a tenant.

    Attributes:
        bad: The time in which the tenant is in a bad state.
        outage: The time in which no request succeeds. It has a separate alert, because a tenant can be bad for weeks
            because of a few people.
        problem_count: The number of open problems. It is a lower bound unless ``are_all_problems_counted``.
        failure_count: The number of failures of today and yesterday (UTC) when the problems were counted.
        examined_at: When the problems were counted (RFC 3339 in UTC), empty for never.
        alert: The alert that some channel has not accepted yet.
    """

    bad: Episode = Episode()
    outage: Episode = Episode()
    problem_count: int = 0
    are_all_problems_counted: bool = True
    failure_count: int = 0
    examined_at: str = ""
    alert: HealthAlert | None = None

    @property
    def is_bad(self) -> bool:
        """Whether the tenant has turned bad, and has not recovered yet."""
        return self.bad.is_open

    @property
    def needs_attention(self) -> bool:
        """Whether the tenant is in a bad state or has open problems."""
        return self.is_bad or self.problem_count > 0

    def has_turned_bad_since(self, before: HealthRecord) -> bool:
        """Return whether the tenant has turned bad after the record ``before``, or all of its requests now fail."""
        return any(
            after.is_open and not earlier.is_open
            for after, earlier in ((self.bad, before.bad), (self.outage, before.outage))
        )

    def needs_examination(self, failure_count: int, now: float) -> bool:
        """Return whether the open problems must be counted again: they can have changed."""
        if failure_count != self.failure_count:
            return True
        return self.problem_count > 0 and now - parse_rfc3339(self.examined_at) >= _REEXAMINE_S


def apply_state(record: HealthRecord, state: HealthState, now: float) -> HealthRecord:
    """Return the record after a check with this state. An unknown state changes nothing.

    A tenant turns bad with the first bad state. It recovers after :data:`RECOVERY_S` without one, so that a state that
    changes back and forth causes one alert. The same applies to outages.
    """
    if state is HealthState.UNKNOWN:
        return record
    return replace(
        record,
        bad=record.bad.advance(now, is_found=state.level is HealthLevel.BAD),
        outage=record.outage.advance(now, is_found=state.is_outage),
    )


def mark_sent(record: HealthRecord, alert: HealthAlert, channel: str) -> HealthRecord:
    """Return the record after a channel has accepted the alert. Another alert that has replaced it is not changed."""
    if record.alert is None or record.alert.at != alert.at:
        return record
    remaining = [name for name in record.alert.channels if name != channel]
    return replace(record, alert=replace(record.alert, channels=remaining) if remaining else None)
