"""The page "Settings" of a tenant: the strict mode, the brake, and disconnecting."""

from __future__ import annotations

from http import HTTPStatus

from handlers.console.context import ConsoleRequestContext
from handlers.console.outcomes import Outcome
from handlers.console.response import ConsoleResponse, redirect_to_page
from scim.service.model.identity_provider import IdentityProvider
from scim.service.model.tenant import Tenant

_NON_STANDARD_PROVIDERS = (IdentityProvider.ENTRA, IdentityProvider.OKTA)
"""The identity providers that are known to need requests that strict mode rejects."""


def show_settings(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Show the settings that only operators change."""
    context.require_operator()
    return _render_settings(context, tenant)


def set_strict_mode(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Turn the strict mode on or off."""
    is_strict = context.request.form.get("strict") == "on"
    context.administration.tenants.configure(tenant.id, is_strict=is_strict)
    outcome = Outcome.STRICT_MODE_ON if is_strict else Outcome.STRICT_MODE_OFF
    return redirect_to_page("tenants", tenant.id, "settings", outcome=outcome)


def set_brake(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Turn the brake for mass deactivations on or off."""
    is_on = context.request.form.get("brake") == "on"
    context.administration.tenants.set_brake(tenant.id, is_on=is_on)
    outcome = Outcome.BRAKE_ON if is_on else Outcome.BRAKE_OFF
    return redirect_to_page("tenants", tenant.id, "settings", outcome=outcome)


def disconnect_tenant(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Disconnect a tenant: delete its secret and keep its users. The form must have the tenant's id as confirmation."""
    if context.request.form.get("confirmation", "").strip() != tenant.id:
        error_text = f"Nothing was changed. To disconnect this customer, enter its id: {tenant.id}"
        return _render_settings(context, tenant, HTTPStatus.BAD_REQUEST, error_text)
    context.administration.tenants.disconnect(tenant.id)
    return redirect_to_page("tenants", tenant.id, "settings", outcome=Outcome.DISCONNECTED)


def _render_settings(
    context: ConsoleRequestContext, tenant: Tenant, status: HTTPStatus = HTTPStatus.OK, error_text: str = ""
) -> ConsoleResponse:
    overview = context.administration.load_overview(tenant)
    provider = overview.health.provider
    provider_name = provider.display_name if provider else ""
    return context.render_page(
        "settings.html",
        status,
        tenant=tenant.id,
        overview=overview,
        provider_name=provider_name,
        broken_provider=provider_name if provider in _NON_STANDARD_PROVIDERS else "",
        error_text=error_text,
        section="settings",
    )
