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
from scim.access.secret_store import SecretStore, ValidToken
from scim.protocol.errors import TooManyRequests, Unauthorized
from scim.service.ports import Tenant, TenantStore
from scim.service.records import EXPIRED, UNKNOWN

CACHE_S = 60.0
# Look-ups that may find nothing: for one tenant, and for all that are not cached, which may not exist at all.
_TENANT_BUDGET = 5
_STRANGER_BUDGET = 50
_BUDGET_S = 10.0
_MAX_TENANTS = 1_000
_DETAIL = (
    "The bearer token is missing or not valid. Copy the token that Connect showed into the identity provider's "
    "secret token field, or have a new one made."
)
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="SCIM"'}


class TokenRefused(Unauthorized):
    """A token of a tenant that exists does not open it. The answer is that to any other token, and tells nothing of it.

    ``rule`` tells whether all of the tenant's tokens have expired.
    """

    def __init__(self, tenant_id: str, rule: str) -> None:
        super().__init__(_DETAIL, dict(_CHALLENGE), rule=rule)
        self.tenant_id = tenant_id


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
    """What was read about a tenant, and when; ``tenant`` is ``None`` for one that does not exist."""

    read: float
    valid: Sequence[ValidToken]
    tenant: Tenant | None
    budget: Budget = field(default_factory=lambda: Budget(_TENANT_BUDGET))


class Authenticator:
    """``now`` gives the seconds since 1970."""

    def __init__(self, secrets: SecretStore, now: Callable[[], float]) -> None:
        self._secrets = secrets
        self._now = now
        self._known: dict[str, _Known] = {}  # the longest unread first
        self._strangers = Budget(_STRANGER_BUDGET)

    def authenticate(self, authorization: str | None, settings: TenantStore) -> Tenant:
        """The tenant whose token the header ``Authorization`` carries.

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
        if known is not None and fresh and (tenant := _opened(known, token, now)):
            return tenant
        budgets = self._budgets(known)
        for budget in budgets:
            budget.check(now)
        known = self._read(token.tenant, settings, now)
        tenant = _opened(known, token, now)
        if tenant is None:
            for budget in budgets:
                budget.spend()
            raise _refused(known, now)
        return tenant

    def _budgets(self, known: _Known | None) -> list[Budget]:
        """What a look-up that finds nothing is charged to: those that may not exist have one in common, too."""
        if known is None:
            return [self._strangers]
        return [known.budget] if known.tenant is not None else [known.budget, self._strangers]

    def _read(self, tenant_id: str, settings: TenantStore, now: float) -> _Known:
        valid = self._secrets.valid_tokens(tenant_id, now)
        before = self._known.pop(tenant_id, None)
        known = _Known(now, valid, settings.get(tenant_id) if valid else None)
        if before is not None:
            known.budget = before.budget
        self._known[tenant_id] = known
        if len(self._known) > _MAX_TENANTS:
            # Those that don't exist go first: made-up tenants must not drive out real ones.
            del self._known[next((each for each, known in self._known.items() if not known.tenant), tenant_id)]
        return known


def _opened(known: _Known, token: tokens.Token, now: float) -> Tenant | None:
    """The tenant, if the token is one of the valid ones. All are compared, whichever matches."""
    matches = [compare_digest(valid.digest, token.digest) and now < valid.until for valid in known.valid]
    return known.tenant if any(matches) else None


def _refused(known: _Known, now: float) -> Unauthorized:
    if known.tenant is None:
        return _unauthorized()
    return TokenRefused(known.tenant.id, EXPIRED if all(valid.until <= now for valid in known.valid) else UNKNOWN)


def _unauthorized() -> Unauthorized:
    return Unauthorized(_DETAIL, dict(_CHALLENGE))
