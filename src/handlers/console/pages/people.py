"""The people: one of them with all that has happened, and who takes part."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from itertools import islice
from typing import Any

from handlers.console.context import ConsoleRequestContext
from handlers.console.response import Page, PageError, PageNotFound
from scim.service.audit.lookup import full_name, primary_email
from scim.service.audit.person_report import PersonReport
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant
from scim.store.keys import is_user_id

_PAGE = 100
_MAX_EXPORT_BYTES = 4_300_000  # in base64 it has to fit into the 6 MB of an answer
_COLUMNS = ("id", "userName", "externalId", "name", "email", "active", "activeSince", "created", "lastModified")
# What a spreadsheet takes for a formula or for the end of a cell (OWASP, "CSV Injection").
_RUN = ("=", "+", "-", "@", "\t", "\r", "\n")


def search(visit: ConsoleRequestContext, tenant: Tenant) -> Page:
    """Whoever is called that, by all that identifies a person or by a part of their name."""
    who = visit.request.asked.get("who", "").strip()[:200]
    if not who:
        return _people(visit, tenant, who, None)
    case = visit.log(tenant).why(who)
    if case.is_of_one:
        return _timeline(visit, tenant, who, case)
    return _people(visit, tenant, who, case)


def timeline(visit: ConsoleRequestContext, tenant: Tenant, user_id: str) -> Page:
    """One of several who were found."""
    case = visit.log(tenant).why(user_id) if is_user_id(user_id) else None
    if case is None or not case.is_of_one:
        raise PageNotFound
    return _timeline(visit, tenant, user_id, case)


def _people(visit: ConsoleRequestContext, tenant: Tenant, who: str, case: PersonReport | None) -> Page:
    """The form, and those whom it has found, unless it is one."""
    people = [_row(stored) for stored in case.people] if case else []
    return visit.page("people.html", tenant=tenant.id, who=who, people=people, case=case, section="people")


def _timeline(visit: ConsoleRequestContext, tenant: Tenant, who: str, case: PersonReport) -> Page:
    person = _row(case.people[0]) if case.people else None
    return visit.page("timeline.html", tenant=tenant.id, who=who, person=person, case=case, section="people")


def participants(visit: ConsoleRequestContext, tenant: Tenant) -> Page:
    """Who takes part: active users, in the order of their ids."""
    after = visit.request.asked.get("after", "")
    found = list(islice(_active(visit, tenant, after), _PAGE + 1))
    following = found[_PAGE - 1].id if len(found) > _PAGE else ""
    people = [_row(stored) for stored in found[:_PAGE]]
    return visit.page("participants.html", tenant=tenant.id, people=people, following=following, section="participants")


def export(visit: ConsoleRequestContext, tenant: Tenant) -> Page:
    """All of them as CSV (RFC 4180), compressed since an answer of Lambda ends at 6 MB. Raises :class:`PageError`."""
    text = _csv(_active(visit, tenant, ""))
    content = gzip.compress(text.encode(), 6)
    if len(content) > _MAX_EXPORT_BYTES:
        raise PageError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"These are too many people for one download: the command muster participants {tenant.id} lists them all.",
        )
    headers = {
        "Content-Disposition": f'attachment; filename="participants-{tenant.id}.csv"',
        "Content-Encoding": "gzip",
    }
    return Page(content, content_type="text/csv; charset=utf-8; header=present", headers=headers)


def _active(visit: ConsoleRequestContext, tenant: Tenant, after: str) -> Iterator[StoredResource]:
    """The active users behind an id; what is none leads to the first."""
    found = visit.store.list_users(tenant.id, after if is_user_id(after) else "")
    return (each for each in found if each.resource.get("active") is True)


def _row(stored: StoredResource) -> dict[str, Any]:
    user = stored.resource
    return {
        "id": stored.id,
        "userName": user["userName"],
        "externalId": user.get("externalId", ""),
        "name": full_name(user),
        "email": primary_email(user),
        "active": user.get("active") is True,
        "activeSince": stored.active_since,
        "created": stored.created,
        "lastModified": stored.modified,
    }


def _csv(users: Iterable[StoredResource]) -> str:
    out = io.StringIO(newline="")
    out.write("\ufeff")  # else a spreadsheet takes UTF-8 for something older
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(_COLUMNS)
    for row in map(_row, users):
        writer.writerow([_harmless(str(row[name]).lower() if name == "active" else row[name]) for name in _COLUMNS])
    return out.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_RUN) else cell
