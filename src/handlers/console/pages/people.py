"""The pages about people: the search, and the timeline of a person."""

from __future__ import annotations

from typing import Any

from handlers.console.context import ConsoleRequestContext
from handlers.console.response import ConsoleResponse, PageNotFound
from scim.service.audit.person_report import PersonReport
from scim.service.audit.user_names import get_full_name, get_primary_email
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant
from scim.store.keys import is_user_id


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
    users = [describe_user(user) for user in report.users] if report else []
    return context.render_page(
        "people.html", tenant=tenant.id, query=query, users=users, report=report, section="people"
    )


def _render_timeline(
    context: ConsoleRequestContext, tenant: Tenant, query: str, report: PersonReport
) -> ConsoleResponse:
    """Return the page with the timeline of a person, who need not be a user."""
    user = describe_user(report.users[0]) if report.users else None
    return context.render_page(
        "timeline.html", tenant=tenant.id, query=query, user=user, report=report, section="people"
    )


def describe_user(stored: StoredResource) -> dict[str, Any]:
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
