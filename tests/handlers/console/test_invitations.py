"""An invitation opens one session once; the earlier cookie of its browser opens no other one."""

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.endpoint import Endpoint
from tests.handlers.console.test_security import invite
from tests.handlers.console.visitor import Answer, Form, Visitor

Tenant = tuple[str, Endpoint]


class Invited:
    """A guest who has pressed the button of an invitation, and what the browser had before."""

    def __init__(self, operator: Visitor, tenant: str) -> None:
        self.link, self.visitor, self.tenant = invite(operator, tenant), Visitor(), tenant
        self.door = self.visitor.get(self.link)
        self.before = dict(self.visitor.cookies)
        self.answer = self.accept()

    def accept(self) -> Answer:
        return self.visitor.post(self.door, self.door.forms[0])

    def again(self, before: Mapping[str, str] | None = None) -> Answer:
        """The same request once more, with the cookie of before."""
        self.visitor.cookies = dict(self.before if before is None else before)
        return self.accept()

    def session(self) -> dict[str, Any]:
        (cookie,) = self.visitor.cookies.values()
        found: dict[str, Any] = json.loads(urlsafe_b64decode(cookie.partition(".")[0]))
        return found

    def token_forms(self) -> list[Form]:
        page = self.visitor.get(f"/admin/tenants/{self.tenant}/connect")
        return [form for form in page.forms if form.action.endswith("/token")]


@pytest.fixture
def invited(operator_visits: Visitor, tenant: Tenant) -> Invited:
    return Invited(operator_visits, tenant[0])


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = time.time()
    return lambda seconds: monkeypatch.setattr("handlers.console.application.time.time", lambda: now + seconds)


def test_lost_response_is_repeated(invited: Invited) -> None:
    first = invited.session()
    assert (invited.answer.status, invited.again().status) == (303, 303)
    assert invited.session() == first
    assert invited.token_forms()


def test_repeated_response_has_the_age_of_the_first(invited: Invited, wait: Callable[[float], None]) -> None:
    first = invited.session()
    wait(50)
    assert invited.again().status == 303
    assert invited.session() == first
    wait(301)
    assert invited.token_forms() == []


@pytest.mark.parametrize("seconds", [61, 301, 28_000])
def test_earlier_cookie_is_rejected_later(
    seconds: int, invited: Invited, tenant: Tenant, wait: Callable[[float], None]
) -> None:
    wait(seconds)
    assert invited.again().status == 410
    assert invited.visitor.get(invited.link).status == 410
    assert invited.visitor.send("GET", f"/admin/tenants/{tenant[0]}").status == 303


def test_earlier_cookie_is_rejected_once_the_session_is_used(invited: Invited) -> None:
    assert invited.visitor.get(f"/admin/tenants/{invited.tenant}/connect").status == 200
    assert invited.again().status == 410
    assert invited.visitor.get(invited.link).status == 410


def test_earlier_cookie_is_rejected_after_sign_out(invited: Invited) -> None:
    page = invited.visitor.get(f"/admin/tenants/{invited.tenant}")
    invited.visitor.submit(page, page.form("/sign-out"))
    assert invited.again().status == 410


def test_guest_session_cannot_accept_again(invited: Invited) -> None:
    assert invited.visitor.get(invited.link).status == 410


def test_another_browser_cannot_accept_again(invited: Invited) -> None:
    other = Visitor()
    page = other.get("/admin/sign-in")
    fields = page.forms[0].fields
    assert other.send("POST", invited.link, {"csrf": fields["csrf"]}).status == 410


def test_new_invitation_renews_an_old_session(
    operator_visits: Visitor, tenant: Tenant, wait: Callable[[float], None]
) -> None:
    first = Invited(operator_visits, tenant[0])
    link = invite(operator_visits, tenant[0])
    wait(301)
    assert first.token_forms() == []
    door = first.visitor.get(link)
    assert first.visitor.submit(door, door.forms[-1]).status == 200
    assert first.token_forms()
