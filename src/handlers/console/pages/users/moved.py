"""Redirects from the addresses of earlier releases, which people may have as bookmarks."""

from __future__ import annotations

from urllib.parse import quote

from handlers.console.context import ConsoleRequestContext
from handlers.console.pages.users.selection import UserSelection
from handlers.console.response import BASE, ConsoleResponse, redirect_permanently
from scim.service.model.stored_resource import UserState
from scim.service.model.tenant import Tenant

_ACTIVE_USERS = UserSelection(state=UserState.ACTIVE)


def redirect_search(context: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Redirect from the search for a person to the list of users with the same search."""
    search = UserSelection(search=context.request.query_parameters.get("who", ""))
    return redirect_permanently(f"{_build_path(tenant)}{search.query}")


def redirect_timeline(_: ConsoleRequestContext, tenant: Tenant, user_id: str) -> ConsoleResponse:
    """Redirect from the timeline of a user to the page of the user."""
    return redirect_permanently(f"{_build_path(tenant)}/{quote(user_id)}")


def redirect_active_users(_: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Redirect from the list of active users to the list of users with this state."""
    return redirect_permanently(f"{_build_path(tenant)}{_ACTIVE_USERS.query}")


def redirect_active_users_csv(_: ConsoleRequestContext, tenant: Tenant) -> ConsoleResponse:
    """Redirect from the CSV file of active users to that of users with this state."""
    return redirect_permanently(f"{_build_path(tenant)}.csv{_ACTIVE_USERS.query}")


def _build_path(tenant: Tenant) -> str:
    return f"{BASE}/tenants/{tenant.id}/users"
