"""Count the deactivations of a tenant, raise an alert about a mass deactivation, and refuse more if the brake is on.

**Counting.** The transaction of a deactivation adds one to a number that never starts again at zero. The deactivations
of an hour are the difference to a snapshot of this number. A snapshot is stored before the first deactivation, and then
at most every five minutes.

**Reading.** An execution environment reads the count before a deactivation, and again after five seconds. If the brake
is on, it also reads it again after it has used a share of the deactivations that remain until the limit. So the limit
is exact within one execution environment. Several that work at the same time can together exceed it, each by at most
that share of the limit (docs/decisions/tenants-and-tokens/brake.md).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition

from scim.protocol.errors import DeactivationsHeld
from scim.service.model.deactivations.brake import DeactivationLimit, MassDeactivation
from scim.service.model.deactivations.counts import SNAPSHOT_INTERVAL_S, WINDOW_S, CountSnapshot, DeactivationCounts
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339, parse_rfc3339
from scim.service.ports import DeactivationStore

MAX_READING_AGE_S = 5.0
"""The maximum age of a count, in seconds."""
SHARE_OF_REMAINING = 32
"""With the brake on, a count is read again after a 32nd of the deactivations that remained."""
_MAX_TENANTS = 1_000
_MAX_ATTEMPTS = 5


@dataclass(slots=True)
class _Reading:
    """The last reading of a tenant's count, for all threads of a request.

    ``left`` is how many deactivations may start before the next reading. ``running`` is how many have not ended.
    ``hold`` is the alert because of which deactivations are refused until the next reading.
    """

    lock: Condition = field(default_factory=Condition)
    expires: float = -math.inf
    left: float = 0
    running: int = 0
    hold: MassDeactivation | None = None


class DeactivationReadings:
    """The last readings of an execution environment, by tenant. The number of tenants is limited."""

    def __init__(self) -> None:
        self._readings: OrderedDict[str, _Reading] = OrderedDict()  # least recently used first

    def get(self, tenant_id: str) -> _Reading:
        """Return the reading of a tenant."""
        reading = self._readings.setdefault(tenant_id, _Reading())
        self._readings.move_to_end(tenant_id)
        if len(self._readings) > _MAX_TENANTS:
            self._readings.popitem(last=False)
        return reading


@dataclass(frozen=True, slots=True)
class DeactivationGuard:
    """Guards the deactivations of one request.

    ``now`` returns the seconds since 1970. ``report_alert`` receives each alert that this request has recorded.
    ``report_fault`` receives the error if the count cannot be read and the brake is off. The request succeeds then.
    """

    tenant: Tenant
    readings: DeactivationReadings
    store: DeactivationStore
    limit: DeactivationLimit
    request_id: str
    now: Callable[[], float]
    report_alert: Callable[[MassDeactivation], None]
    report_fault: Callable[[Exception], None]

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Admit one deactivation, which the block writes.

        Raise :class:`DeactivationsHeld` if the brake refuses it. If the brake is on and the count cannot be read, raise
        the error.
        """
        if self.now() < self.tenant.brake.released_until:
            yield
            return
        reading = self.readings.get(self.tenant.id)
        with reading.lock:
            self._take(reading)
            reading.running += 1
        try:
            yield
        finally:
            with reading.lock:
                reading.running -= 1
                reading.lock.notify_all()

    def _take(self, reading: _Reading) -> None:
        """Take one of the deactivations that are left. If there is none, or the reading is too old, read the count.

        With the brake on, wait before that until all writes that were admitted have ended: they are not part of the
        count yet. Another thread may read the count in the meantime.
        """
        is_braked = self.tenant.brake.is_on
        while reading.left < 1 or self.now() >= reading.expires:
            if reading.hold and reading.hold.is_holding(self.tenant.brake) and self.now() < reading.expires:
                raise build_hold_error(reading.hold)
            if is_braked and reading.running:
                reading.lock.wait()
                continue
            try:
                reading.left, reading.hold = self._read_left()
            except Exception as fault:  # without the brake, a fault of the count must not refuse a deactivation
                if is_braked:
                    raise
                self.report_fault(fault)
                reading.left, reading.hold = math.inf, None
            reading.expires = self.now() + MAX_READING_AGE_S
            if reading.hold:
                raise build_hold_error(reading.hold)
        reading.left -= 1

    def _read_left(self) -> tuple[float, MassDeactivation | None]:
        """Read the count, and return how many deactivations may start before the next reading.

        Record an alert if the next deactivation exceeds the limit. If deactivations are refused, return 0 and the alert
        that is the reason.
        """
        brake = self.tenant.brake
        for _ in range(_MAX_ATTEMPTS):
            counts = self.store.read()
            if counts.last_alert and counts.last_alert.is_holding(brake):
                return 0, counts.last_alert
            first_snapshot = self._start_count(counts)
            deactivated = max(counts.deactivated - first_snapshot.deactivated, 0)
            active_before = counts.active + deactivated
            remaining = self.limit.compute_accepted(active_before) - deactivated
            if remaining > 0:
                return (math.ceil(remaining / SHARE_OF_REMAINING) if brake.is_on else remaining), None
            if self._is_known(counts.last_alert, first_snapshot):
                return math.inf, None
            alert = MassDeactivation(
                at=format_rfc3339(self.now()),
                deactivated=deactivated + (not brake.is_on),
                active_before=active_before,
                is_held=brake.is_on,
                request_id=self.request_id,
            )
            if self.store.record_alert(counts.last_alert, alert):
                self.report_alert(alert)
                return (0, alert) if brake.is_on else (math.inf, None)
        raise RuntimeError("Other requests recorded alerts at every attempt.")

    def _start_count(self, counts: DeactivationCounts) -> CountSnapshot:
        """Return the snapshot that the count starts from. Store a new snapshot if the last one is too old."""
        now = self.now()
        start = max(now - WINDOW_S, self.tenant.brake.released_until)
        snapshots = [snapshot for snapshot in counts.snapshots if snapshot.at >= start]
        if not snapshots or now - snapshots[-1].at >= SNAPSHOT_INTERVAL_S:
            snapshots.append(CountSnapshot(now, counts.deactivated))
            self.store.write_snapshots(snapshots)
        return snapshots[0]

    def _is_known(self, last_alert: MassDeactivation | None, first_snapshot: CountSnapshot) -> bool:
        """Return whether an alert has been recorded since the count started. Then the brake is off."""
        if last_alert is None or self.tenant.brake.is_on:
            return False
        return last_alert.is_after_reset(self.tenant.brake) and parse_rfc3339(last_alert.at) >= first_snapshot.at


def build_hold_error(alert: MassDeactivation) -> DeactivationsHeld:
    """Return the error for a deactivation that the brake refuses."""
    return DeactivationsHeld(
        f"The brake holds deactivations and deletions of active users. {alert.summary}. This user is still active. If "
        "all of this is intended, ask the operator to release the deactivations. Then send the request again."
    )
