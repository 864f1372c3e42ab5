"""Requests with a rejected or a malformed token, gathered so that each tenant's are written at most once a minute."""

from __future__ import annotations

from dataclasses import dataclass, field

_MINUTE_S = 60.0


@dataclass(slots=True)
class RejectedTokenCounter:
    """Counts of one execution environment. Only of tenants that exist, so their number is bounded.

    The first request is written at once, those that follow with the first one after a minute. If none comes then, they
    are not written.
    """

    _untold: dict[str, int] = field(default_factory=dict)
    _told: dict[str, float] = field(default_factory=dict)

    def note(self, tenant_id: str, now: float) -> int:
        """How many there are to write now, 0 where the minute is not over. ``now`` in seconds since 1970."""
        untold = self._untold.pop(tenant_id, 0) + 1
        if now - self._told.get(tenant_id, -_MINUTE_S) < _MINUTE_S:
            self._untold[tenant_id] = untold
            return 0
        self._told[tenant_id] = now
        return untold
