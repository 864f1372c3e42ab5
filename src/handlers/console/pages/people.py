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


def find_person(context: ConsoleRequestContext, tenant: Tenant) -> Page:
    """Whoever is called that, by all that identifies a person or by a part of their name."""
    who = context.request.query_parameters.get("who", "").strip()[:200]
    if not who:
        return _render_people(context, tenant, who, None)
    case = context.administration.audit_log(tenant).investigate_person(who)
    if case.is_about_one_person:
        return _render_timeline(context, tenant, who, case)
    return _render_people(context, tenant, who, case)


def show_timeline(context: ConsoleRequestContext, tenant: Tenant, user_id: str) -> Page:
    """One of several who were found."""
    case = context.administration.audit_log(tenant).investigate_person(user_id) if is_user_id(user_id) else None
    if case is None or not case.is_about_one_person:
        raise PageNotFound
    return _render_timeline(context, tenant, user_id, case)


def _render_people(context: ConsoleRequestContext, tenant: Tenant, who: str, case: PersonReport | None) -> Page:
    """The form, and those whom it has found, unless it is one."""
    people = [_describe_user(stored) for stored in case.users] if case else []
    return context.render_page("people.html", tenant=tenant.id, who=who, people=people, case=case, section="people")


def _render_timeline(context: ConsoleRequestContext, tenant: Tenant, who: str, case: PersonReport) -> Page:
    person = _describe_user(case.users[0]) if case.users else None
    return context.render_page("timeline.html", tenant=tenant.id, who=who, person=person, case=case, section="people")


def list_participants(context: ConsoleRequestContext, tenant: Tenant) -> Page:
    """Who takes part: active users, in the order of their ids."""
    after = context.request.query_parameters.get("after", "")
    found = list(islice(_list_active_users(context, tenant, after), _PAGE + 1))
    next_after = found[_PAGE - 1].id if len(found) > _PAGE else ""
    people = [_describe_user(stored) for stored in found[:_PAGE]]
    return context.render_page(
        "participants.html", tenant=tenant.id, people=people, next_after=next_after, section="participants"
    )


def export_participants(context: ConsoleRequestContext, tenant: Tenant) -> Page:
    """All of them as CSV (RFC 4180), compressed since an answer of Lambda ends at 6 MB. Raises :class:`PageError`."""
    text = _format_csv(_list_active_users(context, tenant, ""))
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


def _list_active_users(context: ConsoleRequestContext, tenant: Tenant, after: str) -> Iterator[StoredResource]:
    """The active users behind an id; what is none leads to the first."""
    found = context.administration.tenant_store.list_users(tenant.id, after if is_user_id(after) else "")
    return (each for each in found if each.resource.get("active") is True)


def _describe_user(stored: StoredResource) -> dict[str, Any]:
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


def _format_csv(users: Iterable[StoredResource]) -> str:
    out = io.StringIO(newline="")
    out.write("\ufeff")  # else a spreadsheet takes UTF-8 for something older
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(_COLUMNS)
    for row in map(_describe_user, users):
        writer.writerow(
            [_escape_formula(str(row[name]).lower() if name == "active" else row[name]) for name in _COLUMNS]
        )
    return out.getvalue()


def _escape_formula(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_RUN) else cell
