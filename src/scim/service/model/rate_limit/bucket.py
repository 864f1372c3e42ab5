"""The rate limit of a tenant: a token bucket that is described by the time at which it is full again.

A bucket holds up to ``burst`` permits and is refilled with ``rate`` permits a second. Its whole state is one number,
``full_at``: the time at which it is full if no more permits are taken. To take a permit moves that time by
``1 / rate`` seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from scim.protocol.errors import Rule, ScimError


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The limit of every tenant: ``rate`` permits a second, and ``burst`` permits in a full bucket."""

    rate: float
    burst: int

    @property
    def window_s(self) -> int:
        """The number of seconds in which an empty bucket is refilled."""
        return ceil(self.burst / self.rate)

    def count_available(self, full_at: float | None, now: float) -> int:
        """Return the number of permits in a bucket, negative for a debt. ``None`` means a bucket that was never used.

        Times are in seconds since 1970.
        """
        return self.burst - ceil(max((full_at or now) - now, 0.0) * self.rate)

    def compute_wait_s(self, full_at: float | None, now: float, count: int) -> float:
        """Return the number of seconds until a bucket has ``count`` permits."""
        return max((count - self.count_available(full_at, now)) / self.rate, 0.0)


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """A request for permits of a bucket.

    Attributes:
        needed: The smallest number of permits that is useful.
        wanted: The largest number of permits that is useful.
        returned: The unspent permits of an earlier lease, which the bucket gets back.
        known_full_at: The last known state of the bucket, ``None`` if it is not known.
        can_owe: Whether ``needed`` permits are taken even if the bucket does not have them. It then has a debt.
    """

    needed: int
    wanted: int
    returned: int = 0
    known_full_at: float | None = None
    can_owe: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """The answer to a lease request: the number of permits, 0 if the bucket has too few, and the bucket's state."""

    permits: int
    full_at: float | None


class RateLimitExceeded(ScimError):
    """The tenant has used up its rate limit (RFC 6585 section 4)."""

    status = 429
    rule = Rule.RATE_LIMIT


class BucketUnavailable(Exception):
    """DynamoDB did not answer, or throttled the call, so the bucket of a tenant could not be read or changed."""
