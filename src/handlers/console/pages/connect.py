"""The page "Connect": the SCIM URL, the token, invitations, and the end of access."""

from __future__ import annotations

from handlers.console.context import ConsoleRequestContext
from handlers.console.form_options import GRACE_PERIODS, LIFETIMES, read_option
from handlers.console.guides import GUIDES
from handlers.console.response import ConsoleResponse, PageNotFound, redirect
from scim.service.console.invitations import build_invitation_url
from scim.service.model.tenant import Tenant
from scim.service.model.token import IdempotencyKey, IssuedToken
from scim.service.tenants.errors import TenantError


def show_connection(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
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
    if provider not in GUIDES:
        raise PageNotFound
    return context.render_page("guide.html", tenant=tenant.id, guide=GUIDES[provider], guides=GUIDES, section="connect")


def issue_token(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Show a token that nobody has seen yet, or create a new one. It is in this response and nowhere else.

    The form has the version of the tenant that it was rendered for, so that sending it again creates no further token.
    In the same session it gets the same response again for a minute: a browser shows only the second of two responses.
    """
    version = context.request.form.get("version", "")
    key = IdempotencyKey(context.session_codec.derive_value(f"token {version}", context.session), version)
    try:
        issued = _issue(context, tenant, key)
    except TenantError:
        earlier = context.administration.tenants.tokens.find_replayed_token(tenant.id, key)
        if earlier is None:
            raise
        issued = earlier
    context.administration.tenants.tokens.mark_revealed(issued, key)
    return context.render_page("token.html", tenant=tenant.id, issued=issued, guides=GUIDES, section="connect")


def _issue(context: ConsoleRequestContext, tenant: Tenant, key: IdempotencyKey) -> IssuedToken:
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
    context.administration.tenants.tokens.revoke(tenant.id)
    return redirect("tenants", tenant.id, "connect")


def disconnect_tenant(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    context.administration.tenants.disconnect(tenant.id)
    return redirect("tenants", tenant.id, "connect")


def set_mode(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    context.administration.tenants.configure(tenant.id, is_strict=context.request.form.get("mode") == "strict")
    return redirect("tenants", tenant.id, "connect")


def create_invitation(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    invitation = context.administration.invitations.invite(tenant.id)
    link = build_invitation_url(context.scim_url, invitation.secret)
    return context.render_page(
        "invited.html", tenant=tenant.id, link=link, expires=invitation.expires, section="connect"
    )


def revoke_invitations(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    context.administration.tenants.revoke_invitations(tenant.id)
    return redirect("tenants", tenant.id, "connect")
