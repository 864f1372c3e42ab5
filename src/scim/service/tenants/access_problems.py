"""Describe how a tenant's identity provider is connected, and why it has no access."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scim.service.identity_providers.from_request import detect_request_provider
from scim.service.model.audit.log_record import RejectedTokenCount
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import TokenUsage

_REMEDY = (
    "Make a new one (Connect in the console, or `muster rotate {tenant}`) and paste it into the identity provider."
)


def find_access_problems(tenant: Tenant, use: TokenUsage | None, now: float) -> Iterator[str]:
    """Yield why no request can be served now, or why none has arrived. ``now`` is in seconds since 1970.

    ``use`` is the last use of the tenant's token, ``None`` if none was ever used.
    """
    token = tenant.token
    if not tenant.is_connected:
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
            f"The token of the tenant {tenant.id} expired at {format_rfc3339(token.expires)}: requests that "
            f"come with it are "
            f"refused, whoever they are about. {_REMEDY.format(tenant=tenant.id)}"
        )
    elif use is None:
        yield (
            f"No request with a valid token of the tenant {tenant.id} has arrived yet. Paste the SCIM URL and the "
            "token that Connect shows into the identity provider, test the connection, and start provisioning. If the "
            "test fails with 401, copy the whole token again: a token that is cut off or mistyped is not recorded "
            "before the first request with a valid one."
        )


def describe_first_use(use: TokenUsage) -> str:
    """Return what the first request with the token was, and the provider if its user agent tells it."""
    provider = detect_request_provider(use.first_user_agent, "", (), None)
    by = f" by {provider.display_name}" if provider else ""
    return f"{'First write' if use.first_is_write else 'Connection tested'}{by}"


def describe_last_use(use: TokenUsage) -> str:
    """Return what the last recorded request was."""
    return "a write" if use.is_write else "a read"


def describe_malformed_tokens(malformed: Sequence[RejectedTokenCount]) -> str:
    """Return how many requests came with a malformed token in the last 24 hours, and what to do; empty for none."""
    if not malformed:
        return ""
    number, last = sum(count.count for count in malformed), max(count.last_at for count in malformed)
    return (
        f"{number} or more unverified requests with a malformed token in the last 24 hours, the last at {last}. If "
        "they are the identity provider's, the token was not copied correctly: copy the whole token again, without "
        "spaces, quotes or the word Bearer."
    )
