"""The page "Connect": the SCIM URL, the token, the strict mode, the brake, invitations, and disconnecting."""

from __future__ import annotations

from handlers.console.context import ConsoleRequestContext
from handlers.console.form_options import GRACE_PERIODS, LIFETIMES, read_option
from handlers.console.guides import GUIDES
from handlers.console.response import ConsoleResponse, PageNotFound, redirect_to_page
from scim.service.console.invitations import build_invitation_url
from scim.service.model.tenant import Tenant
from scim.service.model.token import IdempotencyKey, IssuedToken
from scim.service.tenants.errors import TenantError


def show_connection(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Show the SCIM URL, the state of the token, and the forms."""
    return context.render_page(
        "connect.html",
        tenant=tenant.id,
        overview=context.administration.load_overview(tenant),
        guides=GUIDES,
        grace_periods=GRACE_PERIODS,
        lifetimes=LIFETIMES,
        section="connect",
    )


def show_guide(context: ConsoleRequestContext, tenant: Tenant, provider: str) -> ConsoleResponse:
    """Show the set-up guide of an identity provider."""
    if provider not in GUIDES:
        raise PageNotFound
    return context.render_page("guide.html", tenant=tenant.id, guide=GUIDES[provider], guides=GUIDES, section="connect")


def issue_token(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Show a token that was not revealed yet, or create a new one. Only this response has it.

    The form has the version of the tenant that it was rendered for, so that sending it again creates no further token.
    In the same session it gets the same response for a minute: a browser shows only the second of two responses.
    """
    version = context.request.form.get("version", "")
    key = IdempotencyKey(context.session_codec.derive_secret(f"token {version}", context.session), version)
    try:
        issued_token = _issue_token(context, tenant, key)
    except TenantError:
        replayed_token = context.administration.tenants.tokens.find_token_of_repeated_request(tenant.id, key)
        if replayed_token is None:
            raise
        issued_token = replayed_token
    context.administration.tenants.tokens.mark_revealed(issued_token, key)
    return context.render_page("token.html", tenant=tenant.id, issued=issued_token, guides=GUIDES, section="connect")


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
    return redirect_to_page("tenants", tenant.id, "connect")


def disconnect_tenant(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Disconnect a tenant: delete its secret and keep its users."""
    context.administration.tenants.disconnect(tenant.id)
    return redirect_to_page("tenants", tenant.id, "connect")


def set_strict_mode(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Turn the strict mode on or off."""
    context.administration.tenants.configure(tenant.id, is_strict=context.request.form.get("strict") == "on")
    return redirect_to_page("tenants", tenant.id, "connect")


def set_brake(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Turn the brake for mass deactivations on or off."""
    context.administration.tenants.set_brake(tenant.id, is_on=context.request.form.get("brake") == "on")
    return redirect_to_page("tenants", tenant.id, "connect")


def create_invitation(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Create an invitation, and show its link once."""
    invitation = context.administration.invitations.invite(tenant.id)
    link = build_invitation_url(context.scim_url, invitation.secret)
    return context.render_page(
        "invited.html", tenant=tenant.id, link=link, expires=invitation.expires, section="connect"
    )


def revoke_invitations(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Revoke all invitations of a tenant, and end the sessions of its guests."""
    context.administration.tenants.revoke_invitations(tenant.id)
    return redirect_to_page("tenants", tenant.id, "connect")
