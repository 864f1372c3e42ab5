"""Every form says once, in one sentence, what it has done."""

import re

import pytest

from handlers.console.outcomes import Outcome, describe_outcome
from handlers.console.routes import Route
from tests.endpoint import PASSWORD, SURVEY, Endpoint
from tests.handlers.console.test_recent_sign_in import ACTIONS, FIELDS, build_url
from tests.handlers.console.test_security import accept, invite
from tests.handlers.console.visitor import Page, Visitor

Tenant = tuple[str, Endpoint]
FOR_VISITORS = {"sign-in", "invitation/{secret}", "invitation/{secret}/request"}
FOR_GUESTS = {"tenants/{tenant}/access/request"}
SENTENCE = re.compile(r'<p class="(?:success|notice)" role="status">(.+?)</p>')

SCHEMA = f'{{"id": "{SURVEY}", "attributes": [{{"name": "shoe", "type": "string"}}]}}'


def add_schema(operator: Visitor, tenant_id: str) -> None:
    page = operator.get(f"/admin/tenants/{tenant_id}/attributes")
    assert operator.submit(page, page.form("/add"), document=SCHEMA).status == 200


def open_session(route: Route, operator: Visitor, link: str) -> tuple[Visitor, Page]:
    """Return a person who may submit the form of a route, and a page with a CSRF token of the session."""
    if route.path in FOR_VISITORS:
        visitor = Visitor()
        return visitor, visitor.get("/admin/sign-in")
    if route.path in FOR_GUESTS:
        guest = Visitor()
        return guest, accept(link, guest)
    return operator, operator.get("/admin")


@pytest.mark.parametrize("route", ACTIONS, ids=lambda route: route.name)
def test_form_says_once_what_it_has_done(route: Route, operator_visitor: Visitor, tenant: Tenant) -> None:
    link = invite(operator_visitor, tenant[0])
    if route.name == "attributes remove":
        add_schema(operator_visitor, tenant[0])
    visitor, page = open_session(route, operator_visitor, link)
    is_link_used = route.path == "invitation/{secret}/request"
    if is_link_used:
        accept(link, Visitor())
    url = build_url(route, tenant).replace("{secret}", link.rpartition("/")[2])
    version = operator_visitor.get(f"/admin/tenants/{tenant[0]}/token").form("/token").fields["version"]
    csrf = next(form.fields["csrf"] for form in page.forms if "csrf" in form.fields)
    fields = {"csrf": csrf, "password": PASSWORD, "confirmation": tenant[0]}
    response = visitor.send("POST", url, FIELDS | {"document": SCHEMA, "version": version} | fields)
    page = visitor.get(response.headers["location"]) if response.status == 303 else response
    assert page.status == (410 if is_link_used else 200)
    assert len(SENTENCE.findall(page.text)) == 1
    if response.status == 303:
        assert SENTENCE.findall(visitor.get(page.url).text) == []


def test_every_outcome_has_a_sentence() -> None:
    assert all(describe_outcome(outcome).endswith(".") for outcome in Outcome)


@pytest.mark.parametrize("value", ["<b>", "unknown", ""])
def test_cookie_with_another_value_shows_nothing(operator_visitor: Visitor, value: str) -> None:
    operator_visitor.cookies["__Host-muster-outcome"] = value
    page = operator_visitor.get("/admin")
    assert page.status == 200
    assert 'class="success"' not in page.text


def test_outcome_is_said_after_a_redirect_to_another_page(operator_visitor: Visitor, tenant: Tenant) -> None:
    """The page that only redirects does not use up the sentence."""
    guest = Visitor()
    accept(invite(operator_visitor, tenant[0]), guest)
    guest.cookies["__Host-muster-outcome"] = Outcome.LINK_REQUESTED
    assert SENTENCE.findall(guest.get("/admin").text) == [describe_outcome(Outcome.LINK_REQUESTED)]


class TestDisconnect:
    @pytest.mark.parametrize("confirmation", ["", "another-customer"])
    def test_needs_the_id_of_the_customer(self, operator_visitor: Visitor, tenant: Tenant, confirmation: str) -> None:
        name, endpoint = tenant
        page = operator_visitor.get(f"/admin/tenants/{name}/settings")
        response = operator_visitor.post(page, page.form("/disconnect"), confirmation=confirmation)
        assert response.status == 400
        assert f"To disconnect this customer, enter its id: {name}" in response.text
        assert endpoint.request("GET", "/Users").status == 200
        page = operator_visitor.get(f"/admin/tenants/{name}/access")
        assert [form.action for form in page.forms if form.action.endswith("/invite")]

    def test_says_what_stops_and_how_to_undo_it(self, operator_visitor: Visitor, tenant: Tenant) -> None:
        page = operator_visitor.get(f"/admin/tenants/{tenant[0]}/settings")
        assert "can no longer provision users" in page.text
        assert f"Connect {tenant[0]} again" in page.text


@pytest.mark.parametrize(
    ("page", "forms"),
    [
        ("settings", ["/mode", "/brake", "/disconnect"]),
        ("token", ["/revoke"]),
        ("access", ["/revoke-invitations"]),
        ("attributes", ["/remove"]),
    ],
)
def test_dangerous_actions_look_dangerous(
    operator_visitor: Visitor, tenant: Tenant, page: str, forms: list[str]
) -> None:
    """Each has a separate section, which says how to undo it and has one red button."""
    add_schema(operator_visitor, tenant[0])
    text = operator_visitor.get(f"/admin/tenants/{tenant[0]}/{page}").text
    sections = re.findall(r'<section aria-labelledby="[\w-]+" class="danger">.*?</section>', text, re.DOTALL)
    assert [re.findall(r'action="[^"]*(/[\w-]+)"', section) for section in sections] == [[form] for form in forms]
    assert all("To undo it:" in section for section in sections)
    assert all(section.count('<button class="danger">') == 1 for section in sections)
