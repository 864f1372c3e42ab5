"""Tokens of tenants: versions, state, use and expiry."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite

DAY_S = 86_400.0
FOREVER = inf
"""The lifetime of a token that does not end."""
WARNING_DAYS = (1, 7, 30)


def expiry_of(now: float, lifetime_s: float) -> float | None:
    """When a token ends that is made now, ``None`` for never. Raises ``ValueError`` for one that would be over."""
    if lifetime_s <= 0:
        raise ValueError("A token lives for longer than no time.")
    return now + lifetime_s if isfinite(lifetime_s) else None


def days_until_expiry(expires: float | None, now: float) -> int | None:
    """How near the end of a token is, in days: within 30, 7 or 1; ``None`` while there is time."""
    if expires is None:
        return None
    return next((days for days in WARNING_DAYS if expires - now <= days * DAY_S), None)


@dataclass(frozen=True, slots=True)
class TokenState:
    """What the settings know of a tenant's token, which itself is in Secrets Manager only. Times in seconds since 1970.

    ``version`` is the version of the secret that was decided to be the current one, from ``since`` on; empty where none
    was. The token before it is valid for ``grace_s`` from then. ``ended`` are versions that open nothing, whatever
    their labels say. A token that was not ``shown`` yet can still be shown. ``lifetime_s`` is for how long a new one
    lives, also where there is none now: :data:`scim.service.model.token.FOREVER`, or seconds. ``asked`` names the
    request
    that was answered with the token, at ``asked_at``.
    """

    version: str = ""
    since: float = 0.0
    grace_s: float = 0.0
    expires: float | None = None
    shown: bool = True
    ended: tuple[str, ...] = ()
    lifetime_s: float = FOREVER
    asked: str = ""
    asked_at: float = 0.0

    @property
    def grace_ends(self) -> float:
        return self.since + self.grace_s

    @property
    def is_revoked(self) -> bool:
        return bool(self.ended) and not self.version


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """The use of a token, to a minute: when it was used last, and the version of the secret that it is in.

    ``agent`` is the user agent of the last request, ``is_write`` whether that was a write. ``first_at``,
    ``first_agent`` and ``first_is_write`` are the same of the first request. Times in seconds since 1970.
    """

    at: float
    version: str
    agent: str = ""
    is_write: bool = False
    first_at: float = 0.0
    first_is_write: bool = False
    first_agent: str = ""


CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"
"""The labels by which Secrets Manager tells a secret's versions apart."""


EXPIRED, UNKNOWN, MALFORMED = "token-expired", "token", "token-malformed"
"""Why a token is refused: it has expired, it is not one of the tenant's, or this stack did not make it."""


@dataclass(frozen=True, slots=True)
class TokenVersion:
    """A version of a tenant's secret. ``expires`` and ``made`` in seconds since 1970."""

    id: str
    token: str = field(repr=False)
    expires: float | None
    grace_s: float
    made: float


class SecretMissing(Exception):
    """The tenant has no secret, or it awaits its deletion."""
