"""Tokens of tenants: their versions, state, usage and expiry. All times are in seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from math import inf, isfinite

DAY_S = 86_400.0
NEVER_EXPIRES = inf
"""The lifetime of a token that does not expire."""
WARNING_DAYS = (1, 7, 30)
"""The numbers of days before a token expires at which the warnings about it begin or change."""


def compute_expiry(now: float, lifetime_s: float) -> float | None:
    """Return when a token that is created now expires, ``None`` for never. ``lifetime_s`` is in seconds.

    Raise ``ValueError`` if the lifetime is not positive.
    """
    if lifetime_s <= 0:
        raise ValueError("The lifetime of a token must be longer than 0 seconds.")
    return now + lifetime_s if isfinite(lifetime_s) else None


def find_warning_days(expires: float | None, now: float) -> int | None:
    """Return the lowest of :data:`WARNING_DAYS` within which a token expires, ``None`` if it expires later or never."""
    if expires is None:
        return None
    return next((days for days in WARNING_DAYS if expires - now <= days * DAY_S), None)


class TokenStage(StrEnum):
    """The stages of the versions of a tenant's secret. At most one version is in each stage."""

    CURRENT = "current"
    PREVIOUS = "previous"
    """The version that was current before."""
    PENDING = "pending"
    """A new version whose token is not valid yet."""


@dataclass(frozen=True, slots=True)
class TokenState:
    """The settings of a tenant about its token. The token itself is in the tenant's secret only.

    Attributes:
        version_id: The version of the secret that contains the current token, empty for no token.
        current_since: When this version became the current one.
        grace_s: The grace period in seconds: how long the previous token stays valid after ``current_since``.
        expires: When the current token expires, ``None`` for never.
        is_revealed: Whether the current token has been shown. If not, it can still be shown once.
        revoked_version_ids: The versions of the secret that are not valid, in any stage.
        lifetime_s: The lifetime of new tokens in seconds, or :data:`NEVER_EXPIRES`.
        created_by: The actor that created the current token, empty if that is not known.
        idempotency_key: The key of the request that returned the token.
        idempotency_key_at: When that request was answered.
    """

    version_id: str = ""
    current_since: float = 0.0
    grace_s: float = 0.0
    expires: float | None = None
    is_revealed: bool = True
    revoked_version_ids: tuple[str, ...] = ()
    lifetime_s: float = NEVER_EXPIRES
    created_by: str = ""
    idempotency_key: str = ""
    idempotency_key_at: float = 0.0

    @property
    def grace_ends(self) -> float:
        """When the previous token expires."""
        return self.current_since + self.grace_s

    @property
    def is_revoked(self) -> bool:
        """Whether all tokens were revoked and no token was created since then."""
        return bool(self.revoked_version_ids) and not self.version_id


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """The first and the last recorded request with one version of a tenant's token.

    Requests are recorded at most once a minute. ``user_agent`` is the header ``User-Agent`` of the last request,
    ``is_write`` says whether it was a write, and ``has_wrong_url`` whether it was sent to a wrong SCIM URL. The fields
    that begin with ``first_`` are about the first request.
    """

    last_used: float
    version_id: str
    user_agent: str = ""
    is_write: bool = False
    first_used: float = 0.0
    first_is_write: bool = False
    first_user_agent: str = ""
    has_wrong_url: bool = False


@dataclass(frozen=True, slots=True)
class TokenVersion:
    """One version of a tenant's secret: its token, when it expires (``None`` for never), and when it was created.

    ``token`` is empty in the version that replaces revoked ones.

    The previous token stays valid for ``grace_s`` seconds after this version becomes the current one.
    """

    id: str
    token: str = field(repr=False)
    expires: float | None
    grace_s: float
    created: float


EMPTY_VERSION_PREFIX = "revoked-"
"""The beginning of the ids of versions that contain no token. They replace revoked versions."""


class SecretNotFound(Exception):
    """The tenant has no secret, or its secret is scheduled for deletion."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, which is shown once.

    ``version_id`` is the version of the secret that contains it. ``expires`` is ``None`` for never.
    ``previous_expires`` is when the previous token expires, ``None`` if that is no longer valid.
    ``is_new`` says whether the request created the token: if not, it was created before and never shown.
    """

    tenant_id: str
    version_id: str
    token: str = field(repr=False)
    expires: float | None
    previous_expires: float | None
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """Identifies a request for a token from a form in the console, which a browser may send twice.

    ``name`` is the same each time that the same form is sent. ``settings_version`` is the version of the tenant's
    settings when the form was rendered, as text.
    """

    name: str
    settings_version: str
