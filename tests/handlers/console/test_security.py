"""Security of the console against visitors, guests, stolen cookies and hostile user data."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from http import HTTPStatus
from typing import Any

import boto3
import pytest

from handlers.console.application import ConsoleApplication
from handlers.console.rendering import build_asset_path
from handlers.console.response import SECURITY_HEADERS, redirect_to_path
from scim.auth.master_key.key_ring import KeyRing, create_generation, format_key_ring, parse_key_ring
from scim.auth.token_store import SecretsManagerTokenStore
from scim.service.console.invitations import DEFAULT_LIFETIME_S, InvalidInvitation
from scim.service.console.password_sign_in import MAX_ATTEMPTS
from scim.service.model.audit.audit_event import AuditAction, AuditEvent
from scim.service.model.invitation import Acceptance
from scim.service.tenants.tenant_service import TenantService
from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import ENVIRONMENT, PASSWORD, Endpoint
from tests.handlers.console.conftest import HOSTILE
from tests.handlers.console.visitor import Page, Visitor
from tests.handlers.tenants import get_tenant_id
from tests.tokens import MASTER_KEY, put_master_key

Tenant = tuple[str, Endpoint]
PAGES = (
    "",
    "/connect",
    "/attributes",
    "/connect/entra",
    "/token",
    "/log",
    "/log.csv",
    "/log.jsonl",
    "/problems",
    "/users",
    "/users?search=unknown",
    "/users?state=inactive&sort=lastModified",
    "/users.csv",
)


def invite(operator: Visitor, name: str) -> str:
    page = operator.get(f"/admin/tenants/{name}/access")
    return operator.submit(page, page.form("/invite")).value("link")


def accept(link: str, guest: Visitor) -> Page:
    invitation_page = guest.get(link)
    return guest.submit(invitation_page, invitation_page.forms[0])


class TestSignIn:
    @pytest.mark.parametrize("path", ["", "/tenants/acme", *(f"/tenants/acme{path}" for path in PAGES)])
    def test_visitor_is_redirected_to_sign_in(self, table: object, path: str) -> None:
        response = Visitor().send("GET", f"/admin{path}")
        assert (response.status, response.headers["location"]) == (303, "/admin/sign-in")

    def test_wrong_password_is_rejected(self, table: object) -> None:
        visitor = Visitor()
        page = visitor.sign_in("not the password")
        assert page.status == HTTPStatus.FORBIDDEN
        assert "Wrong password. 4 attempts left." in page.text
        assert visitor.send("GET", "/admin").status == 303

    def test_password_attempts_are_limited_across_environments(self, table: object) -> None:
        visitors = [Visitor(ConsoleApplication(), "203.0.113.9") for _ in range(2)]
        for number in range(MAX_ATTEMPTS):
            assert visitors[number % 2].sign_in(f"guess {number}").status == 403
        for visitor in visitors:
            response = visitor.sign_in(PASSWORD)
            assert response.status == 429
            assert int(response.headers["retry-after"]) > 0
        assert Visitor(ConsoleApplication(), "203.0.113.10").sign_in().status == 200

    def test_ipv6_network_is_one_source(self, table: object) -> None:
        for number in range(MAX_ATTEMPTS):
            Visitor(address=f"2001:db8::{number + 1}").sign_in("guess")
        assert Visitor(address="2001:db8::ffff").sign_in().status == 429
        assert Visitor(address="2001:db8:0:1::1").sign_in().status == 200

    def test_sign_in_resets_the_attempts(self, table: object) -> None:
        for _ in range(3):
            visitor = Visitor(address="203.0.113.77")
            for _ in range(MAX_ATTEMPTS - 1):
                visitor.sign_in("guess")
            assert visitor.sign_in().status == 200

    def test_weak_password_is_rejected(self, table: object) -> None:
        secrets, name = boto3.client("secretsmanager"), ENVIRONMENT["PASSWORD_SECRET"]
        secrets.put_secret_value(SecretId=name, SecretString="hunter2")
        try:
            response = Visitor(ConsoleApplication()).sign_in("hunter2")
        finally:
            secrets.put_secret_value(SecretId=name, SecretString=PASSWORD)
        assert response.status == 403
        assert "fewer than 20 characters" in response.text


class TestSessions:
    def test_session_cookie_has_security_attributes(self, table: object) -> None:
        visitor = Visitor()
        visitor.sign_in()
        page = visitor.get("/admin/sign-in")
        (cookie,) = Visitor().send("GET", "/admin/sign-in").cookies
        assert page.cookies == ()
        name, *attributes = cookie.split("; ")
        assert name.startswith("__Host-muster=")
        assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} <= set(attributes)
        assert not any(attribute.startswith("Domain") for attribute in attributes)

    def test_sign_in_changes_the_session_id(self, table: object) -> None:
        visitor = Visitor()
        visitor.get("/admin")
        before = dict(visitor.cookies)
        visitor.sign_in()
        assert visitor.cookies != before
        planted = Visitor()
        planted.cookies = before
        assert planted.send("GET", "/admin").status == 303

    def test_sign_out_ends_the_session(self, operator_visitor: Visitor) -> None:
        attacker = Visitor()
        attacker.cookies = dict(operator_visitor.cookies)
        assert attacker.send("GET", "/admin").status == 200
        page = operator_visitor.get("/admin")
        operator_visitor.submit(page, page.form("/sign-out"))
        assert attacker.send("GET", "/admin").status == 303

    def test_changed_password_ends_operator_sessions(self, operator_visitor: Visitor) -> None:
        secrets, name = boto3.client("secretsmanager"), ENVIRONMENT["PASSWORD_SECRET"]
        secrets.put_secret_value(SecretId=name, SecretString="another battery staple")
        try:
            later = Visitor(ConsoleApplication())
            later.cookies = dict(operator_visitor.cookies)
            assert later.send("GET", "/admin").status == 303
        finally:
            secrets.put_secret_value(SecretId=name, SecretString=PASSWORD)

    def test_session_expires_after_eight_hours(
        self, operator_visitor: Visitor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = time.time()
        monkeypatch.setattr("handlers.console.application.time.time", lambda: now + 8 * 3_600 + 1)
        assert operator_visitor.send("GET", "/admin").status == 303

    @pytest.mark.parametrize("change", ["payload", "signature", "empty signature", "random text"])
    def test_forged_cookie_is_ignored(self, operator_visitor: Visitor, change: str) -> None:
        ((name, value),) = operator_visitor.cookies.items()
        payload, _, mac = value.partition(".")
        session = json.loads(base64.urlsafe_b64decode(payload)) | {"actor": "another operator"}
        forged = base64.urlsafe_b64encode(json.dumps(session).encode()).decode()
        values = {
            "payload": f"{forged}.{mac}",
            "signature": f"{payload}.{mac[::-1]}",
            "empty signature": f"{payload}.",
        }
        operator_visitor.cookies = {name: values.get(change, "\u00e9.\u00e9")}
        assert operator_visitor.send("GET", "/admin").status == 303

    def test_session_survives_master_key_rotation(
        self, operator_visitor: Visitor, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Sessions and forms are valid until the generation that signed them is dropped."""
        monkeypatch.setattr("scim.auth.cached_secret._is_within", lambda *_: False)  # read the secret for each request
        (first,) = parse_key_ring(MASTER_KEY, "").generations
        second = create_generation(2, time.time() - 1)
        connect = operator_visitor.get(f"/admin/tenants/{tenant[0]}/settings")
        try:
            put_master_key(format_key_ring(KeyRing((second, first))))
            assert operator_visitor.submit(connect, connect.form("/mode"), strict="on").status == 200
            later = Visitor()
            later.sign_in()
            put_master_key(format_key_ring(KeyRing((second,))))
            assert later.get("/admin").status == 200
            assert operator_visitor.send("GET", "/admin").status == 303
        finally:
            put_master_key(MASTER_KEY)
            Visitor().send("GET", "/admin")  # the function reads the key again


