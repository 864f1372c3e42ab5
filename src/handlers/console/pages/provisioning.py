"""The status of a tenant's provisioning."""

from __future__ import annotations

from handlers.console.chart import build_chart
from handlers.console.context import ConsoleRequestContext
from handlers.console.guides import GUIDES
from handlers.console.outcomes import Outcome
from handlers.console.response import ConsoleResponse, redirect_to_page
from scim.service.audit import diagnosis
from scim.service.model.tenant import Tenant
from scim.service.tenants.access_problems import describe_first_use, describe_last_use

_CHART_DAYS = 30


def show_status(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Return the page with the tenant's connection, health and activity."""
    log = context.administration.build_audit_log(tenant)
    overview = context.administration.load_overview(tenant, is_detailed=True)
    malformed = log.list_malformed_tokens()
    return context.render_page(
        "status.html",
        tenant=tenant.id,
        overview=overview,
        token_created_by=context.describe_actor(tenant, tenant.token.created_by),
        open_problems=context.administration.find_open_problems(tenant, overview.health),
        provider=GUIDES.get(overview.health.provider or ""),
        contact=describe_first_use(overview.token_usage) if overview.token_usage else "",
        request=describe_last_use(overview.token_usage) if overview.token_usage else "",
        malformed=diagnosis.describe_malformed_tokens(malformed),
        malformed_count=sum(count.count for count in malformed),
        success=log.find_last_success(),
        failure=log.find_last_failure(),
        chart=build_chart(log.get_activity(_CHART_DAYS)),
        section="status",
    )


def release_deactivations(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Accept all deactivations for a day, and end the alert about a mass deactivation."""
    context.administration.tenants.release_deactivations(tenant.id)
    return redirect_to_page("tenants", tenant.id, outcome=Outcome.RELEASED)
