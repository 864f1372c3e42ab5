"""The count of a tenant's deactivations, and the snapshots from which the deactivations of an hour are computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scim.service.model.deactivations.brake import MassDeactivation

HOUR_S = 3_600.0
SNAPSHOT_INTERVAL_S = 300.0
"""The minimum time between two snapshots of the count, in seconds."""
WINDOW_S = HOUR_S + SNAPSHOT_INTERVAL_S
"""The maximum age of the snapshot that a count starts from. So an hour is 60 to 65 minutes."""


@dataclass(frozen=True, slots=True)
class CountSnapshot:
    """The value of :attr:`DeactivationCounts.deactivated` at a time (seconds since 1970)."""

    at: float
    deactivated: int


@dataclass(frozen=True, slots=True)
class DeactivationCounts:
    """The stored counts of a tenant.

    Attributes:
        active: The number of active users.
        deactivated: How many users were ever deactivated. A user who is reactivated within an hour no longer counts.
        snapshots: Earlier values of ``deactivated``, the oldest first.
        last_alert: The last alert, ``None`` if there was none.
    """

    active: int
    deactivated: int
    snapshots: Sequence[CountSnapshot] = field(default_factory=tuple)
    last_alert: MassDeactivation | None = None
