"""What keeps an identity provider from its tenant, whoever it is about."""

from __future__ import annotations

from collections.abc import Iterator

from scim.service.ports import Tenant, Use
from scim.service.tenants import rfc3339

_REMEDY = (
    "Make a new one (Connect in the console, or `muster rotate {tenant}`) and paste it into the identity provider."
)


def obstacles(tenant: Tenant, use: Use | None, now: float) -> Iterator[str]:
    """Why no request can be served now, or why none has come. ``now`` in seconds since 1970."""
    token = tenant.token
    if not tenant.connected:
        yield (
            f"The tenant {tenant.id} is disconnected: every request of its identity provider is refused, whoever it is "
            "about; the log says since when. Connect it again (console: Connect; or "
            f"`muster connect {tenant.id}`) and paste the new token into the identity provider."
        )
    elif token.is_revoked:
        yield (
            f"The tokens of the tenant {tenant.id} were revoked: every request of its identity provider is refused, "
            f"whoever it is about; the log says since when. {_REMEDY.format(tenant=tenant.id)}"
        )
    elif token.expires is not None and token.expires <= now:
        yield (
            f"The token of the tenant {tenant.id} expired at {rfc3339(token.expires)}: requests that come with it are "
            f"refused, whoever they are about. {_REMEDY.format(tenant=tenant.id)}"
        )
    elif use is None:
        yield (
            f"The identity provider of the tenant {tenant.id} has never come with a valid token. Paste the SCIM URL "
            "and the token that Connect shows into it, test the connection, and start provisioning."
        )
