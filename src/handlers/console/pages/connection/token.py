"""The page "Token": its state, a new token, and revoking all tokens."""

from __future__ import annotations

from handlers.console.context import ConsoleRequestContext, ReauthenticationMethod
from handlers.console.form_options import GRACE_PERIODS, LIFETIMES, read_option
from handlers.console.guides import GUIDES
from handlers.console.outcomes import Outcome
from handlers.console.pages.connection.setup import render_setup
from handlers.console.pages.connection.token_permissions import build_idempotency_key, is_first_token
from handlers.console.response import ConsoleResponse, redirect_to_page
from scim.service.model.tenant import Tenant
from scim.service.model.token import IdempotencyKey, IssuedToken
from scim.service.tenants.errors import TenantError


def show_token_page(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Show the state of the token, and the forms that replace or revoke it."""
    overview = context.administration.load_overview(tenant)
    needs_link = context.reauthentication is ReauthenticationMethod.INVITATION
    return context.render_page(
        "token.html",
        tenant=tenant.id,
        overview=overview,
        created_by=context.describe_actor(tenant, tenant.token.created_by),
        is_first_token=is_first_token(context, tenant, overview.token_usage),
        requested_at=context.administration.invitations.get_link_request(tenant.id) if needs_link else "",
        grace_periods=GRACE_PERIODS,
        lifetimes=LIFETIMES,
        section="token",
    )


def issue_token(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Show a token that was not revealed yet, or create a new one. Only this response has it.

    The form has the version of the tenant that it was rendered for, so that sending it again creates no further token.
    In the same session it gets the same response for a minute: a browser shows only the second of two responses.
    """
    tokens, key = context.administration.tenants.tokens, build_idempotency_key(context)
    try:
        issued = _issue_token(context, tenant, key)
    except TenantError:
        replayed = tokens.find_token_of_repeated_request(tenant.id, key)
        if replayed is None:
            raise
        issued = replayed
    if not context.is_operator:
        context.administration.console_store.mark_token_shown(context.session.id, context.session.expires)
    tokens.mark_revealed(issued, key)
    provider = context.request.form.get("provider", "")
    if provider in GUIDES:  # the form is that of a guided set-up, which goes on with the token
        return render_setup(context, context.require_tenant(tenant.id), provider, issued)
    return context.render_page("new-token.html", tenant=tenant.id, issued=issued, guides=GUIDES, section="token")


def _issue_token(context: ConsoleRequestContext, tenant: Tenant, key: IdempotencyKey) -> IssuedToken:
    form = context.request.form
    lifetime_s = read_option(form, "ends", LIFETIMES, "kept")
    if not tenant.is_connected:
        context.require_operator()
        return context.administration.tenants.connect(tenant.id, lifetime_s=lifetime_s, idempotency_key=key)
    if not tenant.token.is_revealed:
        return context.administration.tenants.connect(tenant.id, idempotency_key=key)
    grace_s = read_option(form, "grace", GRACE_PERIODS, "day")
    force = form.get("force") == "yes"
    return context.administration.tenants.tokens.rotate(
        tenant.id, grace_s=grace_s, lifetime_s=lifetime_s, is_forced=force, idempotency_key=key
    )


def revoke_tokens(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Revoke all tokens of a tenant."""
    context.administration.tenants.tokens.revoke(tenant.id)
    return redirect_to_page("tenants", tenant.id, "token", outcome=Outcome.TOKENS_REVOKED)
