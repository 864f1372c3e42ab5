"""Actions of the console require a recent sign-in, unless their route says otherwise."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from handlers.console.pages import sign_in
from handlers.console.routes import ROUTES, TENANT_PLACEHOLDER, FormAction, Route, SignInRequirement
from tests.endpoint import PASSWORD, SURVEY, Endpoint
from tests.handlers.console.test_security import accept, invite
from tests.handlers.console.visitor import Visitor

Tenant = tuple[str, Endpoint]
Items = Callable[[], list[dict[str, Any]]]
WITHOUT_SIGN_IN = {
    "sign-in",
    "sign-out",
    "invitation/{secret}",
    "invitation/{secret}/request",
    "tenants/{tenant}/access/request",
    "tenants/{tenant}/connect",
}
"""The paths of actions that require no recent sign-in.

They start or end a session, ask for another one, or only change which explanations are shown.
"""
ACTIONS = [route for route in ROUTES if route.action]
PROTECTED = [route for route in ACTIONS if route.path not in WITHOUT_SIGN_IN]
PAGES_WITH_FORMS = ("token", "access", "settings", "attributes")
FIELDS = {
    "tenant": "new-one",
    "document": f'{{"id": "{SURVEY}:9", "attributes": []}}',
    "schema": SURVEY,
    "strict": "on",
}


@pytest.fixture
def wait_five_minutes(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that moves the clock by more than five minutes."""
    now = time.time()
    return lambda: monkeypatch.setattr("handlers.console.application.time.time", lambda: now + 400)


@pytest.fixture
def items(table: Any) -> Items:
    """Return a function that reads all items except those of sessions."""

    def read() -> list[dict[str, Any]]:
        all_items = table.scan()["Items"]
        return sorted((item for item in all_items if item["pk"] != "S#"), key=lambda item: (item["pk"], item["sk"]))

    return read


def build_url(route: Route, tenant: Tenant) -> str:
    return f"/admin/{route.path}".replace(TENANT_PLACEHOLDER, tenant[0]).rstrip("/")


def build_fields(visitor: Visitor, **more: str) -> dict[str, str]:
    """Return the fields of a form, with values for all actions."""
    return FIELDS | visitor.get("/admin").form("/sign-out").fields | more


def test_actions_without_recent_sign_in() -> None:
    declared = {
        route.path for route in ACTIONS if route.action and route.action.required_sign_in is SignInRequirement.NONE
    }
    assert declared == WITHOUT_SIGN_IN


def test_action_requires_a_recent_sign_in_by_default() -> None:
    action = FormAction(sign_in.sign_out)
    assert (action.required_sign_in, action.is_for_guests) == (SignInRequirement.RECENT, False)


@pytest.mark.parametrize("route", PROTECTED, ids=lambda route: route.name)
def test_old_session_changes_nothing(
    route: Route, operator_visitor: Visitor, tenant: Tenant, items: Items, wait_five_minutes: Callable[[], None]
) -> None:
    wait_five_minutes()
    before = items()
    attempts: tuple[dict[str, str], ...] = ({}, {"password": "wrong"})
    for password in attempts:
        response = operator_visitor.send("POST", build_url(route, tenant), build_fields(operator_visitor, **password))
        assert response.status == 403
        assert "Nothing was changed" in response.text
    assert items() == before


@pytest.mark.parametrize("route", PROTECTED, ids=lambda route: route.name)
def test_old_session_with_password_is_accepted(
    route: Route, operator_visitor: Visitor, tenant: Tenant, wait_five_minutes: Callable[[], None]
) -> None:
    """With the password, the action itself responds."""
    wait_five_minutes()
    response = operator_visitor.send(
        "POST", build_url(route, tenant), build_fields(operator_visitor, password=PASSWORD)
    )
    assert response.status in (200, 303, 400, 409)


@pytest.mark.parametrize("route", PROTECTED, ids=lambda route: route.name)
def test_old_guest_changes_nothing(
    route: Route, operator_visitor: Visitor, tenant: Tenant, items: Items, wait_five_minutes: Callable[[], None]
) -> None:
    guest = Visitor()
    page = accept(invite(operator_visitor, tenant[0]), guest)
    assert tenant[1].request("GET", "/Users").status == 200  # so it is not the first token that a new one replaces
    wait_five_minutes()
    before = items()
    response = guest.send(
        "POST", build_url(route, tenant), FIELDS | page.form("/sign-out").fields | {"password": PASSWORD}
    )
    assert response.status == (403 if route.action and route.action.is_for_guests else 404)
    assert items() == before


def test_all_forms_ask_for_the_password(
    operator_visitor: Visitor, tenant: Tenant, wait_five_minutes: Callable[[], None]
) -> None:
    wait_five_minutes()
    pages = [
        operator_visitor.get(path)
        for path in ("/admin", "/admin/product", *(f"/admin/tenants/{tenant[0]}/{name}" for name in PAGES_WITH_FORMS))
    ]
    forms = [
        form for page in pages for form in page.forms if form.method == "post" and form.action != "/admin/sign-out"
    ]
    assert all("password" in form.fields for form in forms)
    assert {form.action for form in forms} >= {
        build_url(route, tenant) for route in PROTECTED if route.name not in ("attributes remove", "release")
    }
