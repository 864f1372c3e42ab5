"""The tenants: all of them for the operator, and a new one."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from itertools import islice

from handlers.console.context import ConsoleRequestContext
from handlers.console.form_options import FIRST_LIFETIMES, read_option
from handlers.console.response import Page, redirect
from scim.service.tenants.errors import TenantExists
from scim.service.tenants.overview import load_overviews
from scim.service.tenants.tenants import TENANT_ID

_PAGE = 50


def index(visit: ConsoleRequestContext) -> Page:
    if not visit.is_operator:
        return redirect("tenants", visit.session.tenant)
    return _list(visit)


def add(visit: ConsoleRequestContext) -> Page:
    """Connect a tenant without showing its token; the tenant's own page shows it."""
    form = visit.request.form
    tenant_id = form.get("tenant", "").strip()
    lifetime_s = read_option(form, "ends", FIRST_LIFETIMES, "never")
    try:
        visit.tenants.connect(tenant_id, lifetime_s=lifetime_s)
    except ValueError as error:
        return _list(visit, HTTPStatus.BAD_REQUEST, wrong=str(error), given=tenant_id)
    except TenantExists as error:
        return _list(visit, HTTPStatus.CONFLICT, wrong=str(error), given=tenant_id)
    return redirect("tenants", tenant_id, "connect")


def _report(visit: ConsoleRequestContext, _: str, fault: Exception) -> None:
    """Log what is behind a customer that could not be read."""
    visit.report(fault.__cause__ if isinstance(fault.__cause__, Exception) else fault)


def _list(visit: ConsoleRequestContext, status: HTTPStatus = HTTPStatus.OK, wrong: str = "", given: str = "") -> Page:
    """A page of them, in the order of their names, behind the one that was asked for."""
    after = visit.request.asked.get("after", "")
    ids = list(islice(visit.store.list_ids(after if TENANT_ID.fullmatch(after) else ""), _PAGE + 1))
    return visit.page(
        "tenants.html",
        status,
        tenants=list(load_overviews(visit.overview_in_list, ids[:_PAGE], partial(_report, visit))),
        following=ids[_PAGE - 1] if len(ids) > _PAGE else "",
        wrong=wrong,
        given=given,
        lifetimes=FIRST_LIFETIMES,
    )
