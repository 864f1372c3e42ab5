"""The guided set-up by an IT admin: the first token, the progress, and the request for a new link."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scim.service.model.identity_provider import IdentityProvider
from scim.service.tenants.tenant_service import TenantService
from tests.endpoint import CORE, PASSWORD, Endpoint
from tests.handlers.console.test_security import accept, invite
from tests.handlers.console.visitor import Form, Page, Visitor
from tests.handlers.tenants import start_environment

Wait = Callable[[], None]
CONSOLE_PAGE = Path(__file__).parents[3] / "docs/operate/console.md"
numbers = iter(range(1, 100))


@pytest.fixture
def wait_an_hour(monkeypatch: pytest.MonkeyPatch) -> Wait:
    """Return a function that moves the console's clock by an hour, after which a sign-in is not recent."""
    now = time.time()
    return lambda: monkeypatch.setattr("handlers.console.application.time.time", lambda: now + 3_600)


@pytest.fixture
def name(operator: TenantService) -> str:
    """Return the name of a tenant whose token was never shown."""
    name = f"new-{next(numbers)}"
    operator.connect(name)
    return name


@pytest.fixture
def guest(operator_visitor: Visitor, name: str) -> Visitor:
    guest = Visitor()
    page = accept(invite(operator_visitor, name), guest)
    assert page.url.endswith(f"/admin/tenants/{name}/connect")
    return guest


def find_forms(page: Page, ending: str) -> list[Form]:
    return [form for form in page.forms if form.action.endswith(ending)]


def read_progress(visitor: Visitor, name: str, provider: str = "okta") -> str:
    """Return the text of the part that is reloaded, with its attributes."""
    page = visitor.get(f"/admin/tenants/{name}/connect/{provider}")
    (progress,) = re.findall(r'<section id="progress".*?</section>', page.text, re.DOTALL)
    return str(progress)


