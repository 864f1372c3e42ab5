"""The list of tenants, and the form for a new one."""

from __future__ import annotations

from http import HTTPStatus
from itertools import islice

from handlers.console.context import ConsoleRequestContext
from handlers.console.form_options import FIRST_LIFETIMES, read_option
from handlers.console.outcomes import Outcome
from handlers.console.response import ConsoleResponse, redirect_to_page
from scim.service.model.tenant import TENANT_ID_PATTERN
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
    records = dict(islice(context.administration.health_store.list_records(first_after), _PAGE_SIZE + 1))
    ids = list(records)
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
        next_after=ids[_PAGE_SIZE - 1] if len(ids) > _PAGE_SIZE else "",
        health_records=records,
        error_text=error_text,
        tenant_id=tenant_id,
        lifetimes=FIRST_LIFETIMES,
    )
