"""Tokens of tenants: their versions, state, use and expiry.

All times are in seconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from math import inf, isfinite

DAY_S = 86_400.0
NEVER_EXPIRES = inf
"""The lifetime of a token that does not expire."""
WARNING_DAYS = (1, 7, 30)
"""The days before the expiry of a token at which the overview changes its warning."""


def compute_expiry(now: float, lifetime_s: float) -> float | None:
    """Return when a token that is created now expires, ``None`` for never.

    Raise ``ValueError`` for a lifetime that is not positive.
    """
    if lifetime_s <= 0:
        raise ValueError("A token lives for longer than no time.")
    return now + lifetime_s if isfinite(lifetime_s) else None


def find_warning_days(expires: float | None, now: float) -> int | None:
    """Return the lowest of :data:`WARNING_DAYS` within which a token expires; ``None`` if it expires later or never."""
    if expires is None:
        return None
    return next((days for days in WARNING_DAYS if expires - now <= days * DAY_S), None)


class TokenStage(StrEnum):
    """The stages of a version of a tenant's secret. At most one version is in each stage."""

    CURRENT = "current"
    PREVIOUS = "previous"
    """The version that was current before."""
    PENDING = "pending"
    """A new version whose token is not valid yet."""


@dataclass(frozen=True, slots=True)
class TokenState:
    """The part of a tenant's settings about its token. The token itself is in the tenant's secret only.

    ``version_id`` is the version of the secret with the current token, empty for no token. It is the current one since
    ``current_since``, and the previous token stays valid for ``grace_s`` seconds after that. ``revoked_version_ids``
    are not valid, whatever their stage is. A token that is not revealed (``is_revealed``) can still be shown, once.
    New tokens live for ``lifetime_s`` seconds, or :data:`NEVER_EXPIRES`. ``idempotency_key`` names the request that was
    answered with the token, ``idempotency_key_at`` is when.
    """

    version_id: str = ""
    current_since: float = 0.0
    grace_s: float = 0.0
    expires: float | None = None
    is_revealed: bool = True
    revoked_version_ids: tuple[str, ...] = ()
    lifetime_s: float = NEVER_EXPIRES
    idempotency_key: str = ""
    idempotency_key_at: float = 0.0

    @property
    def grace_ends(self) -> float:
        """Return when the previous token expires."""
        return self.current_since + self.grace_s

    @property
    def is_revoked(self) -> bool:
        """Return whether all tokens were revoked and none was created since."""
        return bool(self.revoked_version_ids) and not self.version_id


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """The first and the last request with one version of a tenant's token, recorded once a minute at most.

    ``user_agent`` is the header ``User-Agent`` of the last request, ``is_write`` whether it was a write.
    """

    last_used: float
    version_id: str
    user_agent: str = ""
    is_write: bool = False
    first_used: float = 0.0
    first_is_write: bool = False
    first_user_agent: str = ""


@dataclass(frozen=True, slots=True)
class TokenVersion:
    """One version of a tenant's secret: its token, when that expires (``None`` for never) and when it was created.

    The previous token stays valid for ``grace_s`` seconds after this version becomes the current one.
    """

    id: str
    token: str = field(repr=False)
    expires: float | None
    grace_s: float
    created: float


class SecretNotFound(Exception):
    """The tenant has no secret, or its secret is scheduled for deletion."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, to be revealed once.

    ``version_id`` is the version of the secret that holds it. ``expires`` is ``None`` for never. ``previous_expires``
    is when the previous token expires, ``None`` if it is not valid.
    """

    tenant_id: str
    version_id: str
    token: str = field(repr=False)
    expires: float | None
    previous_expires: float | None


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The key of a request for a token, which comes from a form and may arrive twice.

    ``name`` is unique to the request. ``settings_version`` is the version of the tenant's settings when the form was
    rendered, as the text in the form.
    """

    name: str
    settings_version: str