class TestFirstToken:
    def test_it_is_shown_during_the_whole_session(self, guest: Visitor, name: str, wait_an_hour: Wait) -> None:
        wait_an_hour()
        page = guest.get(f"/admin/tenants/{name}/connect/entra")
        shown = guest.submit(page, page.form("/token"))
        assert Endpoint(shown.value("token")).request("GET", "/Users").status == 200
        assert "This token is shown only once." in shown.text
        assert "Secret Token" in shown.text

    def test_it_is_shown_once(self, guest: Visitor, name: str, wait_an_hour: Wait) -> None:
        wait_an_hour()
        page = guest.get(f"/admin/tenants/{name}/connect/entra")
        token = guest.submit(page, page.form("/token")).value("token")
        again = guest.get(f"/admin/tenants/{name}/connect/entra")
        assert token not in again.text
        assert find_forms(again, "/token") == []
        assert find_forms(guest.get(f"/admin/tenants/{name}/token"), "/token") == []
        fields = page.form("/token").fields | {"version": "3"}
        assert guest.send("POST", f"/admin/tenants/{name}/token", fields).status == 403

    def test_repeated_form_shows_it_again(self, guest: Visitor, name: str, wait_an_hour: Wait) -> None:
        wait_an_hour()
        page = guest.get(f"/admin/tenants/{name}/connect/entra")
        tokens = [guest.submit(page, page.form("/token")).value("token") for _ in range(2)]
        assert tokens[0] == tokens[1]

    def test_it_replaces_a_token_that_only_the_operator_has_seen(
        self, guest: Visitor, name: str, operator: TenantService, wait_an_hour: Wait
    ) -> None:
        """As after the command connect, which shows the token."""
        issued = operator.connect(name)
        operator.tokens.mark_revealed(issued)
        wait_an_hour()
        page = guest.get(f"/admin/tenants/{name}/connect/entra")
        assert "The earlier one then stops working." in page.text
        token = guest.submit(page, page.form("/token")).value("token")
        assert token != issued.token
        assert start_environment(token).request("GET", "/Users").status == 200
        assert start_environment(issued.token).request("GET", "/Users").status == 401
        assert find_forms(guest.get(f"/admin/tenants/{name}/token"), "/token") == []

    @pytest.mark.parametrize("state", ["in use", "rotated", "revoked"])
    def test_every_other_token_needs_a_recent_invitation(
        self, state: str, guest: Visitor, name: str, operator: TenantService, wait_an_hour: Wait
    ) -> None:
        issued = operator.connect(name)
        operator.tokens.mark_revealed(issued)
        assert start_environment(issued.token).request("GET", "/Users").status == 200
        if state == "rotated":  # by Secrets Manager: the previous token is valid, and the new one was not shown
            operator.tokens.rotate(name)
        if state == "revoked":
            operator.tokens.revoke(name)
        wait_an_hour()
        page = guest.get(f"/admin/tenants/{name}/token")
        assert "You opened your link more than five minutes ago." in page.text
        assert [form.action for form in page.forms] == ["/admin/sign-out", f"/admin/tenants/{name}/access/request"]
        fields = page.form("/sign-out").fields | {"version": "9"}
        response = guest.send("POST", f"/admin/tenants/{name}/token", fields)
        assert response.status == 403
        assert "new invitation" in response.text

    def test_a_recent_guest_can_rotate_the_token(self, guest: Visitor, name: str, operator: TenantService) -> None:
        issued = operator.connect(name)
        operator.tokens.mark_revealed(issued)
        assert start_environment(issued.token).request("GET", "/Users").status == 200
        page = guest.get(f"/admin/tenants/{name}/token")
        new = guest.submit(page, page.form("/token")).value("token")
        statuses = [start_environment(token).request("GET", "/Users").status for token in (new, issued.token)]
        assert statuses == [200, 200]

    def test_pages_say_the_time_limits(self, operator_visitor: Visitor, name: str) -> None:
        guest, link = Visitor(), invite(operator_visitor, name)
        limit = "needs a link that you opened within the last five minutes"
        assert "signed in for eight hours" in guest.get(link).text
        for page in (guest.get(link), accept(link, guest), guest.get(f"/admin/tenants/{name}/connect/okta")):
            assert limit in page.text
        for path in ("token", "connect/okta"):
            assert "You are signed in until" in guest.get(f"/admin/tenants/{name}/{path}").text
            assert "You are signed in until" not in operator_visitor.get(f"/admin/tenants/{name}/{path}").text


