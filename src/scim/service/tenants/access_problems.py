"""Describe the access of a tenant's identity provider, and the reason if it has no access."""

from __future__ import annotations

from collections.abc import Iterator

from scim.service.identity_providers.detect_by_request import detect_request_provider
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import TokenUsage

_REMEDY = (
    "Create a new token (console: Token; for operators also: `muster rotate {tenant}`) and enter it in the "
    "identity provider."
)


def find_access_problems(tenant: Tenant, usage: TokenUsage | None, now: float) -> Iterator[str]:
    """Yield a sentence if all requests of the tenant are rejected, or if none has arrived yet.

    ``usage`` is the last use of the tenant's token, ``None`` if none was ever used. ``now`` is in seconds since 1970.
    """
    token = tenant.token
    if not tenant.is_connected:
        yield (
            f"The customer {tenant.id} is disconnected, so all requests from its identity provider are rejected. The "
            "audit log shows since when. Connect the customer again (console: Token, command: "
            f"`muster connect {tenant.id}`) and enter the new token in the identity provider."
        )
    elif token.is_revoked:
        yield (
            f"All tokens of {tenant.id} were revoked, so all requests from its identity provider are rejected. The "
            f"audit log shows since when. {_REMEDY.format(tenant=tenant.id)}"
        )
    elif token.expires is not None and token.expires <= now:
        yield (
            f"The token of {tenant.id} expired at {format_rfc3339(token.expires)}. All requests with this token are "
            f"rejected. {_REMEDY.format(tenant=tenant.id)}"
        )
    elif usage is None:
        yield (
            f"No request with a valid token of {tenant.id} has arrived yet. Copy the SCIM URL and the token from "
            "Connect into the identity provider, test the connection, and start provisioning. If the test fails with "
            "401, copy the whole token again."
        )


def describe_first_use(usage: TokenUsage) -> str:
    """Return a description of the first request with a token, and the identity provider if the user agent names it."""
    provider = detect_request_provider(usage.first_user_agent, "", (), None)
    by_provider = f" by {provider.display_name}" if provider else ""
    return f"{'Provisioning started' if usage.first_is_write else 'Connection tested'}{by_provider}"


def describe_last_use(usage: TokenUsage) -> str:
    """Return a description of the last recorded request with a token."""
    return "a write" if usage.is_write else "a read"
