"""Connect: the SCIM URL and the token, and what may be done with them."""

from __future__ import annotations

from handlers.console.context import ConsoleRequestContext
from handlers.console.form_options import GRACES, LIFETIMES, read_option
from handlers.console.guides import GUIDES
from handlers.console.response import Page, PageNotFound, redirect
from scim.service.console.invitations import invitation_url
from scim.service.model.tenant import Tenant
from scim.service.model.token import IdempotencyKey, IssuedToken
from scim.service.tenants.errors import TenantError


def show(visit: ConsoleRequestContext, tenant: Tenant) -> Page:
    return visit.page(
        "connect.html",
        tenant=tenant.id,
        overview=visit.overview(tenant),
        guides=GUIDES,
        graces=GRACES,
        lifetimes=LIFETIMES,
        section="connect",
    )


def guide(visit: ConsoleRequestContext, tenant: Tenant, provider: str) -> Page:
    if provider not in GUIDES:
        raise PageNotFound
    return visit.page("guide.html", tenant=tenant.id, guide=GUIDES[provider], guides=GUIDES, section="connect")


def issue_token(visit: ConsoleRequestContext, tenant: Tenant) -> Page:
    """Show a token that nobody has seen yet, or create a new one. It is in this response and nowhere else.

    The form names the state that it was made for, so that loading the answer again makes no further token. For a minute
    it has the same answer in the same session: whoever clicks twice sees the second of two.
    """
    version = visit.request.form.get("version", "")
    key = IdempotencyKey(visit.sessions.sealed(f"token {version}", visit.session), version)
    try:
        issued = _issue(visit, tenant, key)
    except TenantError:
        if (replay := visit.tenants.tokens.replay_issue(tenant.id, key)) is None:
            raise
        issued = replay
    visit.tenants.tokens.mark_revealed(issued, key)
    return visit.page("token.html", tenant=tenant.id, issued=issued, guides=GUIDES, section="connect")


def _issue(visit: ConsoleRequestContext, tenant: Tenant, key: IdempotencyKey) -> IssuedToken:
    form = visit.request.form
    lifetime_s = read_option(form, "ends", LIFETIMES, "kept")
    if not tenant.is_connected:
        visit.require_operator()
        return visit.tenants.connect(tenant.id, lifetime_s=lifetime_s, idempotency_key=key)
    if not tenant.token.is_revealed:
        return visit.tenants.connect(tenant.id, idempotency_key=key)
    grace_s = read_option(form, "grace", GRACES, "day")
    force = form.get("force") == "yes"
    return visit.tenants.tokens.rotate(
        tenant.id, grace_s=grace_s, lifetime_s=lifetime_s, force=force, idempotency_key=key
    )


def revoke(visit: ConsoleRequestContext, tenant: Tenant) -> Page:
    visit.tenants.tokens.revoke(tenant.id)
    return redirect("tenants", tenant.id, "connect")


def disconnect(visit: ConsoleRequestContext, tenant: Tenant) -> Page:
    visit.tenants.disconnect(tenant.id)
    return redirect("tenants", tenant.id, "connect")


def set_mode(visit: ConsoleRequestContext, tenant: Tenant) -> Page:
    visit.tenants.configure(tenant.id, is_strict=visit.request.form.get("mode") == "strict")
    return redirect("tenants", tenant.id, "connect")


def invite(visit: ConsoleRequestContext, tenant: Tenant) -> Page:
    invitation = visit.invitations.invite(tenant.id)
    shown = invitation_url(visit.scim_url, invitation.secret)
    return visit.page("invited.html", tenant=tenant.id, link=shown, expires=invitation.expires, section="connect")


def withdraw(visit: ConsoleRequestContext, tenant: Tenant) -> Page:
    visit.tenants.revoke_invitations(tenant.id)
    return redirect("tenants", tenant.id, "connect")
