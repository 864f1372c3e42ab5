"""Every action of the console needs a recent sign-in, unless it is one of those that say otherwise."""

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
WITHOUT_SIGN_IN = {"sign-in", "sign-out", "invitation/{secret}"}
"""The paths of the actions that require no recent sign-in: they are themselves the sign-in, or end a session."""
ACTIONS = [route for route in ROUTES if route.action]
PROTECTED = [route for route in ACTIONS if route.path not in WITHOUT_SIGN_IN]
FIELDS = {
    "tenant": "new-one",
    "document": f'{{"id": "{SURVEY}:9", "attributes": []}}',
    "schema": SURVEY,
    "mode": "strict",
}


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets more than five minutes pass."""
    now = time.time()
    return lambda: monkeypatch.setattr("handlers.console.application.time.time", lambda: now + 301)


@pytest.fixture
def items(table: Any) -> Items:
    """All items of the table but those of the console's own bookkeeping."""

    def read() -> list[dict[str, Any]]:
        found = table.scan()["Items"]
        return sorted((each for each in found if each["pk"] != "S#"), key=lambda each: (each["pk"], each["sk"]))

    return read


def url(route: Route, tenant: Tenant) -> str:
    return f"/admin/{route.path}".replace(TENANT_PLACEHOLDER, tenant[0]).rstrip("/")


def fields(visitor: Visitor, **more: str) -> dict[str, str]:
    """What a form of the visitor's session has, with whatever an action could want."""
    return FIELDS | visitor.get("/admin").form("/sign-out").fields | more


def test_only_signing_in_and_out_require_no_recent_sign_in() -> None:
    declared = {
        route.path for route in ACTIONS if route.action and route.action.required_sign_in is SignInRequirement.NONE
    }
    assert declared == WITHOUT_SIGN_IN


def test_action_requires_a_recent_sign_in_by_default() -> None:
    action = FormAction(sign_in.sign_out)
    assert (action.required_sign_in, action.is_for_guests) == (SignInRequirement.RECENT, False)


@pytest.mark.parametrize("route", PROTECTED, ids=lambda route: route.name)
def test_old_session_changes_nothing(
    route: Route, operator_visits: Visitor, tenant: Tenant, items: Items, later: Callable[[], None]
) -> None:
    later()
    before = items()
    attempts: tuple[dict[str, str], ...] = ({}, {"password": "wrong"})
    for password in attempts:
        answer = operator_visits.send("POST", url(route, tenant), fields(operator_visits, **password))
        assert answer.status == 403
        assert "Nothing was changed" in answer.text
    assert items() == before


@pytest.mark.parametrize("route", PROTECTED, ids=lambda route: route.name)
def test_old_session_with_the_password_goes_on(
    route: Route, operator_visits: Visitor, tenant: Tenant, later: Callable[[], None]
) -> None:
    """The proof is enough: what follows is the answer of the action itself."""
    later()
    answer = operator_visits.send("POST", url(route, tenant), fields(operator_visits, password=PASSWORD))
    assert answer.status in (200, 303, 400, 409)


@pytest.mark.parametrize("route", PROTECTED, ids=lambda route: route.name)
def test_old_guest_changes_nothing(
    route: Route, operator_visits: Visitor, tenant: Tenant, items: Items, later: Callable[[], None]
) -> None:
    guest = Visitor()
    page = accept(invite(operator_visits, tenant[0]), guest)
    later()
    before = items()
    answer = guest.send("POST", url(route, tenant), FIELDS | page.form("/sign-out").fields | {"password": PASSWORD})
    assert answer.status == (403 if route.action and route.action.is_for_guests else 404)
    assert items() == before


def test_form_of_every_action_asks_for_the_password(
    operator_visits: Visitor, tenant: Tenant, later: Callable[[], None]
) -> None:
    later()
    pages = [
        operator_visits.get(path)
        for path in ("/admin", *(f"/admin/tenants/{tenant[0]}/{name}" for name in ("connect", "attributes")))
    ]
    forms = [form for page in pages for form in page.forms if form.action != "/admin/sign-out"]
    assert all("password" in form.fields for form in forms)
    assert {form.action for form in forms} >= {
        url(route, tenant) for route in PROTECTED if route.name != "attributes remove"
    }
