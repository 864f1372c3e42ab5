"""Describe the access of a tenant's identity provider, and the reason if it has no access."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scim.service.identity_providers.detect_by_request import detect_request_provider
from scim.service.model.audit.log_record import RejectedTokenCount
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import TokenUsage

_REMEDY = (
    "Make a new one (Connect in the console, or `muster rotate {tenant}`) and paste it into the identity provider."
)


def find_access_problems(tenant: Tenant, usage: TokenUsage | None, now: float) -> Iterator[str]:
    """Yield a sentence if all requests of the tenant are rejected, or if none has arrived yet.

    ``usage`` is the last use of the tenant's token, ``None`` if none was ever used. ``now`` is in seconds since 1970.
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
    elif usage is None:
        yield (
            f"No request with a valid token of the tenant {tenant.id} has arrived yet. Paste the SCIM URL and the "
            "token that Connect shows into the identity provider, test the connection, and start provisioning. If the "
            "test fails with 401, copy the whole token again: a token that is cut off or mistyped is not recorded "
            "before the first request with a valid one."
        )


def describe_first_use(usage: TokenUsage) -> str:
    """Return a description of the first request with a token, and the identity provider if the user agent names it."""
    provider = detect_request_provider(usage.first_user_agent, "", (), None)
    by_provider = f" by {provider.display_name}" if provider else ""
    return f"{'First write' if usage.first_is_write else 'Connection tested'}{by_provider}"


def describe_last_use(usage: TokenUsage) -> str:
    """Return a description of the last recorded request with a token."""
    return "a write" if usage.is_write else "a read"


def describe_malformed_tokens(counts: Sequence[RejectedTokenCount]) -> str:
    """Return a sentence on the requests with a malformed token in the last 24 hours, with what to do.

    Return an empty text if there were none.
    """
    if not counts:
        return ""
    total, last_at = sum(count.count for count in counts), max(count.last_at for count in counts)
    return (
        f"{total} or more unverified requests with a malformed token in the last 24 hours, the last at {last_at}. If "
        "they are the identity provider's, the token was not copied correctly: copy the whole token again, without "
        "spaces, quotes or the word Bearer."
    )
