"""What the identity provider does: status and log."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from http import HTTPStatus

from handlers.console.chart import by_day, chart, has_failed
from handlers.console.guides import GUIDES
from handlers.console.visit import Visit
from handlers.console.web import Failure, Page
from scim.service.ports import Tenant
from scim.service.providers import recognise
from scim.service.records import Place
from scim.service.standing import standing

_DAYS = 30
_RECENT = 1_000
_PAGE = 50


def status(visit: Visit, tenant: Tenant) -> Page:
    now = visit.sessions.now
    log = visit.log(tenant)
    recent, more = log.page(count=_RECENT)
    shown = standing(tenant, visit.store, now)
    agent = shown.use.agent if shown.use else ""
    provider = recognise(agent, "", (), None) or next((entry.provider for entry in recent if entry.provider), None)
    return visit.page(
        "status.html",
        tenant=tenant.id,
        standing=shown,
        provider=GUIDES.get(provider or ""),
        success=next((entry for entry in recent if entry.kind == "change"), None),
        failure=next((entry for entry in recent if has_failed(entry)), None),
        chart=chart(by_day(recent, datetime.fromtimestamp(now, UTC).date(), _DAYS)),
        is_cut=more is not None,
        health=log.health(),
        section="status",
    )


def log(visit: Visit, tenant: Tenant) -> Page:
    """The log; with ``failures`` only what failed or came to nothing."""
    failures_only = "failures" in visit.request.asked
    before = visit.request.asked.get("before")
    entries, last = visit.log(tenant).page(_place(before) if before else None, count=_PAGE, failures_only=failures_only)
    older = "" if last is None else _text(last)
    return visit.page(
        "log.html", tenant=tenant.id, entries=entries, older=older, failures_only=failures_only, section="log"
    )


def _text(place: Place) -> str:
    """A place as it stands in a link. Whoever changes it reads on from elsewhere in the same log."""
    return urlsafe_b64encode(json.dumps([place.at, place.partition, place.sort]).encode()).decode()


def _place(text: str) -> Place:
    try:
        at, partition, sort = json.loads(urlsafe_b64decode(text))
    except ValueError:
        raise Failure(HTTPStatus.BAD_REQUEST, "This link to older entries is not complete.") from None
    return Place(str(at), str(partition), str(sort))
