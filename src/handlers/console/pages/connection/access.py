"""The page "Access": the invitations of a customer's IT admins."""

from __future__ import annotations

from handlers.console.context import ConsoleRequestContext
from handlers.console.outcomes import Outcome
from handlers.console.rendering import format_time
from handlers.console.response import ConsoleResponse, redirect_to_page
from scim.service.console.invitations import build_invitation_url
from scim.service.console.product import Product
from scim.service.model.tenant import Tenant


def show_access(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Show the forms that invite an IT admin and revoke invitations, and whether one asks for a new link."""
    context.require_operator()
    return context.render_page(
        "access.html",
        tenant=tenant.id,
        overview=context.administration.load_overview(tenant),
        requested_at=context.administration.invitations.get_link_request(tenant.id),
        section="access",
    )


def create_invitation(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Create an invitation, and show its link once."""
    invitation = context.administration.invitations.invite(tenant.id)
    link = build_invitation_url(context.scim_url, invitation.secret)
    return context.render_page(
        "invited.html",
        tenant=tenant.id,
        link=link,
        expires=invitation.expires,
        message=_write_message(context.administration.console_store.get_product(), link, invitation.expires),
        section="access",
    )


def revoke_invitations(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Revoke all invitations of a tenant, and end the sessions of its guests."""
    context.administration.tenants.revoke_invitations(tenant.id)
    return redirect_to_page("tenants", tenant.id, "access", outcome=Outcome.INVITATIONS_REVOKED)


def request_link(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Put the request of an IT admin for a new link into the operators' list of customers."""
    context.administration.invitations.request_link(tenant.id)
    return redirect_to_page("tenants", tenant.id, "token", outcome=Outcome.LINK_REQUESTED)


def _write_message(product: Product, link: str, expires: float) -> str:
    """Return a message to the IT admin with the link of an invitation. ``expires`` is in seconds since 1970."""
    lines = [
        "Hello,",
        "",
        f"please set up user provisioning (SCIM){f' for {product.name}' if product.name else ''} with this link:",
        "",
        link,
        "",
        "It opens a guide for your identity provider, which also shows the SCIM URL and the token.",
        f"The link can be used once, until {format_time(expires)}. Do not forward it: it gives access to the token.",
    ]
    return "\n".join([*lines, *(["", f"Questions? {product.support_contact}"] if product.support_contact else [])])
