"""What the identity provider does: status and log."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from http import HTTPStatus

from handlers.console.chart import chart
from handlers.console.guides import GUIDES
from handlers.console.visit import Visit
from handlers.console.web import Failure, Page
from scim.service.connection import describe_contact, describe_malformed, describe_request
from scim.service.entries import Entry
from scim.service.invitations import guest
from scim.service.ports import Tenant
from scim.service.records import Place

_DAYS = 30
_PAGE = 50
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


def status(visit: Visit, tenant: Tenant) -> Page:
    log = visit.log(tenant)
    overview = visit.overview(tenant, is_report=True)
    return visit.page(
        "status.html",
        tenant=tenant.id,
        overview=overview,
        provider=GUIDES.get(overview.health.provider or ""),
        contact=describe_contact(overview.use) if overview.use else "",
        request=describe_request(overview.use) if overview.use else "",
        malformed=describe_malformed(log.malformed_tokens()),
        success=log.last_success(),
        failure=log.last_failure(),
        chart=chart(log.activity(_DAYS)),
        section="status",
    )


def log(visit: Visit, tenant: Tenant) -> Page:
    """The log; with ``failures`` only what failed or came to nothing."""
    failures_only = "failures" in visit.request.asked
    before = visit.request.asked.get("before")
    entries, last = visit.log(tenant).page(_place(before) if before else None, count=_PAGE, failures_only=failures_only)
    older = "" if last is None else _text(last)
    shown = [_as_seen(visit, tenant, entry) for entry in entries]
    return visit.page(
        "log.html", tenant=tenant.id, entries=shown, older=older, failures_only=failures_only, section="log"
    )


def _as_seen(visit: Visit, tenant: Tenant, entry: Entry) -> Entry:
    """A customer's own people are not told who of the operator's has acted, only that it was the operator."""
    is_told = visit.is_operator or not entry.actor or entry.actor == guest(tenant.id)
    return entry if is_told else replace(entry, actor="the operator")


def _text(place: Place) -> str:
    """A place as it stands in a link. Whoever changes it reads on from elsewhere in the same log."""
    return urlsafe_b64encode("\n".join((place.at, place.partition, place.sort)).encode()).decode()


def _place(text: str) -> Place:
    """Of what is a place, only the time is looked for in the table. Raises :class:`Failure`."""
    try:
        at, partition, sort = urlsafe_b64decode(text).decode().split("\n", 2)
    except ValueError:
        at = partition = sort = ""
    if not _INSTANT.fullmatch(at):
        raise Failure(HTTPStatus.BAD_REQUEST, "This link to older entries is not complete.")
    return Place(at, partition, sort)
