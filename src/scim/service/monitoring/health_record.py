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
        channels: The names of the channels that have not accepted the alert yet.
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
class HealthRecord:
    """The result of the health checks of a tenant. Times are RFC 3339 in UTC.

    Attributes:
        is_bad: Whether the tenant has turned bad, and has not recovered yet.
        since: When that changed last.
        good_since: Since when no bad state was found; empty if the last state was bad, or if the tenant has recovered.
        problem_count: The number of open problems. It is a lower bound unless ``are_all_problems_counted``.
        failure_count: The number of failures of today and yesterday (UTC) when the problems were counted.
        examined_at: When the problems were counted.
        alert: The alert that some channel has not accepted yet.
    """

    is_bad: bool = False
    since: str = ""
    good_since: str = ""
    problem_count: int = 0
    are_all_problems_counted: bool = True
    failure_count: int = 0
    examined_at: str = ""
    alert: HealthAlert | None = None

    def needs_examination(self, failure_count: int, now: float) -> bool:
        """Return whether the open problems must be counted again: they can have changed."""
        if failure_count != self.failure_count:
            return True
        return self.problem_count > 0 and now - parse_rfc3339(self.examined_at) >= _REEXAMINE_S


def apply_state(record: HealthRecord, state: HealthState, now: float) -> HealthRecord:
    """Return the record after a check with this state. An unknown state changes nothing.

    A tenant turns bad with the first bad state. It recovers after :data:`RECOVERY_S` without one, so that a state that
    changes back and forth causes one alert.
    """
    if state is HealthState.UNKNOWN:
        return record
    at = format_rfc3339(now)
    if state.level is HealthLevel.BAD:
        return replace(record, good_since="") if record.is_bad else replace(record, is_bad=True, since=at)
    if not record.is_bad:
        return record
    if not record.good_since:
        return replace(record, good_since=at)
    has_recovered = now - parse_rfc3339(record.good_since) >= RECOVERY_S
    return replace(record, is_bad=False, since=at, good_since="") if has_recovered else record


def mark_sent(record: HealthRecord, alert: HealthAlert, channel: str) -> HealthRecord:
    """Return the record after a channel has accepted the alert. Another alert that has replaced it is not changed."""
    if record.alert is None or record.alert.at != alert.at:
        return record
    remaining = [name for name in record.alert.channels if name != channel]
    return replace(record, alert=replace(record.alert, channels=remaining) if remaining else None)
