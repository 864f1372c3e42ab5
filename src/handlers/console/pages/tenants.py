"""The list of tenants, and the form for a new one."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from itertools import islice

from handlers.console.context import ConsoleRequestContext
from handlers.console.form_options import FIRST_LIFETIMES, read_option
from handlers.console.outcomes import Outcome
from handlers.console.pages.problems import MAX_CUSTOMERS, get_order
from handlers.console.response import ConsoleResponse, redirect_to_page
from scim.service.model.tenant import TENANT_ID_PATTERN
from scim.service.monitoring.health_record import HealthRecord
from scim.service.tenants.errors import TenantExists
from scim.service.tenants.overview import load_tenants

_PAGE_SIZE = 50


def list_tenants(context: ConsoleRequestContext) -> ConsoleResponse:
    """Show the tenants to an operator; redirect a guest to the tenant of the invitation."""
    if not context.is_operator:
        return redirect_to_page("tenants", context.session.tenant_id)
    return _render_list(context)


def add_tenant(context: ConsoleRequestContext) -> ConsoleResponse:
    """Connect a new tenant, and redirect to its page, where its token can be revealed."""
    form = context.request.form
    tenant_id = form.get("tenant", "").strip()
    lifetime_s = read_option(form, "ends", FIRST_LIFETIMES, "never")
    try:
        context.administration.tenants.connect(tenant_id, lifetime_s=lifetime_s)
    except ValueError as error:
        return _render_list(context, HTTPStatus.BAD_REQUEST, error_text=str(error), tenant_id=tenant_id)
    except TenantExists as error:
        advice = "To create a new token, choose the customer in the list, then Token."
        return _render_list(context, HTTPStatus.CONFLICT, error_text=f"{error} {advice}", tenant_id=tenant_id)
    return redirect_to_page("tenants", tenant_id, "connect", outcome=Outcome.CUSTOMER_ADDED)


def _render_list(
    context: ConsoleRequestContext, status: HTTPStatus = HTTPStatus.OK, error_text: str = "", tenant_id: str = ""
) -> ConsoleResponse:
    """Return a page of tenants in the order of their ids, after the id in the parameter ``after``."""
    after = context.request.query_parameters.get("after", "")
    first_after = after if TENANT_ID_PATTERN.fullmatch(after) else ""
    count = _PAGE_SIZE + 1 if first_after else MAX_CUSTOMERS
    records = dict(islice(context.administration.health_store.list_records(first_after), count))
    ids = list(records)[: _PAGE_SIZE + 1]
    return context.render_page(
        "tenants.html",
        status,
        link_requests=context.administration.invitations.get_link_requests(),
        tenants=list(
            load_tenants(
                context.administration.load_overview_for_list, ids[:_PAGE_SIZE], context.report_unreadable_tenant
            )
        ),
        is_first_page=not first_after,
        sick_ids=[] if first_after else _list_sick_ids(records),
        next_after=ids[_PAGE_SIZE - 1] if len(ids) > _PAGE_SIZE else "",
        health_records=records,
        error_text=error_text,
        tenant_id=tenant_id,
        lifetimes=FIRST_LIFETIMES,
    )


def _list_sick_ids(records: Mapping[str, HealthRecord | None]) -> list[str]:
    """Return the ids of the customers that needed attention at the last health check, most problems first."""
    return [
        tenant_id for tenant_id, record in sorted(records.items(), key=get_order) if record and record.needs_attention
    ]
