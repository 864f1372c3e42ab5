"""What the identity provider does: status and log."""

from __future__ import annotations

from datetime import UTC, datetime

from handlers.console.chart import chart
from handlers.console.guides import GUIDES
from handlers.console.standing import standing
from handlers.console.visit import Visit
from handlers.console.web import Page
from scim.service.activity import by_day, recognise
from scim.service.ports import Tenant

_DAYS = 30
_RECENT = 1_000
_PAGE = 50


def status(visit: Visit, tenant: Tenant) -> Page:
    now = visit.sessions.now
    recent = visit.activity(tenant).latest(_RECENT)
    days = by_day(recent, datetime.fromtimestamp(now, UTC).date(), _DAYS)
    provider = recognise(name for entry in recent for name in entry.leniencies)
    return visit.page(
        "status.html",
        tenant=tenant.id,
        standing=standing(tenant, visit.store, now),
        provider=GUIDES.get(provider),
        success=next((entry for entry in recent if not entry.failed), None),
        failure=next((entry for entry in recent if entry.failed), None),
        chart=chart(days),
        is_cut=len(recent) == _RECENT,
        section="status",
    )


def log(visit: Visit, tenant: Tenant) -> Page:
    entries = visit.activity(tenant).latest(_PAGE + 1, visit.request.query.get("before", ""))
    older = entries[_PAGE - 1].at if len(entries) > _PAGE else ""
    return visit.page("log.html", tenant=tenant.id, entries=entries[:_PAGE], older=older, section="log")
