"""The page "Access": the invitations of a customer's IT admins."""

from __future__ import annotations

from handlers.console.context import ConsoleRequestContext
from handlers.console.outcomes import Outcome
from handlers.console.response import ConsoleResponse, redirect_to_page
from scim.service.console.invitations import build_invitation_url
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
        "invited.html", tenant=tenant.id, link=link, expires=invitation.expires, section="access"
    )


def revoke_invitations(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Revoke all invitations of a tenant, and end the sessions of its guests."""
    context.administration.tenants.revoke_invitations(tenant.id)
    return redirect_to_page("tenants", tenant.id, "access", outcome=Outcome.INVITATIONS_REVOKED)


def request_link(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Put the request of an IT admin for a new link into the operators' list of customers."""
    context.administration.invitations.request_link(tenant.id)
    return redirect_to_page("tenants", tenant.id, "token", outcome=Outcome.LINK_REQUESTED)
