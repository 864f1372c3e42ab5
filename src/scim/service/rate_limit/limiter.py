"""Limit the rate of each tenant's writes and expensive reads, in one execution environment.

The tenant's bucket is an item in the table (:mod:`scim.service.model.rate_limit.bucket`). An environment leases a block
of permits with one call, and spends them without calls. Permits leave the bucket when they are leased, so all
environments together never spend more than the bucket has given out.

In a window of time, a tenant can spend more than the bucket's content and refill by the permits that environments had
leased before the window. That is at most the size of a lease in each environment (:func:`compute_max_lease`), because a
lease ends after :data:`LEASE_S`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, inf
from threading import Lock

from scim.service.model.rate_limit.bucket import BucketUnavailable, Lease, LeaseRequest, RateLimit, RateLimitExceeded
from scim.service.ports import PermitStore

LEASE_S = 60.0
"""The seconds for which leased permits can be spent. After that, unspent ones go back with the next lease."""
FIRST_LEASE = 10
"""The size of the first lease of a tenant in an execution environment."""
_LEASES_PER_BUCKET = 100
# A lease that is spent sooner than this is followed by one that is twice as large.
_QUICKLY_SPENT_S = 20.0
_SPREAD = 0.1
_PAUSE_AFTER_REFUSAL_S = 1.0
_MAX_TENANTS = 10_000


def compute_max_lease(burst: int) -> int:
    """Return the maximum size of a lease, apart from what one request needs: 1 percent of the bucket, at least 10."""
    return max(FIRST_LEASE, burst // _LEASES_PER_BUCKET)


@dataclass(slots=True)
class _LeasedPermits:
    """The leased permits of one tenant, and the last known state of its bucket. Times are in seconds since 1970.

    Permits that are unspent at the end of the lease are not spent any more. ``known_at`` is when ``full_at``, the
    bucket's state, was read. Until ``asks_again_at``, the bucket is not asked for ``refused`` permits or more, because
    it did not have them.
    """

    count: int = 0
    size: int = FIRST_LEASE
    leased_at: float = -inf
    full_at: float | None = None
    known_at: float = -inf
    refused: int = 0
    asks_again_at: float = -inf
    lock: Lock = field(default_factory=Lock)  # handlers of the local run, and tests, use several threads


class RateLimiter:
    """Limits the tenants of one execution environment.

    ``now`` returns the seconds since 1970. ``random`` returns a random number from 0 to 1: clients that are refused at
    the same time get different times to try again.
    """

    def __init__(self, limit: RateLimit, now: Callable[[], float], random: Callable[[], float]) -> None:
        self.limit = limit
        self.now = now
        self.random = random
        self._tenants: OrderedDict[str, _LeasedPermits] = OrderedDict()  # least recently used first
        self._lock = Lock()

    def get_leased(self, tenant_id: str) -> _LeasedPermits:
        """Return the leased permits of a tenant. Those of the least recently used tenants are dropped."""
        with self._lock:
            leased = self._tenants.setdefault(tenant_id, _LeasedPermits())
            self._tenants.move_to_end(tenant_id)
            if len(self._tenants) > _MAX_TENANTS:
                self._tenants.popitem(last=False)
            return leased


@dataclass(slots=True)
class RequestPermits:
    """The permits of one request's tenant.

    ``is_unlimited`` is true after a call to the store failed: the request goes on without the store.
    """

    limiter: RateLimiter
    tenant_id: str
    store: PermitStore
    is_unlimited: bool = False

    def take(self, count: int) -> None:
        """Take permits for a request that has changed nothing yet. Raise :class:`RateLimitExceeded`.

        Either all of them are taken, or none.
        """
        leased, now = self.limiter.get_leased(self.tenant_id), self.limiter.now()
        with leased.lock:
            if not _spend(leased, count, now) and not self._lease(leased, count, now):
                raise self._build_refusal(leased, count, now)

    def charge(self, count: int) -> None:
        """Take permits for work that has begun. The tenant owes those that its bucket does not have."""
        leased, now = self.limiter.get_leased(self.tenant_id), self.limiter.now()
        with leased.lock:
            if not _spend(leased, count, now):
                self._lease(leased, count, now, can_owe=True)

    def count_remaining(self) -> int | None:
        """Return about how many permits the tenant has, ``None`` if that is not known.

        It is what the bucket had at the last lease, with its refill since then and the unspent leased permits. What
        other environments have leased since then is not known.
        """
        leased, now = self.limiter.get_leased(self.tenant_id), self.limiter.now()
        if now - leased.known_at >= LEASE_S:
            return None
        limit = self.limiter.limit
        return min(max(limit.count_available(leased.full_at, now) + leased.count, 0), limit.burst)

    def _lease(self, leased: _LeasedPermits, count: int, now: float, *, can_owe: bool = False) -> bool:
        """Lease more permits and spend ``count`` of all. Return whether there were enough."""
        age_s = now - leased.leased_at
        unspent = leased.count if age_s < LEASE_S else 0
        needed = count - unspent
        if now < leased.asks_again_at and needed >= leased.refused and not can_owe:
            return False
        returned = leased.count if LEASE_S <= age_s < 2 * LEASE_S else 0
        size = self._adapt_size(leased, age_s)
        request = LeaseRequest(needed, needed + size - 1, returned, leased.full_at, can_owe)
        try:
            lease = self.store.lease(self.tenant_id, request, self.limiter.limit, now)
            leased.full_at, leased.known_at = lease.full_at, now
        except BucketUnavailable:
            self.is_unlimited = True
            lease = Lease(needed + FIRST_LEASE - 1, leased.full_at)
        if lease.permits < needed:
            leased.refused = needed
            leased.asks_again_at = now + _PAUSE_AFTER_REFUSAL_S * (1 + self.limiter.random())
            return False
        leased.count, leased.size, leased.leased_at = unspent + lease.permits - count, size, now
        return True

    def _adapt_size(self, leased: _LeasedPermits, age_s: float) -> int:
        """Return the size of the next lease: twice the last one if that was spent quickly, else half of it."""
        if leased.leased_at == -inf:
            return FIRST_LEASE
        size = leased.size * 2 if age_s < _QUICKLY_SPENT_S else leased.size // 2
        return min(max(size, FIRST_LEASE), compute_max_lease(self.limiter.limit.burst))

    def _build_refusal(self, leased: _LeasedPermits, count: int, now: float) -> RateLimitExceeded:
        limit = self.limiter.limit
        wait_s = max(limit.compute_wait_s(leased.full_at, now, count), 1.0)
        retry_after_s = ceil(wait_s * (1 + _SPREAD * self.limiter.random()) + self.limiter.random())
        return RateLimitExceeded(
            f"The rate limit of this customer, {limit.rate:g} writes a second after the first {limit.burst:,}, is used "
            f"up. Send the request again after {retry_after_s} seconds. If this happens often, let the identity "
            "provider send fewer requests at a time, or ask the operator for a higher limit (template parameters "
            "RateLimit and RateLimitBurst).",
            headers={"Retry-After": str(retry_after_s)},
        )


def _spend(leased: _LeasedPermits, count: int, now: float) -> bool:
    """Spend leased permits, and return whether there were enough."""
    if leased.count < count or now - leased.leased_at >= LEASE_S:
        return False
    leased.count -= count
    return True
