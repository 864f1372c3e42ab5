"""The page "Connect": the choice of the identity provider, and its guided set-up."""

from __future__ import annotations

from http import HTTPStatus

from handlers.console.context import ConsoleRequestContext
from handlers.console.guides import GUIDES, Guide, build_colleague_message
from handlers.console.outcomes import Outcome
from handlers.console.pages.connection.token_permissions import TokenOffer, find_token_offer
from handlers.console.response import ConsoleResponse, PageError, PageNotFound, redirect_to_page
from scim.service.model.identity_provider import IdentityProvider, parse_identity_provider
from scim.service.model.tenant import Tenant
from scim.service.model.token import IssuedToken
from scim.service.tenants.overview import TenantOverview

REFRESH_S = 5
"""How often the progress of a set-up is read again while its page is open."""


def show_choice(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Show the SCIM URL, and the guides of the identity providers, that of the chosen or detected one first."""
    overview = context.administration.load_overview(tenant)
    return context.render_page(
        "connect.html",
        tenant=tenant.id,
        overview=overview,
        used_provider=overview.health.provider,
        providers=list(IdentityProvider),
        guides=_sort_guides(overview),
        section="connect",
    )


def choose_provider(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Save the identity provider of a tenant, or let it be detected if the form has an empty value."""
    name = context.request.form.get("provider", "")
    provider = parse_identity_provider(name)
    if name and provider is None:
        raise PageError(HTTPStatus.BAD_REQUEST, "Select one of the options in the form.")
    context.administration.tenants.choose_provider(tenant.id, provider)
    return redirect_to_page("tenants", tenant.id, "connect", outcome=Outcome.PROVIDER_SAVED)


def show_setup(context: ConsoleRequestContext, tenant: Tenant, provider: str) -> ConsoleResponse:
    """Show the guided set-up of an identity provider."""
    return render_setup(context, tenant, provider)


def render_setup(
    context: ConsoleRequestContext, tenant: Tenant, provider: str, issued: IssuedToken | None = None
) -> ConsoleResponse:
    """Return the page of the guided set-up. ``issued`` is a new token, which this page shows once."""
    if provider not in GUIDES:
        raise PageNotFound
    overview = context.administration.load_overview(tenant)
    progress = context.administration.build_audit_log(tenant).get_setup_progress(
        overview.health.token_usage, overview.user_count, parse_identity_provider(provider)
    )
    guide = GUIDES[provider]
    offer = None if issued else find_token_offer(context, overview)
    return context.render_page(
        "set-up.html",
        tenant=tenant.id,
        provider=provider,
        guide=guide,
        overview=overview,
        issued=issued,
        offer=offer,
        requested_at=context.administration.invitations.get_link_request(tenant.id)
        if offer is TokenOffer.SIGN_IN and not context.is_operator
        else "",
        progress=progress,
        refresh_s=0 if progress.is_finished else REFRESH_S,
        message=build_colleague_message(guide, context.scim_url, context.product.name),
        section="connect",
    )


def _sort_guides(overview: TenantOverview) -> dict[str, Guide]:
    """Return the guides by name, that of the chosen or detected identity provider first."""
    return dict(sorted(GUIDES.items(), key=lambda item: item[0] != overview.health.provider))
