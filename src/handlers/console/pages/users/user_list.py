"""The list of the users of a tenant, and the search for a person."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from handlers.console.context import ConsoleRequestContext
from handlers.console.pages.users.csv_files import count_files
from handlers.console.pages.users.selection import UserSelection
from handlers.console.pages.users.user_fields import describe_user
from handlers.console.pages.users.user_page import render_user_page
from handlers.console.response import ConsoleResponse, PageError
from scim.protocol.normalize import normalize_string
from scim.service.audit.person_report import PersonReport
from scim.service.model.query import InvalidPosition, ListOrder, ListPage, ListQuery
from scim.service.model.stored_resource import StoredResource, UserState
from scim.service.model.tenant import Tenant

PAGE_SIZE = 50


def list_users(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Return a page of the users. If the query has a search that one person matches, return the page of this person."""
    selection = UserSelection.parse(context.request.query_parameters)
    if selection.search:
        return _show_matches(context, tenant, selection)
    user_count, active_count = context.administration.tenant_store.count_users(tenant.id)
    counts = _build_counts(user_count, active_count)
    page = _read_page(context, tenant, selection) if counts[selection.state] or selection.after else ListPage([])
    return _render(context, tenant, selection, counts, page)


def _show_matches(context: ConsoleRequestContext, tenant: Tenant, selection: UserSelection) -> ConsoleResponse:
    """Return the page of the only person who matches the search, or the list of those who match."""
    report = context.administration.build_audit_log(tenant).report_on_person(selection.search)
    if report.is_about_one_person:
        return render_user_page(context, tenant, selection.search, report)
    active_count = sum(user.state is UserState.ACTIVE for user in report.users)
    users = sorted(filter(selection.matches, report.users), key=lambda user: _get_key(user, selection.order))
    page = ListPage(users[::-1] if selection.is_descending else users)
    return _render(context, tenant, selection, _build_counts(len(report.users), active_count), page, report)


def _read_page(context: ConsoleRequestContext, tenant: Tenant, selection: UserSelection) -> ListPage:
    query = ListQuery(
        order=selection.order,
        is_descending=selection.is_descending,
        count=PAGE_SIZE,
        matches=None if selection.state is None else selection.matches,
        position=selection.before or selection.after,
        is_backwards=bool(selection.before),
    )
    try:
        return context.administration.build_resource_store(tenant).list_page(query)
    except InvalidPosition as error:
        message = "The link to another page of the list is incomplete. Open the list of users again."
        raise PageError(HTTPStatus.BAD_REQUEST, message) from error


def _render(
    context: ConsoleRequestContext,
    tenant: Tenant,
    selection: UserSelection,
    counts: dict[UserState | None, int],
    page: ListPage,
    report: PersonReport | None = None,
) -> ConsoleResponse:
    return context.render_page(
        "users.html",
        tenant=tenant.id,
        selection=selection,
        counts=counts,
        page=page,
        users=_describe_users(page.users),
        report=report,
        file_count=1 if report else count_files(context.request.query_parameters, counts[None]),
        orders=ListOrder,
        section="users",
    )


def _describe_users(users: Sequence[StoredResource]) -> list[dict[str, str]]:
    return [describe_user(user) for user in users]


def _build_counts(user_count: int, active_count: int) -> dict[UserState | None, int]:
    """Return the number of all users, and of those in each state."""
    return {
        None: user_count,
        UserState.ACTIVE: active_count,
        UserState.INACTIVE: user_count - active_count,
    }


def _get_key(user: StoredResource, order: ListOrder) -> str:
    match order:
        case ListOrder.USER_NAME:
            return normalize_string(user.resource["userName"])
        case ListOrder.LAST_MODIFIED:
            return user.modified
