"""Count requests with rejected or malformed tokens, so that a tenant's count is written at most once a minute."""

from __future__ import annotations

from dataclasses import dataclass, field

from scim.protocol.errors import Rule

_MINUTE_S = 60.0
MAX_RECORDED_REQUESTS = 5
"""The maximum number of requests that can be found by their ids after each write of a tenant's count."""


@dataclass(slots=True)
class RejectedTokenCounter:
    """Counts the requests of each tenant in one execution environment.

    Only existing tenants are counted, so the memory is bounded. The count of the first request must be written
    immediately. The requests of the following minute are written with the next request after it. If no such request
    arrives, they are not written.
    """

    _unwritten: dict[str, int] = field(default_factory=dict)
    _rules: dict[str, Rule] = field(default_factory=dict)
    _written_at: dict[str, float] = field(default_factory=dict)
    _recorded: dict[str, int] = field(default_factory=dict)

    def count(self, tenant_id: str, rule: Rule) -> None:
        """Count a request that must not cause a write. ``rule`` is the rule that it breaks."""
        self._unwritten[tenant_id] = self._unwritten.get(tenant_id, 0) + 1
        self._rules[tenant_id] = rule

    def take_unwritten(self, tenant_id: str, now: float) -> tuple[int, Rule] | None:
        """Return the number of requests to write now that :meth:`count` has counted, and the rule of the last one.

        Return ``None`` if there are none, or within a minute of the last write.
        """
        if tenant_id not in self._rules or self._is_just_written(tenant_id, now):
            return None
        self._written_at[tenant_id] = now
        return self._unwritten.pop(tenant_id), self._rules.pop(tenant_id)

    def count_and_take_unwritten(self, tenant_id: str, now: float) -> int:
        """Count a request, and return the number of requests to write now: 0 within a minute of the last write.

        ``now`` is in seconds since 1970.
        """
        count = self._unwritten.pop(tenant_id, 0) + 1
        if self._is_just_written(tenant_id, now):
            self._unwritten[tenant_id] = count
            return 0
        self._written_at[tenant_id], self._recorded[tenant_id] = now, 0
        self._rules.pop(tenant_id, None)  # the requests of `count` are written with this one
        return count

    def take_record_time(self, tenant_id: str) -> float | None:
        """Return when the count was written to which the id of a request may lead (seconds since 1970).

        Return ``None`` if it was never written, or if the ids of :data:`MAX_RECORDED_REQUESTS` requests lead to it.
        """
        if self._recorded.get(tenant_id, MAX_RECORDED_REQUESTS) >= MAX_RECORDED_REQUESTS:
            return None
        self._recorded[tenant_id] += 1
        return self._written_at[tenant_id]

    def _is_just_written(self, tenant_id: str, now: float) -> bool:
        return now - self._written_at.get(tenant_id, -_MINUTE_S) < _MINUTE_S