class TestForms:
    @pytest.mark.parametrize("token", [None, "", "wrong", "of another session"])
    @pytest.mark.parametrize(
        ("path", "form"),
        [
            ("token", "/token"),
            ("token", "/revoke"),
            ("settings", "/mode"),
            ("settings", "/disconnect"),
            ("access", "/invite"),
            ("access", "/revoke-invitations"),
            ("access", "/sign-out"),
        ],
    )
    def test_form_without_csrf_token_is_rejected(
        self, operator_visitor: Visitor, tenant: Tenant, path: str, form: str, token: str | None
    ) -> None:
        page = operator_visitor.get(f"/admin/tenants/{tenant[0]}/{path}")
        other = Visitor().get("/admin/sign-in").forms[0].fields["csrf"]
        target = page.form(form)
        del target.fields["csrf"]
        fields = {} if token is None else {"csrf": other if token == "of another session" else token}
        assert operator_visitor.post(page, target, **fields).status == 403
        assert operator_visitor.get("/admin").status == 200

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
    def test_other_methods_are_405(self, operator_visitor: Visitor, method: str) -> None:
        response = operator_visitor.send(method, "/admin")
        assert (response.status, response.headers["allow"]) == (405, "GET, POST")
        overriding = {"x-http-method-override": "POST"}
        assert operator_visitor.send("GET", "/admin/sign-out", headers=overriding).status == 405


