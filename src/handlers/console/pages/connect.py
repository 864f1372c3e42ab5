"""Connect: the SCIM URL and the token, and what may be done with them."""

from __future__ import annotations

from handlers.console.choices import GRACES, LIFETIMES, chosen
from handlers.console.guides import GUIDES
from handlers.console.visit import Visit
from handlers.console.web import NotFound, Page, redirect
from scim.service.invitations import link
from scim.service.ports import Tenant
from scim.service.tenants import Asked, Issued, TenantError


def show(visit: Visit, tenant: Tenant) -> Page:
    return visit.page(
        "connect.html",
        tenant=tenant.id,
        overview=visit.overview(tenant),
        guides=GUIDES,
        graces=GRACES,
        lifetimes=LIFETIMES,
        section="connect",
    )


def guide(visit: Visit, tenant: Tenant, provider: str) -> Page:
    if provider not in GUIDES:
        raise NotFound
    return visit.page("guide.html", tenant=tenant.id, guide=GUIDES[provider], guides=GUIDES, section="connect")


def issue_token(visit: Visit, tenant: Tenant) -> Page:
    """Show a token that nobody has seen yet, or create a new one. It is in this response and nowhere else.

    The form names the state that it was made for, so that loading the answer again makes no further token. For a minute
    it has the same answer in the same session: whoever clicks twice sees the second of two.
    """
    version = visit.request.form.get("version", "")
    asked = Asked(visit.sessions.sealed(f"token {version}", visit.session), version)
    try:
        issued = _issue(visit, tenant, asked)
    except TenantError:
        if (again := visit.tenants.again(tenant.id, asked)) is None:
            raise
        issued = again
    visit.tenants.shown(issued, asked)
    return visit.page("token.html", tenant=tenant.id, issued=issued, guides=GUIDES, section="connect")


def _issue(visit: Visit, tenant: Tenant, asked: Asked) -> Issued:
    form = visit.request.form
    lifetime_s = chosen(form, "ends", LIFETIMES, "kept")
    if not tenant.connected:
        visit.require_operator()
        return visit.tenants.connect(tenant.id, lifetime_s=lifetime_s, asked=asked)
    if not tenant.token.shown:
        return visit.tenants.connect(tenant.id, asked=asked)
    grace_s = chosen(form, "grace", GRACES, "day")
    force = form.get("force") == "yes"
    return visit.tenants.rotate(tenant.id, grace_s=grace_s, lifetime_s=lifetime_s, force=force, asked=asked)


def revoke(visit: Visit, tenant: Tenant) -> Page:
    visit.tenants.revoke(tenant.id)
    return redirect("tenants", tenant.id, "connect")


def disconnect(visit: Visit, tenant: Tenant) -> Page:
    visit.tenants.disconnect(tenant.id)
    return redirect("tenants", tenant.id, "connect")


def set_mode(visit: Visit, tenant: Tenant) -> Page:
    visit.tenants.configure(tenant.id, strict=visit.request.form.get("mode") == "strict")
    return redirect("tenants", tenant.id, "connect")


def invite(visit: Visit, tenant: Tenant) -> Page:
    invitation = visit.invitations.invite(tenant.id)
    shown = link(visit.scim_url, invitation.secret)
    return visit.page("invited.html", tenant=tenant.id, link=shown, expires=invitation.expires, section="connect")


def withdraw(visit: Visit, tenant: Tenant) -> Page:
    visit.tenants.withdraw(tenant.id)
    return redirect("tenants", tenant.id, "connect")
