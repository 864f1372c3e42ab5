"""An invitation creates one session. The earlier cookie of the browser cannot create another one."""

import json
import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest

from scim.service.console.invitations import DEFAULT_LIFETIME_S
from scim.service.tenants.tenant_service import TenantService
from tests.endpoint import ENVIRONMENT, Endpoint
from tests.handlers.console.test_security import invite
from tests.handlers.console.visitor import Form, Page, Visitor

Tenant = tuple[str, Endpoint]


class InvitedGuest:
    """A guest who has accepted an invitation. ``earlier_cookies`` are the cookies before that."""

    def __init__(self, operator: Visitor, tenant: str) -> None:
        self.link, self.visitor, self.tenant = invite(operator, tenant), Visitor(), tenant
        self.invitation_page = self.visitor.get(self.link)
        self.earlier_cookies = dict(self.visitor.cookies)
        self.response = self.accept()

    def accept(self) -> Page:
        return self.visitor.post(self.invitation_page, self.invitation_page.forms[0])

    def repeat(self, cookies: Mapping[str, str] | None = None) -> Page:
        """Repeat the request with the earlier cookies."""
        self.visitor.cookies = dict(self.earlier_cookies if cookies is None else cookies)
        return self.accept()

    def session(self) -> dict[str, Any]:
        cookie = self.visitor.cookies["__Host-muster"]
        session: dict[str, Any] = json.loads(urlsafe_b64decode(cookie.partition(".")[0]))
        return session

    def revocation_forms(self) -> list[Form]:
        """Return the form that requires a recent sign-in, if the page has it."""
        page = self.visitor.get(f"/admin/tenants/{self.tenant}/token")
        return [form for form in page.forms if form.action.endswith("/revoke")]


@pytest.fixture
def invited(operator_visitor: Visitor, tenant: Tenant) -> InvitedGuest:
    return InvitedGuest(operator_visitor, tenant[0])


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = time.time()
    return lambda seconds: monkeypatch.setattr("handlers.console.application.time.time", lambda: now + seconds)


def test_lost_response_is_repeated(invited: InvitedGuest) -> None:
    first = invited.session()
    assert (invited.response.status, invited.repeat().status) == (303, 303)
    assert invited.session() == first
    assert invited.revocation_forms()


def test_repeated_response_keeps_the_session_age(invited: InvitedGuest, wait: Callable[[float], None]) -> None:
    first = invited.session()
    wait(50)
    assert invited.repeat().status == 303
    assert invited.session() == first
    wait(301)
    assert invited.revocation_forms() == []


@pytest.mark.parametrize("seconds", [61, 301, 28_000])
def test_earlier_cookie_is_rejected_after_a_minute(
    seconds: int, invited: InvitedGuest, tenant: Tenant, wait: Callable[[float], None]
) -> None:
    wait(seconds)
    assert invited.repeat().status == 410
    assert invited.visitor.get(invited.link).status == 410
    assert invited.visitor.send("GET", f"/admin/tenants/{tenant[0]}").status == 303


def test_earlier_cookie_is_rejected_after_first_use(invited: InvitedGuest) -> None:
    assert invited.visitor.get(f"/admin/tenants/{invited.tenant}/connect").status == 200
    assert invited.repeat().status == 410
    assert invited.visitor.get(invited.link).status == 410


def test_earlier_cookie_is_rejected_after_sign_out(invited: InvitedGuest) -> None:
    page = invited.visitor.get(f"/admin/tenants/{invited.tenant}")
    invited.visitor.submit(page, page.form("/sign-out"))
    assert invited.repeat().status == 410