class TestProgress:
    def test_it_follows_the_set_up(self, guest: Visitor, name: str, operator: TenantService) -> None:
        token = operator.connect(name).token
        progress = read_progress(guest, name)
        assert "Waiting for the first request" in progress
        assert f'data-refresh="5" data-refresh-url="/admin/tenants/{name}/connect/okta"' in progress

        endpoint = start_environment(token)
        endpoint.request("GET", "/Users", authorization=f"Bearer {token[:-9]}")
        progress = read_progress(guest, name)
        assert "The token is cut short" in progress
        assert "Copy the whole token again" in progress
        assert "Waiting for the first request" in progress

        endpoint.request("GET", "/Users?startIndex=1&count=2", user_agent="Okta SCIM Client 1.0.0")
        progress = read_progress(guest, name)
        assert "Connection tested by Okta" in progress
        assert "cut short" not in progress
        assert "Waiting for the first user" in progress

        endpoint.create()
        progress = read_progress(guest, name)
        assert "Users arrive: 1 so far." in progress
        assert "data-refresh" not in progress

    def test_wrong_url_and_groups_are_problems(self, guest: Visitor, name: str, operator: TenantService) -> None:
        endpoint = start_environment(operator.connect(name).token)
        assert endpoint.request("POST", "/Groups", {"displayName": "Everybody"}).status == 501
        endpoint.request("GET", "/Users/Users?filter=userName+eq+%22ada%22")
        progress = read_progress(guest, name)
        assert "The SCIM URL is wrong" in progress
        assert progress.count("SCIM URL in the identity provider is wrong") == 1
        assert "Groups are switched on" in progress
        assert "The error was" not in progress
        assert progress.count("What to change:") == 2

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_corrected_url_is_no_problem(self, method: str, guest: Visitor, name: str, operator: TenantService) -> None:
        endpoint = start_environment(operator.connect(name).token)
        endpoint.request("GET", "/Users/Users?filter=userName+eq+%22ada%22")
        assert "The SCIM URL is wrong" in read_progress(guest, name)
        endpoint.request(method, "/Users", {"schemas": [CORE], "userName": "ada"} if method == "POST" else None)
        progress = read_progress(guest, name)
        assert "The SCIM URL is wrong" not in progress
        assert "The token works." in progress

    def test_rejected_requests_have_the_menu_of_the_provider(
        self, guest: Visitor, name: str, operator: TenantService
    ) -> None:
        endpoint = start_environment(operator.connect(name).token)
        assert (
            endpoint.request("POST", "/Users", {"schemas": [CORE], "userName": "a", "active": "perhaps"}).status == 400
        )
        assert "Enterprise application &gt; Provisioning &gt; Attribute mapping" in read_progress(guest, name, "entra")

    def test_it_refreshes_the_offer_of_a_token_too(self, guest: Visitor, name: str, operator: TenantService) -> None:
        page = guest.get(f"/admin/tenants/{name}/connect/okta")
        assert 'data-refresh-also="token-offer"' in read_progress(guest, name)
        shown = guest.submit(page, page.form("/token"))  # this page keeps its token
        assert "data-refresh=" in shown.text
        assert "data-refresh-also" not in shown.text
        start_environment(shown.value("token")).request("GET", "/Users")
        offer = guest.get(f"/admin/tenants/{name}/connect/okta").text.partition('<div id="token-offer">')[2]
        assert "A token is in use." in offer.partition("</div>")[0]

    def test_it_takes_as_many_calls_as_documented(
        self, guest: Visitor, name: str, operator: TenantService, calls: list[str]
    ) -> None:
        """In the first minute of a session there is one more, the update that records its use."""
        endpoint = start_environment(operator.connect(name).token)
        endpoint.create()
        endpoint.request("POST", "/Groups", {"displayName": "Everybody"})
        guest.get(f"/admin/tenants/{name}/connect/okta")
        calls.clear()
        guest.get(f"/admin/tenants/{name}/connect/okta")
        documented = re.search(r"Each time takes (\d+) calls to DynamoDB", CONSOLE_PAGE.read_text("utf-8"))
        assert documented is not None
        assert len([call for call in calls if call != "UpdateItem"]) == int(documented[1])


