"""Build the keys of the items about mass deactivations.

They are in the partition of the counters and next to them, so that one query reads both.
"""

from __future__ import annotations

from scim.store.keys import COUNTER_PREFIX, KeyRange

_ALERT_PREFIX = "M#"

LAST_ALERT_KEY = "L#alert"
SNAPSHOTS_KEY = "L#snapshots"
DEACTIVATIONS_RANGE = KeyRange(COUNTER_PREFIX, SNAPSHOTS_KEY)
"""The range of all counters, the last alert and the snapshots."""
ALERT_RANGE = KeyRange(_ALERT_PREFIX, "M$")
"""The range of all alerts, in the order of time."""


def alert_key(at: str) -> str:
    """Return the key of an alert. ``at`` is RFC 3339 in UTC."""
    return f"{_ALERT_PREFIX}{at}"
