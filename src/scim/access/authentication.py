"""Who is calling: a bearer token becomes a tenant, or the one 401 that tells nothing about why.

What is valid is cached for at most a minute, so that is how long a revoked token lives on. A token that does not match
what is cached may be newer than it: the secret is read again, within a budget past which the answer is 429 and never
a false 401. The cache and the budgets live as long as the execution environment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest

from scim.access import tokens
from scim.access.secret_store import SecretStore
from scim.protocol.errors import TooManyRequests, Unauthorized
from scim.service.ports import EXPIRED, UNKNOWN, SettingsReader, Tenant, TokenVersion

CACHE_S = 60.0
# Look-ups that may find nothing: for one tenant, and for all that are not cached, which may not exist at all.
_TENANT_BUDGET = 5
_STRANGER_BUDGET = 50
_BUDGET_S = 10.0
_MAX_TENANTS = 1_000
_FOREVER = float("inf")


class TokenRefused(Unauthorized):
    """A token of a tenant that exists does not open it. The answer is that to any other token, and tells nothing of it.

    ``rule`` tells whether all of the tenant's tokens have expired.
    """

    def __init__(self, tenant_id: str, rule: str, answer: Unauthorized) -> None:
        super().__init__(answer.detail, answer.headers, rule=rule)
        self.tenant_id = tenant_id


@dataclass(frozen=True, slots=True)
class ValidToken:
    """What opens a tenant: the digest of a token, until when, and the version of the secret that it is in."""

    digest: bytes
    until: float
    version: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The tenant that a token has opened, and the version of the secret that the token is in.

    ``expires`` is when the tenant's current token ends, ``None`` for never. ``was_read`` tells whether the tenant was
    read for this request, which is once a minute in each execution environment: the time for what is not done more
    often.
    """

    tenant: Tenant
    version: str
    expires: float | None
    was_read: bool


@dataclass(slots=True)
class Budget:
    """At most ``size`` look-ups that find nothing in each window of ten seconds."""

    size: int
    _window: float = -_BUDGET_S
    _spent: int = 0

    def check(self, now: float) -> None:
        """Raise :class:`TooManyRequests` where nothing is left."""
        if now - self._window >= _BUDGET_S:
            self._window, self._spent = now, 0
        if self._spent >= self.size:
            raise TooManyRequests(
                "Too many requests with tokens that are not valid; send this one again in a few seconds.",
                headers={"Retry-After": str(int(_BUDGET_S))},
            )

    def spend(self) -> None:
        self._spent += 1


@dataclass(slots=True)
class _Known:
    """What was read about a tenant, and when; ``tenant`` is ``None`` for one that no token opens.

    It may be ``connected`` still: all its tokens were revoked.
    """

    read: float
    valid: Sequence[ValidToken]
    tenant: Tenant | None
    connected: bool
    budget: Budget = field(default_factory=lambda: Budget(_TENANT_BUDGET))


class Authenticator:
    """``now`` gives the seconds since 1970."""

    def __init__(self, secrets: SecretStore, now: Callable[[], float]) -> None:
        self._secrets = secrets
        self._now = now
        self._known: dict[str, _Known] = {}  # the longest unread first
        self._strangers = Budget(_STRANGER_BUDGET)

    def authenticate(self, authorization: str | None, settings: SettingsReader) -> Opened:
        """What the token in the header ``Authorization`` opens.

        Raises :class:`Unauthorized` (of a tenant that exists :class:`TokenRefused`), :class:`TooManyRequests`,
        and :class:`Unavailable` where a store is silent.
        """
        scheme, _, text = (authorization or "").strip().partition(" ")
        token = tokens.parse(text.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise _unauthorized()
        known = self._known.get(token.tenant)
        now = self._now()
        fresh = known is not None and now - known.read < CACHE_S
        if known is not None and fresh and (opened := _opened(known, token, now, was_read=False)):
            return opened
        budgets = self._budgets(known)
        for budget in budgets:
            budget.check(now)
        known = self._read(token.tenant, settings, now)
        opened = _opened(known, token, now, was_read=True)
        if opened is None:
            for budget in budgets:
                budget.spend()
            raise _refused(token.tenant, known, now)
        return opened

    def _budgets(self, known: _Known | None) -> list[Budget]:
        """What a look-up that finds nothing is charged to: those that may not exist have one in common, too."""
        if known is None:
            return [self._strangers]
        return [known.budget] if known.tenant is not None else [known.budget, self._strangers]

    def _valid(self, current: TokenVersion, tenant: Tenant, now: float) -> list[ValidToken]:
        """The current token, and the one before it within its grace, but for those that were ended."""
        versions = [(current, _FOREVER)]
        grace_ends = end_of_grace(current, tenant)
        if now < grace_ends and (previous := self._secrets.previous(tenant.id)):
            versions.append((previous, grace_ends))
        return [
            ValidToken(tokens.digest(version.token), min(until, _end(version)), version.id)
            for version, until in versions
            if version.id not in tenant.token.ended
        ]

    def _read(self, tenant_id: str, settings: SettingsReader, now: float) -> _Known:
        # The secret first: the settings know of a version before it becomes current, and so when it did.
        current = self._secrets.current(tenant_id)
        tenant = settings.get(tenant_id) if current else None
        valid = self._valid(current, tenant, now) if current and tenant and tenant.connected else []
        before = self._known.pop(tenant_id, None)
        known = _Known(now, valid, tenant if valid else None, tenant is not None and tenant.connected)
        if before is not None:
            known.budget = before.budget
        self._known[tenant_id] = known
        if len(self._known) > _MAX_TENANTS:
            # Those that don't exist go first: made-up tenants must not drive out real ones.
            del self._known[next((each for each, known in self._known.items() if not known.tenant), tenant_id)]
        return known


def _opened(known: _Known, token: tokens.Token, now: float, *, was_read: bool) -> Opened | None:
    """What the token opens, if it is one of the valid ones. All are compared, whichever matches."""
    matching = [valid for valid in known.valid if compare_digest(valid.digest, token.digest) and now < valid.until]
    if known.tenant is None or not matching:
        return None
    return Opened(known.tenant, matching[0].version, known.tenant.token.expires, was_read)


def end_of_grace(current: TokenVersion, tenant: Tenant) -> float:
    """Until when the token before is valid: from when the settings tell that the current one became so.

    Of a version that was made past them, its own age is all that is known.
    """
    since = tenant.token.since if tenant.token.version == current.id else current.made
    return since + current.grace_s


def _end(version: TokenVersion) -> float:
    return _FOREVER if version.expires is None else version.expires


def _refused(tenant_id: str, known: _Known, now: float) -> Unauthorized:
    if not known.connected:
        return _unauthorized()
    has_expired = known.valid and all(valid.until <= now for valid in known.valid)
    return TokenRefused(tenant_id, EXPIRED if has_expired else UNKNOWN, _unauthorized())


def _unauthorized() -> Unauthorized:
    return Unauthorized(
        "The bearer token is missing or not valid. Copy the token that Connect showed into the identity provider's "
        "secret token field, or have a new one made.",
        headers={"WWW-Authenticate": 'Bearer realm="SCIM"'},
    )
