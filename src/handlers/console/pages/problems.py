"""The pages of open problems: of one customer, and of all customers."""

from __future__ import annotations

import re
from functools import partial
from itertools import islice

from handlers.console.context import ConsoleRequestContext
from handlers.console.response import ConsoleResponse
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339
from scim.service.monitoring.health_record import HealthRecord
from scim.service.problems.problem import Problem, TenantProblems
from scim.service.problems.problem_message import write_problem_message
from scim.service.tenants.overview import load_tenants

_PAGE_SIZE = 50
MAX_CUSTOMERS = 5_000
"""The maximum number of customers in the order of their problems: about two calls that read the list of tenants."""
_PAGE_NUMBER = re.compile(r"\d{1,4}", re.ASCII)


def show_problems(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Return the page with the open problems of a tenant."""
    return context.render_page(
        "customer-problems.html",
        tenant=tenant.id,
        loaded=context.administration.load_problems(tenant),
        write_message=partial(_write_message, format_rfc3339(context.session_codec.now)),
        section="problems",
    )


def list_problems(context: ConsoleRequestContext) -> ConsoleResponse:
    """Return a page with the open problems of customers, those with most problems first. Only operators see it.

    The customers that had problems at the last health check are on the first pages.
    """
    context.require_operator()
    administration = context.administration
    records = islice(administration.health_store.list_records(), MAX_CUSTOMERS)
    ids = [tenant_id for tenant_id, record in sorted(records, key=get_order)]
    first = _PAGE_SIZE * _read_page_number(context)
    page_ids = ids[first : first + _PAGE_SIZE]
    loaded = list(load_tenants(administration.load_problems_for_list, page_ids, context.report_unreadable_tenant))
    readable = [tenant for tenant in loaded if isinstance(tenant, TenantProblems)]
    return context.render_page(
        "problems.html",
        tenants=sorted(filter(_has_problems, readable), key=lambda tenant: -len(tenant.open_problems.problems)),
        unreadable=[tenant.id for tenant in loaded if not tenant.is_readable],
        examined_count=len(loaded),
        customer_count=len(ids),
        write_message=partial(_write_message, format_rfc3339(context.session_codec.now)),
        next_page=_read_page_number(context) + 1 if len(ids) > first + _PAGE_SIZE else 0,
    )


def get_order(entry: tuple[str, HealthRecord | None]) -> tuple[bool, int, str]:
    """Return the sort key of a customer: those with problems at the last check first, then those not checked yet."""
    tenant_id, record = entry
    if record is None:
        return True, -1, tenant_id
    return not record.needs_attention, -record.problem_count, tenant_id


def _write_message(checked_at: str, loaded: TenantProblems, problem: Problem) -> str:
    """Return a message to the IT admin about a problem of a tenant. ``checked_at`` is RFC 3339 in UTC."""
    return write_problem_message(problem, loaded.user_names, checked_at)


def _read_page_number(context: ConsoleRequestContext) -> int:
    """Return the number of the page, counted from 0. A changed link can only show another page."""
    text = context.request.query_parameters.get("page", "")
    return int(text) if _PAGE_NUMBER.fullmatch(text) else 0


def _has_problems(tenant: TenantProblems) -> bool:
    return bool(tenant.open_problems.problems)
