"""Bound the capacity that long work consumes, so that it leaves the rest to the tenant's own requests.

A partition of DynamoDB serves 3,000 read units and 1,000 write units a second (Amazon DynamoDB developer guide,
"Best practices for designing and using partition keys"). In the worst case, all items of a tenant are in one partition.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

PARTITION_READ_UNITS = 3_000
"""The read units that a partition of DynamoDB serves in a second."""
PARTITION_WRITE_UNITS = 1_000
"""The write units that a partition of DynamoDB serves in a second."""
DEFAULT_RATE_PERCENT = 10
"""The default share of a partition's capacity that long work may consume."""


class Pacer:
    """Bounds consumed capacity to a share of a partition's capacity.

    The units of a call are known only after the call. So the pacer waits after each call, for as long as its units last
    at the rate. In any period, the work consumes at most the rate and the units of the calls that run at the same time.

    ``percent`` is the share of a partition's capacity. ``now`` returns seconds of a clock that never goes back.
    ``sleep`` waits for a number of seconds. Threads can share a pacer.
    """

    def __init__(self, percent: float, now: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._read_rate = PARTITION_READ_UNITS * percent / 100
        self._write_rate = PARTITION_WRITE_UNITS * percent / 100
        self._now = now
        self._sleep = sleep
        self._lock = Lock()
        self._reads_until = self._writes_until = now()
        self.calls = 0
        """The number of calls so far."""
        self.read_units = 0.0
        """The read units that were consumed so far."""
        self.write_units = 0.0
        """The write units that were consumed so far."""

    def charge(self, read_units: float, write_units: float) -> None:
        """Add the units of a call, and wait until they have lasted."""
        with self._lock:
            now = self._now()
            self.calls += 1
            self.read_units += read_units
            self.write_units += write_units
            self._reads_until = max(self._reads_until, now) + read_units / self._read_rate
            self._writes_until = max(self._writes_until, now) + write_units / self._write_rate
            wait_s = max(self._reads_until, self._writes_until) - now
        if wait_s > 0:
            self._sleep(wait_s)
