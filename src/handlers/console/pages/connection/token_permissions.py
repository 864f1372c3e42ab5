"""Who may get a token: everybody after a recent sign-in, and a guest the first token during the whole session."""

from __future__ import annotations

from enum import StrEnum

from handlers.console.context import ConsoleRequestContext, ReauthenticationMethod
from handlers.console.pages.sign_in import require_recent_sign_in
from scim.service.model.tenant import Tenant
from scim.service.model.token import IdempotencyKey, TokenUsage
from scim.service.tenants.overview import ConnectionState, TenantOverview


class TokenOffer(StrEnum):
    """What a guided set-up offers instead of the token, which it shows only once."""

    SHOW = "show"
    """The current token was never shown."""
    REPLACE = "replace"
    """The current token was shown, and never used. A new one replaces it."""
    IN_USE = "in use"
    """The token is in use. A new one is created on the page of the token."""
    SIGN_IN = "sign in"
    """The person needs a recent sign-in."""
    NONE = "none"
    """The tenant is not connected, or all tokens were revoked."""


def find_token_offer(context: ConsoleRequestContext, overview: TenantOverview) -> TokenOffer:
    """Return what a guided set-up offers about the token of a tenant."""
    if overview.connection_state is not ConnectionState.CONNECTED:
        return TokenOffer.NONE
    if overview.token_usage is not None and not overview.has_unrevealed_token:
        return TokenOffer.IN_USE
    is_recent = context.reauthentication is ReauthenticationMethod.NONE
    if not is_recent and not is_first_token(context, overview.tenant, overview.token_usage):
        return TokenOffer.SIGN_IN
    return TokenOffer.SHOW if overview.has_unrevealed_token else TokenOffer.REPLACE


def require_sign_in_for_token(context: ConsoleRequestContext, tenant: Tenant) -> None:
    """Raise :class:`PageError` unless the person may get a token: the first one, or after a recent sign-in.

    A form that is sent twice gets the same token twice, so the second request needs no other permission.
    """
    tokens = context.administration.tenants.tokens
    if tokens.is_repeated_request(tenant, build_idempotency_key(context)):
        return
    if context.reauthentication is ReauthenticationMethod.INVITATION:
        usage = context.administration.tenant_store.get_last_token_usage(tenant.id)
        if is_first_token(context, tenant, usage):
            return
    require_recent_sign_in(context)


def is_first_token(context: ConsoleRequestContext, tenant: Tenant, usage: TokenUsage | None) -> bool:
    """Return whether a guest can get the first token, which needs no recent sign-in.

    This is a token that was never shown, as long as no other token is valid. If no token of the tenant was ever used,
    it is also one new token in each session: then the operator has seen the token before, and nothing depends on it.
    ``usage`` is the last use of a token, ``None`` if none was ever used.
    """
    token = tenant.token
    if context.is_operator or not tenant.is_connected or token.is_revoked:
        return False
    if not token.is_revealed:
        return context.session_codec.now >= token.grace_ends
    return usage is None and not context.administration.console_store.has_shown_token(context.session.id)


def build_idempotency_key(context: ConsoleRequestContext) -> IdempotencyKey:
    """Return the key of a form for a token. It is the same each time that the same form is sent."""
    version = context.request.form.get("version", "")
    return IdempotencyKey(context.session_codec.derive_secret(f"token {version}", context.session), version)
