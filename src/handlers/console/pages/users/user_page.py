"""The page of a user, or of a person who is not a user."""

from __future__ import annotations

import json

from handlers.console.context import ConsoleRequestContext
from handlers.console.pages.users.user_fields import describe_user
from handlers.console.response import ConsoleResponse, PageNotFound
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.projection import parse_projection
from scim.service.audit.person_report import PersonReport
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant
from scim.service.references.user_references import load_references
from scim.service.resources.rendering import ResourceRenderer
from scim.service.resources.search import render_resource
from scim.store.keys import is_user_id


def show_user(context: ConsoleRequestContext, tenant: Tenant, user_id: str) -> ConsoleResponse:
    """Return the page of a user, also of a deleted one. Raise :class:`PageNotFound` if nothing is known of it."""
    report = context.administration.build_audit_log(tenant).report_on_person(user_id) if is_user_id(user_id) else None
    if report is None or not report.is_about_one_person:
        raise PageNotFound
    return render_user_page(context, tenant, user_id, report)


def render_user_page(
    context: ConsoleRequestContext, tenant: Tenant, query: str, report: PersonReport
) -> ConsoleResponse:
    """Return the page of the only person in a report, who need not be a user. ``query`` is what was searched."""
    user = report.users[0] if report.users else None
    store = context.administration.build_link_store(tenant)
    return context.render_page(
        "user.html",
        tenant=tenant.id,
        query=query,
        report=report,
        user=describe_user(user) if user else None,
        document=_format_document(context, tenant, user) if user else "",
        references=load_references(store, user, tenant.resource_types[0]) if user else None,
        section="users",
    )


def _format_document(context: ConsoleRequestContext, tenant: Tenant, user: StoredResource) -> str:
    """Return the SCIM document of a user as the API returns it, indented."""
    (resource_type,) = tenant.resource_types
    projection = parse_projection((), (), resource_type, LeniencyTracker())
    document = render_resource(user, projection, ResourceRenderer(resource_type, context.scim_url))
    return json.dumps(json.loads(document), ensure_ascii=False, indent=2)
