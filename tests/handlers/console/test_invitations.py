"""An invitation creates one session. The earlier cookie of the browser cannot create another one."""

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.endpoint import Endpoint
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


def test_guest_session_cannot_accept_again(invited: InvitedGuest) -> None:
    assert invited.visitor.get(invited.link).status == 410


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
