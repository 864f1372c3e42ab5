"""The pages about people: the search, the timeline of a person, and the active users."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from itertools import islice
from typing import Any

from handlers.console.context import ConsoleRequestContext
from handlers.console.response import ConsoleResponse, PageError, PageNotFound
from scim.service.audit.person_report import PersonReport
from scim.service.audit.user_names import get_full_name, get_primary_email
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant
from scim.store.keys import is_user_id

_PAGE = 100
_MAX_EXPORT_BYTES = 4_300_000  # in base64 it has to fit into the 6 MB of a Lambda response
_COLUMNS = ("id", "userName", "externalId", "name", "email", "active", "activeSince", "created", "lastModified")
# A spreadsheet runs a cell that begins with one of these as a formula (OWASP, "CSV Injection").
_FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n")


def find_person(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Search a person by an identifier or a part of the name; show the timeline if there is one match."""
    who = context.request.query_parameters.get("who", "").strip()[:200]
    if not who:
        return _render_people(context, tenant, who, None)
    report = context.administration.build_audit_log(tenant).report_on_person(who)
    if report.is_about_one_person:
        return _render_timeline(context, tenant, who, report)
    return _render_people(context, tenant, who, report)


def show_timeline(context: ConsoleRequestContext, tenant: Tenant, user_id: str) -> ConsoleResponse:
    """Show the timeline of a user."""
    report = context.administration.build_audit_log(tenant).report_on_person(user_id) if is_user_id(user_id) else None
    if report is None or not report.is_about_one_person:
        raise PageNotFound
    return _render_timeline(context, tenant, user_id, report)


def _render_people(
    context: ConsoleRequestContext, tenant: Tenant, who: str, report: PersonReport | None
) -> ConsoleResponse:
    """Return the page with the search form and the matches."""
    people = [_describe_user(user) for user in report.users] if report else []
    return context.render_page("people.html", tenant=tenant.id, who=who, people=people, report=report, section="people")


def _render_timeline(context: ConsoleRequestContext, tenant: Tenant, who: str, report: PersonReport) -> ConsoleResponse:
    person = _describe_user(report.users[0]) if report.users else None
    return context.render_page(
        "timeline.html", tenant=tenant.id, who=who, person=person, report=report, section="people"
    )


def list_active_users(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """List the active users, in the order of their ids."""
    after = context.request.query_parameters.get("after", "")
    users = list(islice(_read_active_users(context, tenant, after), _PAGE + 1))
    next_after = users[_PAGE - 1].id if len(users) > _PAGE else ""
    people = [_describe_user(user) for user in users[:_PAGE]]
    return context.render_page(
        "active-users.html", tenant=tenant.id, people=people, next_after=next_after, section="active-users"
    )


def export_active_users(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Return the active users as CSV (RFC 4180), compressed because a Lambda response has at most 6 MB.

    Raises :class:`PageError` if there are too many.
    """
    text = _format_csv(_read_active_users(context, tenant, ""))
    content = gzip.compress(text.encode(), 6)
    if len(content) > _MAX_EXPORT_BYTES:
        raise PageError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"These are too many people for one download: the command muster active-users {tenant.id} lists them all.",
        )
    headers = {
        "Content-Disposition": f'attachment; filename="active-users-{tenant.id}.csv"',
        "Content-Encoding": "gzip",
    }
    return ConsoleResponse(content, content_type="text/csv; charset=utf-8; header=present", headers=headers)


def _read_active_users(context: ConsoleRequestContext, tenant: Tenant, after: str) -> Iterator[StoredResource]:
    """Yield the active users with ids greater than ``after``; all of them if that is no id."""
    users = context.administration.tenant_store.list_users(tenant.id, after if is_user_id(after) else "")
    return (user for user in users if user.resource.get("active") is True)


def _describe_user(stored: StoredResource) -> dict[str, Any]:
    user = stored.resource
    return {
        "id": stored.id,
        "userName": user["userName"],
        "externalId": user.get("externalId", ""),
        "name": get_full_name(user),
        "email": get_primary_email(user),
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
    return f"'{cell}" if cell.startswith(_FORMULA_PREFIXES) else cell