class TestTenants:
    def test_guest_sees_only_the_tenant_of_the_invitation(
        self, operator_visitor: Visitor, tenant: Tenant, scim: Endpoint
    ) -> None:
        name, _ = tenant
        guest = Visitor()
        assert accept(invite(operator_visitor, name), guest).url.endswith(f"/admin/tenants/{name}/connect")
        assert guest.get("/admin").url == f"/admin/tenants/{name}"
        other = get_tenant_id(scim)
        for path in PAGES:
            assert guest.get(f"/admin/tenants/{name}{path}").status == 200
            assert guest.get(f"/admin/tenants/{other}{path}").status == 404
            assert operator_visitor.get(f"/admin/tenants/{other}{path}").status == 200
        csrf = guest.get(f"/admin/tenants/{name}/connect").forms[0].fields["csrf"]
        operator_actions = ("settings/disconnect", "settings/mode", "access/invite", "access/revoke-invitations")
        for action in ("token", "token/revoke", "access/request", *operator_actions):
            assert guest.send("POST", f"/admin/tenants/{other}/{action}", {"csrf": csrf}).status == 404
        for action in operator_actions:
            assert guest.send("POST", f"/admin/tenants/{name}/{action}", {"csrf": csrf}).status == 404
        for path in ("access", "settings"):
            assert guest.get(f"/admin/tenants/{name}/{path}").status == 404
            assert operator_visitor.get(f"/admin/tenants/{name}/{path}").status == 200
        assert guest.send("POST", "/admin", {"csrf": csrf, "tenant": "mine"}).status == 404

    def test_invitation_is_accepted_once_and_only_by_post(self, operator_visitor: Visitor, tenant: Tenant) -> None:
        link = invite(operator_visitor, tenant[0])
        for _ in range(3):
            assert Visitor().get(link).status == 200
        first, second = Visitor(), Visitor()
        invitation_page = second.get(link)
        assert accept(link, first).status == 200
        assert second.submit(invitation_page, invitation_page.forms[0]).status == 410
        assert Visitor().get(link).status == 410

    @pytest.mark.parametrize("action", ["revoke-invitations", "disconnect"])
    def test_revoked_invitations_end_guest_sessions(
        self, operator_visitor: Visitor, tenant: Tenant, action: str
    ) -> None:
        name = tenant[0]
        unused, guest, waiting = invite(operator_visitor, name), Visitor(), Visitor()
        accept(invite(operator_visitor, name), guest)
        invitation_page = waiting.get(unused)
        assert guest.get(f"/admin/tenants/{name}/users").status == 200

        pages = {"revoke-invitations": "access", "disconnect": "settings"}
        page = operator_visitor.get(f"/admin/tenants/{name}/{pages[action]}")
        operator_visitor.submit(page, page.form(f"/{action}"), confirmation=name)

        for path in PAGES:
            assert guest.get(f"/admin/tenants/{name}{path}").status == 404
        assert waiting.submit(invitation_page, invitation_page.forms[0]).status == 410
        assert Visitor().get(unused).status == 410
        if action == "disconnect":
            page = operator_visitor.get(f"/admin/tenants/{name}/access")
            assert not [form for form in page.forms if form.action.endswith(("/invite", "/revoke-invitations"))]
            page = operator_visitor.get(f"/admin/tenants/{name}/token")
            operator_visitor.submit(page, page.form("/token"))
        assert guest.get(f"/admin/tenants/{name}").status == 404
        assert Visitor().get(unused).status == 410
        new_guest = Visitor()
        assert accept(invite(operator_visitor, name), new_guest).status == 200
        assert new_guest.get(f"/admin/tenants/{name}/users").status == 200

    def test_disconnected_tenant_has_no_invitations(
        self, operator_visitor: Visitor, tenant: Tenant, operator: TenantService
    ) -> None:
        page = operator_visitor.get(f"/admin/tenants/{tenant[0]}/access")
        operator.disconnect(tenant[0])
        assert operator_visitor.submit(page, page.form("/invite")).status == 409

    def test_invitation_secret_is_not_stored(self, operator_visitor: Visitor, tenant: Tenant, table: object) -> None:
        link = invite(operator_visitor, tenant[0])
        items = boto3.client("dynamodb").scan(TableName=ENVIRONMENT["TABLE_NAME"])["Items"]
        assert "S#invitation" in str(items)
        assert link.rpartition("/")[2] not in str(items)

    def test_invitation_expires_before_acceptance(self, tenant: Tenant, settings: Settings) -> None:
        now = [1_000_000_000.0]
        invitations = replace(
            build_operator_adapters(settings, "tests").build_administration().invitations, now=lambda: now[0]
        )
        invitation = invitations.invite(tenant[0])
        assert invitations.find(invitation.secret, "visitor").tenant_id == tenant[0]
        now[0] += DEFAULT_LIFETIME_S
        with pytest.raises(InvalidInvitation):
            invitations.accept(invitation.secret, "visitor", "session")
        audit_event = AuditEvent("1", "2026-01-31T09:30:00.000Z", AuditAction.ACCEPT, "tests", {})
        digest = sha256(invitation.secret.encode()).hexdigest()
        assert (
            invitations.invitation_store.accept(
                digest, invitation, Acceptance("visitor", "session", now[0]), audit_event
            )
            is None
        )
        assert Visitor().get(f"/admin/invitation/{invitation.secret}").status == 410

    @pytest.mark.parametrize("name", ["ACME", "..", "%2e%2e", "a" * 41, "acme%2Fconnect", "unknown"])
    def test_unknown_tenant_is_404(self, operator_visitor: Visitor, name: str) -> None:
        assert operator_visitor.get(f"/admin/tenants/{name}").status == 404