class TestChoice:
    def test_detected_provider_is_first(self, guest: Visitor, name: str, operator: TenantService) -> None:
        endpoint = start_environment(operator.connect(name).token)
        endpoint.request("GET", "/Users", user_agent="Okta SCIM Client 1.0.0")
        page = guest.get(f"/admin/tenants/{name}/connect")
        providers = [link.rpartition("/")[2] for link in page.links if "/connect/" in link]
        assert providers[:2] == ["okta", "entra"]
        assert "Okta</a> (detected)" in page.text

    def test_chosen_provider_comes_first_everywhere(
        self, guest: Visitor, name: str, operator: TenantService, operator_visitor: Visitor
    ) -> None:
        """The requests look like those of Okta, but the IT admin knows better."""
        endpoint = start_environment(operator.connect(name).token)
        body = {"schemas": [CORE], "userName": "a", "active": "perhaps"}
        assert endpoint.request("POST", "/Users", body, user_agent="Okta SCIM Client 1.0.0").status == 400
        page = guest.get(f"/admin/tenants/{name}/connect")
        assert "Okta was detected by its requests." in page.text
        page = guest.submit(page, page.form("/connect"), provider="entra")
        assert "The identity provider was saved." in page.text
        assert "Microsoft Entra ID was chosen." in page.text
        assert [link.rpartition("/")[2] for link in page.links if "/connect/" in link][:2] == ["entra", "okta"]
        assert "Microsoft Entra ID</a> (chosen)" in page.text
        assert "Microsoft Entra ID (chosen)" in guest.get(f"/admin/tenants/{name}").text
        for path in ("log", "problems", "users?search=a", "connect/okta"):
            assert "Enterprise application &gt; Provisioning &gt;" in guest.get(f"/admin/tenants/{name}/{path}").text
        for path in ("problems", "search?q=a"):
            assert "Enterprise application &gt; Provisioning &gt;" in operator_visitor.get(f"/admin/{path}").text
        log = operator_visitor.get(f"/admin/tenants/{name}/log").text
        assert "Changed the settings: identity provider Microsoft Entra ID." in log
        assert "IT admin" in log

    def test_provider_is_detected_again(self, operator_visitor: Visitor, name: str, operator: TenantService) -> None:
        operator.choose_provider(name, IdentityProvider.PING)
        page = operator_visitor.get(f"/admin/tenants/{name}/connect")
        assert page.form("/connect").fields["provider"] == "ping"
        page = operator_visitor.submit(page, page.form("/connect"), provider="")
        assert "It is not detected yet." in page.text
        log = operator_visitor.get(f"/admin/tenants/{name}/log").text
        assert "Changed the settings: the identity provider is detected automatically." in log

    def test_form_with_unknown_provider_is_rejected(self, guest: Visitor, name: str, operator: TenantService) -> None:
        form = guest.get(f"/admin/tenants/{name}/connect").form("/connect")
        assert guest.send("POST", form.action, form.fields | {"provider": "unknown"}).status == 400
        tenant = operator.tenant_store.get(name)
        assert tenant is not None
        assert tenant.provider is None

    def test_unknown_provider_is_404(self, guest: Visitor, name: str) -> None:
        assert guest.get(f"/admin/tenants/{name}/connect/unknown").status == 404


class TestLinkRequests:
    def test_request_is_in_the_list_until_a_link_is_created(
        self, guest: Visitor, name: str, operator_visitor: Visitor, operator: TenantService, wait_an_hour: Wait
    ) -> None:
        issued = operator.connect(name)
        operator.tokens.mark_revealed(issued)
        start_environment(issued.token).request("GET", "/Users")
        wait_an_hour()
        page = guest.get(f"/admin/tenants/{name}/token")
        for _ in range(2):
            answer = guest.submit(page, page.form("/request"))
            assert "You asked for a new link at" in answer.text
            assert find_forms(answer, "/request") == []

        def list_customers() -> str:
            return operator_visitor.get(f"/admin?after={name[:-1]}").text

        assert "The IT admin asked for a new link at" in list_customers()
        access = operator_visitor.get(f"/admin/tenants/{name}/access")
        assert "The IT admin asked for a new link at" in access.text
        log = operator_visitor.get(f"/admin/tenants/{name}/log").text
        assert log.count("Asked for a new invitation to the console.") == 1
        assert "IT admin" in log
        operator_visitor.submit(access, access.form("/invite"), password=PASSWORD)
        assert "asked for a new link" not in list_customers()

    def test_disconnected_tenant_cannot_ask(self, guest: Visitor, name: str, operator: TenantService) -> None:
        page = guest.get(f"/admin/tenants/{name}/connect")
        operator.disconnect(name)
        fields = page.form("/sign-out").fields
        assert guest.send("POST", f"/admin/tenants/{name}/access/request", fields).status == 404


def test_action_says_what_it_has_done(operator_visitor: Visitor, name: str) -> None:
    page = operator_visitor.get(f"/admin/tenants/{name}/settings")
    assert "provisioning from Entra ID and Okta stops" in page.text
    page = operator_visitor.submit(page, page.form("/mode"))
    assert '<p class="success" role="status">Strict mode is on within a minute.</p>' in page.text


def test_strict_mode_names_the_provider_that_it_breaks(
    operator_visitor: Visitor, name: str, operator: TenantService
) -> None:
    start_environment(operator.connect(name).token).request("GET", "/Users", user_agent="Okta SCIM Client 1.0.0")
    page = operator_visitor.get(f"/admin/tenants/{name}/settings")
    assert f"{name} uses Okta: if you turn strict mode on, its provisioning stops." in page.text
