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

_PAGE_SIZE = 100
_MAX_EXPORT_BYTES = 4_300_000  # in base64 it has to fit into the 6 MB of a Lambda response
_COLUMNS = ("id", "userName", "externalId", "name", "email", "active", "activeSince", "created", "lastModified")
# A spreadsheet runs a cell that begins with one of these as a formula (OWASP, "CSV Injection").
_FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n")


def find_person(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Return the page of the search by an identifier or a part of a name; if one person matches, their timeline."""
    query = context.request.query_parameters.get("who", "").strip()[:200]
    if not query:
        return _render_people(context, tenant, query, None)
    report = context.administration.build_audit_log(tenant).report_on_person(query)
    if report.is_about_one_person:
        return _render_timeline(context, tenant, query, report)
    return _render_people(context, tenant, query, report)


def show_timeline(context: ConsoleRequestContext, tenant: Tenant, user_id: str) -> ConsoleResponse:
    """Return the page of a user's timeline. Raise :class:`PageNotFound` if nothing is known of such a user."""
    report = context.administration.build_audit_log(tenant).report_on_person(user_id) if is_user_id(user_id) else None
    if report is None or not report.is_about_one_person:
        raise PageNotFound
    return _render_timeline(context, tenant, user_id, report)


def _render_people(
    context: ConsoleRequestContext, tenant: Tenant, query: str, report: PersonReport | None
) -> ConsoleResponse:
    """Return the page with the search form and the users who match."""
    users = [_describe_user(user) for user in report.users] if report else []
    return context.render_page(
        "people.html", tenant=tenant.id, query=query, users=users, report=report, section="people"
    )


def _render_timeline(
    context: ConsoleRequestContext, tenant: Tenant, query: str, report: PersonReport
) -> ConsoleResponse:
    """Return the page with the timeline of a person, who need not be a user."""
    user = _describe_user(report.users[0]) if report.users else None
    return context.render_page(
        "timeline.html", tenant=tenant.id, query=query, user=user, report=report, section="people"
    )


def list_active_users(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Return a page of the active users, in the order of their ids, that begins after the id ``after`` of the query."""
    after = context.request.query_parameters.get("after", "")
    active_users = list(islice(_read_active_users(context, tenant, after), _PAGE_SIZE + 1))
    next_after = active_users[_PAGE_SIZE - 1].id if len(active_users) > _PAGE_SIZE else ""
    users = [_describe_user(user) for user in active_users[:_PAGE_SIZE]]
    return context.render_page(
        "active-users.html", tenant=tenant.id, users=users, next_after=next_after, section="active-users"
    )


def export_active_users(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Return the active users as CSV (RFC 4180), compressed because a Lambda response has at most 6 MB.

    Raise :class:`PageError` if there are too many.
    """
    text = _format_csv(_read_active_users(context, tenant, ""))
    content = gzip.compress(text.encode(), 6)
    if len(content) > _MAX_EXPORT_BYTES:
        raise PageError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "There are too many active users for one download. The operator can export them with the command "
            f"`muster active-users {tenant.id}`.",
        )
    headers = {
        "Content-Disposition": f'attachment; filename="active-users-{tenant.id}.csv"',
        "Content-Encoding": "gzip",
    }
    return ConsoleResponse(content, content_type="text/csv; charset=utf-8; header=present", headers=headers)


def _read_active_users(context: ConsoleRequestContext, tenant: Tenant, after: str) -> Iterator[StoredResource]:
    """Yield the active users with ids greater than ``after``; all of them if ``after`` is not an id."""
    users = context.administration.tenant_store.list_users(tenant.id, after if is_user_id(after) else "")
    return (user for user in users if user.resource.get("active") is True)


def _describe_user(stored: StoredResource) -> dict[str, Any]:
    """Return the fields of a user that the pages and the CSV show."""
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
    """Return a CSV file with a row for each user."""
    text = io.StringIO(newline="")
    text.write("\ufeff")  # the byte order mark, without which Excel does not read the file as UTF-8
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(_COLUMNS)
    for row in map(_describe_user, users):
        writer.writerow(
            [_escape_formula(str(row[name]).lower() if name == "active" else row[name]) for name in _COLUMNS]
        )
    return text.getvalue()


def _escape_formula(cell: str) -> str:
    """Return the cell with an apostrophe before it if a spreadsheet would run it as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_PREFIXES) else cell
