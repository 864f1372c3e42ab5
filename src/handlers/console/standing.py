"""How a tenant stands, in the words of the pages."""

from __future__ import annotations

from dataclasses import dataclass

from scim.service.expiry import warning
from scim.service.ports import Tenant, Use
from scim.store.tenants import TenantStore


@dataclass(frozen=True, slots=True)
class Standing:
    """``users`` and ``active`` are numbers; ``attention`` is what somebody should do, if anything."""

    tenant: Tenant
    use: Use | None
    users: int
    active: int
    in_grace: bool
    attention: str

    @property
    def state(self) -> str:
        if not self.tenant.connected:
            return "disconnected"
        return "revoked" if self.tenant.token.is_revoked else "connected"

    @property
    def is_waiting(self) -> bool:
        """Whether a token was made that nobody has seen."""
        return self.tenant.connected and not self.tenant.token.shown

    @property
    def used(self) -> str:
        """Whether the identity provider has the new token yet."""
        if self.use is None:
            return ""
        return "current" if self.use.version == self.tenant.token.version else "earlier"


def standing(tenant: Tenant, store: TenantStore, now: float) -> Standing:
    users, active = store.count(tenant.id)
    use = store.last_use(tenant.id)
    in_grace = tenant.connected and now < tenant.token.grace_ends
    return Standing(tenant, use, users, active, in_grace, _attention(tenant, use, now))


def _attention(tenant: Tenant, use: Use | None, now: float) -> str:
    token = tenant.token
    if not tenant.connected:
        return ""
    if token.is_revoked:
        return "The token was revoked: make a new one."
    if not token.shown:
        return "The new token has not been shown yet."
    if (days := warning(token.expires, now)) is not None:
        if token.expires is not None and token.expires <= now:
            return "The token has expired: make a new one."
        return f"The token expires within {days} {'day' if days == 1 else 'days'}."
    return "" if use else "The identity provider has not called yet."