class TestTokens:
    def test_token_is_shown_once_and_not_logged(
        self, operator_visitor: Visitor, table: object, read_log: Callable[[], str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = operator_visitor.get("/admin")
        page = operator_visitor.submit(page, page.form("/admin"), tenant="once-only")
        page = operator_visitor.get("/admin/tenants/once-only/token")
        form = page.form("/token")
        assert "muster_" not in page.text
        first_response = operator_visitor.post(page, form)
        token = first_response.value("token")
        assert first_response.headers["cache-control"] == "no-store"
        assert token not in first_response.url
        now = time.time()
        monkeypatch.setattr("handlers.console.application.time.time", lambda: now + 60)
        second_response = operator_visitor.post(page, form)
        assert second_response.status == 409
        other_pages = [operator_visitor.get(f"/admin/tenants/once-only{path}") for path in PAGES]
        assert not any("muster_once" in response.text for response in (second_response, *other_pages))
        assert "once-only" in read_log()
        assert token not in read_log()
        assert PASSWORD not in read_log()

    @pytest.mark.parametrize("state", ["waiting", "connected", "disconnected"])
    @pytest.mark.parametrize("grace", ["day", "none"])
    @pytest.mark.parametrize("call", ["read", "read_stages", "add_pending", "create_secret", "promote", "after"])
    def test_concurrent_token_forms_show_one_token(
        self,
        operator_visitor: Visitor,
        operator: TenantService,
        state: str,
        grace: str,
        call: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        name = f"twice-{state}-{grace}-{call.replace('_', '-')}"
        issued = operator.connect(name)
        if state != "waiting":
            operator.tokens.mark_revealed(issued)
        if state == "disconnected":
            operator.disconnect(name)
        page = operator_visitor.get(f"/admin/tenants/{name}/token")
        responses: list[Page] = []

        def send() -> None:
            responses.append(operator_visitor.post(page, page.form("/token"), grace=grace))

        if call != "after":
            original = getattr(SecretsManagerTokenStore, call)

            def send_concurrently(*arguments: Any, **keywords: Any) -> Any:
                monkeypatch.setattr(SecretsManagerTokenStore, call, original)
                send()
                return original(*arguments, **keywords)

            monkeypatch.setattr(SecretsManagerTokenStore, call, send_concurrently)
        send()
        if len(responses) == 1:
            send()
        assert [response.status for response in responses] == [200, 200]
        first, second = (response.value("token") for response in responses)
        assert first == second
        assert Endpoint(first).request("GET", "/Users").status == 200
        assert (issued.token == first) == (state == "waiting")

    def test_token_is_replayed_to_its_session_only(self, operator_visitor: Visitor, tenant: Tenant) -> None:
        others = Visitor()
        others.sign_in()
        pages = [visitor.get(f"/admin/tenants/{tenant[0]}/token") for visitor in (operator_visitor, others)]
        token = operator_visitor.post(pages[0], pages[0].form("/token")).value("token")
        assert others.post(pages[1], pages[1].form("/token")).status == 409
        assert operator_visitor.post(pages[0], pages[0].form("/token"), version="1").status == 409
        assert operator_visitor.post(pages[0], pages[0].form("/token"), version="9" * 5_000).status == 409
        later = operator_visitor.get(pages[0].url)
        assert operator_visitor.post(later, later.form("/token"), force="yes").value("token") != token

    @pytest.mark.parametrize("action", ["revoke", "rotate"])
    def test_revoked_token_is_not_replayed(
        self, operator_visitor: Visitor, tenant: Tenant, operator: TenantService, action: str
    ) -> None:
        page = operator_visitor.get(f"/admin/tenants/{tenant[0]}/token")
        assert operator_visitor.post(page, page.form("/token")).status == 200
        operator.tokens.revoke(tenant[0]) if action == "revoke" else operator.tokens.rotate(tenant[0], is_forced=True)
        assert operator_visitor.post(page, page.form("/token")).status == 409


class TestPages:
    def test_hostile_names_are_escaped(self, operator_visitor: Visitor, tenant: Tenant) -> None:
        name, scim = tenant
        hostile = scim.create(userName=HOSTILE, displayName=HOSTILE, emails=[{"value": HOSTILE}], externalId=HOSTILE)
        scim.create(userName=f"second {HOSTILE}", displayName=HOSTILE)
        here = f"/admin/tenants/{name}"
        paths = (
            *PAGES,
            "/users?search=alert",
            f"/users/{hostile['id']}",
            "/users?search=%3Cscript%3Ealert(1)%3C/script%3E",
        )
        pages_with_name = 0
        for path in paths:
            if path.endswith((".csv", ".jsonl")):
                continue
            page = operator_visitor.get(here + path)
            assert page.status == 200
            pages_with_name += "alert(1)" in page.text
            assert page.scripts == [build_asset_path(name) for name in ("copy.js", "refresh.js", "times.js")], path
            for tag, attributes in page.tags:
                assert tag not in ("img", "iframe", "object", "style"), path
                assert tag != "script" or set(attributes) == {"src", "defer"}, path
                assert not any(attribute.startswith("on") or attribute == "style" for attribute in attributes), path
        assert pages_with_name >= 4

    def test_names_in_links_are_quoted(self, operator_visitor: Visitor, tenant: Tenant) -> None:
        name, scim = tenant
        scim.create(userName="javascript:alert(1)&who=x#y")
        (link,) = (link for link in operator_visitor.get(f"/admin/tenants/{name}/log").links if "search=" in link)
        assert link == f"/admin/tenants/{name}/users?search=javascript%3Aalert%281%29%26who%3Dx%23y"

    @pytest.mark.parametrize("path", ["", "/users", "/users.csv", "/nowhere"])
    def test_head_is_get_without_a_body(self, operator_visitor: Visitor, tenant: Tenant, path: str) -> None:
        get, head = (operator_visitor.send(method, f"/admin/tenants/{tenant[0]}{path}") for method in ("GET", "HEAD"))

        assert (head.status, head.headers, head.content) == (get.status, get.headers, b"")
        assert get.content

    def test_responses_have_security_headers(self, operator_visitor: Visitor, tenant: Tenant) -> None:
        here = f"/admin/tenants/{tenant[0]}"
        responses = [operator_visitor.send("GET", here + path) for path in PAGES]
        responses += [
            Visitor().send("GET", path) for path in ("/admin", "/admin/sign-in", "/admin/nowhere", "/admin/assets/x/y")
        ]
        responses += [
            Visitor().send("POST", "/admin/sign-in", {"csrf": "wrong"}),
            operator_visitor.send("DELETE", "/admin"),
        ]
        for response in responses:
            for name, value in SECURITY_HEADERS.items():
                assert response.headers[name.lower()] == value
            assert "strict-transport-security" in response.headers
        assert {response.status for response in responses} == {200, 303, 403, 404, 405}

    def test_only_listed_assets_are_served(self, operator_visitor: Visitor) -> None:
        page = operator_visitor.get("/admin")
        (style,) = (tag["href"] for name, tag in page.tags if name == "link" and tag["rel"] == "stylesheet")
        assert style is not None
        style_sheet = Visitor().send("GET", style)
        assert (style_sheet.status, style_sheet.headers["content-type"]) == (200, "text/css; charset=utf-8")
        assert "immutable" in style_sheet.headers["cache-control"]
        for path in page.scripts:
            script = Visitor().send("GET", path)
            assert (script.status, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
        for path in ("../view.py", "..%2fview.py", "%252e%252e/view.py", "x/../../application.py", "console.css"):
            assert Visitor().send("GET", f"/admin/assets/{path}").status == 404

    @pytest.mark.parametrize("query", ["next=https://evil.example", "to=//evil.example", "return=/%5cevil.example"])
    def test_redirects_stay_in_the_console(self, table: object, query: str) -> None:
        visitor = Visitor()
        page = visitor.get(f"/admin/sign-in?{query}")
        response = visitor.post(page, page.form("/sign-in"), password=PASSWORD)
        assert (response.status, response.headers["location"]) == (303, "/admin")

    @pytest.mark.parametrize(
        ("path", "wanted"),
        [
            ("/tenants/acme/log?status=failures", "/tenants/acme/log?status=failures"),
            ("/tenants/acme/users?search=ada%40example.com", "/tenants/acme/users?search=ada%40example.com"),
            ("/tenants/acme/users?search=" + "a" * 1_000, ""),
            ("/tenants/acme/users?search=<script>", ""),
            ("", ""),
        ],
    )
    def test_requested_page_follows_sign_in(self, table: object, path: str, wanted: str) -> None:
        visitor = Visitor()
        page = visitor.get(f"/admin{path}")
        assert page.url == "/admin/sign-in"
        assert visitor.post(page, page.form("/sign-in"), password="wrong").status == 403
        response = visitor.post(page, page.form("/sign-in"), password=PASSWORD)
        assert (response.status, response.headers["location"]) == (303, f"/admin{wanted}")

    @pytest.mark.parametrize(
        ("address", "is_own"),
        [
            ("/admin", True),
            ("/admin/tenants/acme/users?search=O%27Hara%20(x)", True),
            ("/administrator", False),
            ("//admin", False),
            ("/admin//evil.example", False),
            ("/admin/\\evil.example", False),
            ("/admin/x\r\nSet-Cookie: a=b", False),
            ("/admin?x\n", False),
            ("https://evil.example/admin", False),
            ("/scim/v2/Users", False),
            ("", False),
        ],
    )
    def test_redirect_accepts_console_paths_only(self, address: str, is_own: bool) -> None:
        assert redirect_to_path(address).headers["Location"] == (address if is_own else "/admin")

    def test_fault_page_has_no_internals(
        self, operator_visitor: Visitor, monkeypatch: pytest.MonkeyPatch, read_log: Callable[[], str]
    ) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("ada@example.com")

        monkeypatch.setattr("scim.store.monitoring.health_store.DynamoDBHealthStore.list_records", fail)
        response = operator_visitor.send("GET", "/admin")
        assert response.status == 500
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert "ada@" not in response.text
        assert "RuntimeError" in read_log()

    def test_trailing_slash_is_accepted(self, operator_visitor: Visitor) -> None:
        assert Visitor().get("/admin/").url == "/admin/sign-in"
        assert operator_visitor.get("/admin/").text == operator_visitor.get("/admin").text

    def test_scim_paths_respond_with_scim(self, table: object) -> None:
        response = Visitor().send("GET", "/administrator")
        assert response.status == 401
        assert response.headers["content-type"] == "application/scim+json"
