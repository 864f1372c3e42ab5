"""Count requests with rejected or malformed tokens, so that the count of a tenant is written once a minute at most."""

from __future__ import annotations

from dataclasses import dataclass, field

_MINUTE_S = 60.0


@dataclass(slots=True)
class RejectedTokenCounter:
    """The counts of one execution environment. Only existing tenants are counted, so their number is bounded.

    The first request is written at once. The following ones are written together with the first one that arrives a
    minute later or more; if none arrives, they are not written.
    """

    _unwritten: dict[str, int] = field(default_factory=dict)
    _written_at: dict[str, float] = field(default_factory=dict)

    def count_and_take_unwritten(self, tenant_id: str, now: float) -> int:
        """Count a request, and return how many requests have to be written now: 0 within a minute of the last write.

        ``now`` is in seconds since 1970.
        """
        count = self._unwritten.pop(tenant_id, 0) + 1
        if now - self._written_at.get(tenant_id, -_MINUTE_S) < _MINUTE_S:
            self._unwritten[tenant_id] = count
            return 0
        self._written_at[tenant_id] = now
        return count
