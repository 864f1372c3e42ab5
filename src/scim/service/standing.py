"""How a tenant stands, and what somebody should do about it, in words for the console and the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from scim.service.expiry import warning
from scim.service.health import Health
from scim.service.ports import Tenant, TenantStore, Use

_WORKERS = 8  # as many as Bulk has: within the connections of the store's client


@dataclass(frozen=True, slots=True)
class Standing:
    """``users`` and ``active`` are numbers; ``attention`` is what somebody should do, empty for nothing."""

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
        """Whether the identity provider has the new token yet: ``current`` or ``earlier``; empty if it never called."""
        if self.use is None:
            return ""
        return "current" if self.use.version == self.tenant.token.version else "earlier"


def standing(tenant: Tenant, store: TenantStore, now: float, health: Health | None = None) -> Standing:
    """How a tenant stands; with its ``health``, what that wants done is told too."""
    users, active = store.count(tenant.id)
    use = store.last_use(tenant.id)
    in_grace = tenant.connected and now < tenant.token.grace_ends
    attention = [_of_token(tenant, use, now)] if tenant.connected else []
    if tenant.connected and health is not None and health.warnings:
        attention.append("So much fails that Entra ID may quarantine: look at the status.")
    return Standing(tenant, use, users, active, in_grace, " ".join(filter(None, attention)))


def side_by_side(look: Callable[[str], Standing | None], tenants: Iterable[str]) -> Iterator[Standing]:
    """How many tenants stand, in their order: each takes several reads, and waits for one after the other."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        yield from filter(None, pool.map(look, tenants))


def _of_token(tenant: Tenant, use: Use | None, now: float) -> str:
    token = tenant.token
    if token.is_revoked:
        return "The token was revoked: make a new one."
    if not token.shown:
        return "The new token has not been shown yet."
    if (days := warning(token.expires, now)) is not None:
        if token.expires is not None and token.expires <= now:
            return "The token has expired: make a new one."
        return f"The token expires within {days} {'day' if days == 1 else 'days'}."
    return "" if use else "No request with a valid token has arrived yet."
