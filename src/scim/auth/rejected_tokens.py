"""Count requests with a rejected or a malformed token, so that each tenant's are written at most once a minute."""

from __future__ import annotations

from dataclasses import dataclass, field

_MINUTE_S = 60.0


@dataclass(slots=True)
class RejectedTokenCounter:
    """Counts of one execution environment. Only existing tenants are counted, so their number is bounded.

    The first request is to be written at once, those that follow with the first one after a minute. If none comes then,
    they are not written.
    """

    _unwritten: dict[str, int] = field(default_factory=dict)
    _written_at: dict[str, float] = field(default_factory=dict)

    def count_request(self, tenant_id: str, now: float) -> int:
        """Count one more request, and return how many are to be written now: 0 if the minute is not over.

        ``now`` is in seconds since 1970.
        """
        number = self._unwritten.pop(tenant_id, 0) + 1
        if now - self._written_at.get(tenant_id, -_MINUTE_S) < _MINUTE_S:
            self._unwritten[tenant_id] = number
            return 0
        self._written_at[tenant_id] = now
        return number
