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
    recent, more = visit.activity(tenant).page(count=_RECENT)
    shown = standing(tenant, visit.store, now)
    agent = shown.use.agent if shown.use else ""
    provider = recognise(agent) or next((entry.provider for entry in recent if entry.provider), None)
    return visit.page(
        "status.html",
        tenant=tenant.id,
        standing=shown,
        provider=GUIDES.get(provider or ""),
        success=next((entry for entry in recent if entry.kind == "change"), None),
        failure=next((entry for entry in recent if entry.has_failed), None),
        chart=chart(by_day(recent, datetime.fromtimestamp(now, UTC).date(), _DAYS)),
        is_cut=bool(more),
        section="status",
    )


def log(visit: Visit, tenant: Tenant) -> Page:
    entries, older = visit.activity(tenant).page(visit.request.query.get("before", ""), count=_PAGE)
    return visit.page("log.html", tenant=tenant.id, entries=entries, older=older, section="log")
