"""What the identity provider does: status and log."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from http import HTTPStatus

from handlers.console.chart import build_chart
from handlers.console.context import ConsoleRequestContext
from handlers.console.guides import GUIDES
from handlers.console.response import Page, PageError
from scim.service.audit.log_entries import LogEntry
from scim.service.console.invitations import guest_actor
from scim.service.model.log_record import LogPosition
from scim.service.model.tenant import Tenant
from scim.service.tenants.access_problems import describe_contact, describe_malformed, describe_request

_DAYS = 30
_PAGE = 50
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


def status(visit: ConsoleRequestContext, tenant: Tenant) -> Page:
    log = visit.log(tenant)
    overview = visit.overview(tenant, is_report=True)
    return visit.page(
        "status.html",
        tenant=tenant.id,
        overview=overview,
        provider=GUIDES.get(overview.health.provider or ""),
        contact=describe_contact(overview.use) if overview.use else "",
        request=describe_request(overview.use) if overview.use else "",
        malformed=describe_malformed(log.list_malformed_tokens()),
        success=log.last_success(),
        failure=log.last_failure(),
        chart=build_chart(log.activity(_DAYS)),
        section="status",
    )


def log(visit: ConsoleRequestContext, tenant: Tenant) -> Page:
    """The log; with ``failures`` only what failed or came to nothing."""
    failures_only = "failures" in visit.request.asked
    before = visit.request.asked.get("before")
    entries, last = visit.log(tenant).page(_place(before) if before else None, count=_PAGE, failures_only=failures_only)
    older = "" if last is None else _text(last)
    shown = [_as_seen(visit, tenant, entry) for entry in entries]
    return visit.page(
        "log.html", tenant=tenant.id, entries=shown, older=older, failures_only=failures_only, section="log"
    )


def _as_seen(visit: ConsoleRequestContext, tenant: Tenant, entry: LogEntry) -> LogEntry:
    """A customer's own people are not told who of the operator's has acted, only that it was the operator."""
    is_told = visit.is_operator or not entry.actor or entry.actor == guest_actor(tenant.id)
    return entry if is_told else replace(entry, actor="the operator")


def _text(place: LogPosition) -> str:
    """A place as it stands in a link. Whoever changes it reads on from elsewhere in the same log."""
    return urlsafe_b64encode("\n".join((place.at, place.partition, place.sort)).encode()).decode()


def _place(text: str) -> LogPosition:
    """Of what is a place, only the time is looked for in the table. Raises :class:`PageError`."""
    try:
        at, partition, sort = urlsafe_b64decode(text).decode().split("\n", 2)
    except ValueError:
        at = partition = sort = ""
    if not _INSTANT.fullmatch(at):
        raise PageError(HTTPStatus.BAD_REQUEST, "This link to older entries is not complete.")
    return LogPosition(at, partition, sort)