class TestUsedLink:
    def test_it_leads_a_signed_in_guest_to_connect(self, invited: InvitedGuest) -> None:
        before = invited.session()
        for method in ("GET", "POST"):
            fields = invited.visitor.get(f"/admin/tenants/{invited.tenant}").form("/sign-out").fields
            response = invited.visitor.send(method, invited.link, fields)
            assert (response.status, response.headers["location"]) == (303, f"/admin/tenants/{invited.tenant}/connect")
        assert invited.session() == before

    def test_it_leads_no_other_session_to_the_customer(
        self, invited: InvitedGuest, operator_visitor: Visitor, operator: TenantService
    ) -> None:
        operator.connect(f"other-of-{invited.tenant}")
        other = InvitedGuest(operator_visitor, f"other-of-{invited.tenant}")
        for visitor in (other.visitor, operator_visitor, Visitor()):
            assert visitor.send("GET", invited.link).status == 410

    def test_it_leads_a_revoked_guest_nowhere(self, invited: InvitedGuest, operator: TenantService) -> None:
        operator.revoke_invitations(invited.tenant)
        page = invited.visitor.get(invited.link)
        assert page.status == 410
        assert request_forms(page) == []

    def test_it_asks_for_a_new_link_once(self, invited: InvitedGuest, operator_visitor: Visitor) -> None:
        visitor = Visitor()
        page = visitor.get(invited.link)
        assert page.status == 410
        (form,) = request_forms(page)
        assert visitor.send("POST", form.action, form.fields | {"csrf": "wrong"}).status == 403
        for _ in range(2):
            answer = visitor.submit(page, form)
            assert answer.url.endswith(invited.link.partition("/admin")[2])
            assert "The operators see your request for a new link." in answer.text
            assert "You asked for a new link at" in answer.text
            assert request_forms(answer) == []
        log = operator_visitor.get(f"/admin/tenants/{invited.tenant}/log").text
        assert log.count("Asked for a new invitation to the console.") == 1
        access = operator_visitor.get(f"/admin/tenants/{invited.tenant}/access")
        assert "The IT admin asked for a new link at" in access.text
        operator_visitor.submit(access, access.form("/invite"))
        assert request_forms(visitor.get(invited.link))

    def test_session_of_another_customer_is_not_in_the_log(
        self, invited: InvitedGuest, operator_visitor: Visitor, operator: TenantService
    ) -> None:
        operator.connect(f"asking-{invited.tenant}")
        other = InvitedGuest(operator_visitor, f"asking-{invited.tenant}").visitor
        other.submit(other.get(invited.link), request_forms(other.get(invited.link))[0])
        (event,) = [
            item
            for item in boto3.client("dynamodb").scan(TableName=ENVIRONMENT["TABLE_NAME"])["Items"]
            if item.get("operation", {}).get("S") == "request" and item["pk"]["S"] == f"A#{invited.tenant}"
        ]
        assert event["actor"]["S"] == f"console:invited:{invited.tenant}"

    def test_expired_link_asks_too(
        self, operator_visitor: Visitor, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        link, visitor = invite(operator_visitor, tenant[0]), Visitor()
        now = time.time()
        monkeypatch.setattr("scim.wiring.runtime.current_time", lambda: now + DEFAULT_LIFETIME_S)
        page = visitor.get(link)
        assert page.status == 410
        assert "You asked for a new link at" in visitor.submit(page, request_forms(page)[0]).text

    def test_link_of_a_disconnected_customer_does_not_ask(self, invited: InvitedGuest, operator: TenantService) -> None:
        visitor = Visitor()
        page = visitor.get(invited.link)
        operator.disconnect(invited.tenant)
        assert request_forms(visitor.get(invited.link)) == []
        assert visitor.submit(page, request_forms(page)[0]).status == 410
        operator.connect(invited.tenant)
        assert visitor.submit(page, request_forms(page)[0]).status == 410

    def test_valid_link_does_not_ask(self, operator_visitor: Visitor, tenant: Tenant) -> None:
        link, visitor = invite(operator_visitor, tenant[0]), Visitor()
        fields = visitor.get(link).forms[0].fields
        response = visitor.send("POST", f"{link}/request", fields)
        assert (response.status, response.headers["location"]) == (303, link.removeprefix("https://scim.example.com"))
        assert "asked for a new link" not in operator_visitor.get(f"/admin/tenants/{tenant[0]}/access").text

    @pytest.mark.parametrize("secret", ["short", "a" * 44, "a" * 42 + "!"])
    def test_malformed_link_is_not_looked_up(self, secret: str, table: object, calls: list[str]) -> None:
        visitor = Visitor()
        fields = visitor.get("/admin/sign-in").forms[0].fields
        calls.clear()
        for method, path in (("GET", secret), ("POST", secret), ("POST", f"{secret}/request")):
            response = visitor.send(method, f"/admin/invitation/{path}", fields)
            assert response.status == 410
        assert calls == []


def request_forms(page: Page) -> list[Form]:
    return [form for form in page.forms if form.action.endswith("/request")]


def test_sign_out_says_how_to_come_back(invited: InvitedGuest) -> None:
    page = invited.visitor.get(f"/admin/tenants/{invited.tenant}")
    assert "To come back, open the invitation link again" in invited.visitor.submit(page, page.form("/sign-out")).text


def test_another_browser_cannot_accept_again(invited: InvitedGuest) -> None:
    other = Visitor()
    page = other.get("/admin/sign-in")
    fields = page.forms[0].fields
    assert other.send("POST", invited.link, {"csrf": fields["csrf"]}).status == 410


def test_new_invitation_renews_an_old_session(
    operator_visitor: Visitor, tenant: Tenant, wait: Callable[[float], None]
) -> None:
    first = InvitedGuest(operator_visitor, tenant[0])
    link = invite(operator_visitor, tenant[0])
    wait(301)
    assert first.revocation_forms() == []
    invitation_page = first.visitor.get(link)
    assert first.visitor.submit(invitation_page, invitation_page.forms[-1]).status == 200
    assert first.revocation_forms()


def test_message_to_the_it_admin_has_product_link_and_end(operator_visitor: Visitor, tenant: Tenant) -> None:
    page = operator_visitor.get("/admin/product")
    operator_visitor.submit(page, page.form("/product"), name="Rocket", support="help@example.com")
    page = operator_visitor.get(f"/admin/tenants/{tenant[0]}/access")
    invited = operator_visitor.submit(page, page.form("/invite"))
    message = invited.text.partition("<textarea")[2].partition("</textarea>")[0]
    assert "set up user provisioning (SCIM) for Rocket with this link" in message
    assert f"\n{invited.value('link')}\n" in message
    assert re.search(r"used once, until \d\d \w{3} \d{4}, \d\d:\d\d UTC", message)
    assert message.endswith("Questions? help@example.com")
    assert f"/admin/tenants/{tenant[0]}/access" in invited.links
