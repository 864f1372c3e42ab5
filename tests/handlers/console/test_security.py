"""What a stranger, a guest, a thief and a hostile user of a customer can't do."""

import base64
import csv
import io
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
from tests.handlers.console.conftest import FORMULA, HOSTILE
from tests.handlers.console.visitor import Answer, Visitor
from tests.tokens import MASTER_KEY, put_master_key

Tenant = tuple[str, Endpoint]
PAGES = (
    "",
    "/connect",
    "/attributes",
    "/guide/entra",
    "/log",
    "/people",
    "/people?who=nobody",
    "/active-users",
    "/active-users.csv",
)


def invite(operator: Visitor, name: str) -> str:
    page = operator.get(f"/admin/tenants/{name}/connect")
    return operator.submit(page, page.form("/invite")).value("link")


def accept(link: str, guest: Visitor) -> Answer:
    door = guest.get(link)
    return guest.submit(door, door.forms[0])


# Getting in


@pytest.mark.parametrize("path", ["", "/tenants/acme", *(f"/tenants/acme{path}" for path in PAGES)])
def test_visitor_is_redirected_to_sign_in(table: object, path: str) -> None:
    answer = Visitor().send("GET", f"/admin{path}")
    assert (answer.status, answer.headers["location"]) == (303, "/admin/sign-in")


def test_wrong_password_opens_nothing(table: object) -> None:
    visitor = Visitor()
    page = visitor.sign_in("not the password")
    assert page.status == HTTPStatus.FORBIDDEN
    assert "Wrong password. 4 attempts left." in page.text
    assert visitor.send("GET", "/admin").status == 303


def test_password_attempts_are_limited_across_environments(table: object) -> None:
    visitors = [Visitor(ConsoleApplication(), "203.0.113.9") for _ in range(2)]
    for number in range(MAX_ATTEMPTS):
        assert visitors[number % 2].sign_in(f"guess {number}").status == 403
    for visitor in visitors:
        answer = visitor.sign_in(PASSWORD)
        assert answer.status == 429
        assert int(answer.headers["retry-after"]) > 0
    assert Visitor(ConsoleApplication(), "203.0.113.10").sign_in().status == 200


def test_ipv6_network_is_one_source(table: object) -> None:
    for number in range(MAX_ATTEMPTS):
        Visitor(address=f"2001:db8::{number + 1}").sign_in("guess")
    assert Visitor(address="2001:db8::ffff").sign_in().status == 429
    assert Visitor(address="2001:db8:0:1::1").sign_in().status == 200


def test_signing_in_begins_the_count_anew(table: object) -> None:
    for _ in range(3):
        visitor = Visitor(address="203.0.113.77")
        for _ in range(MAX_ATTEMPTS - 1):
            visitor.sign_in("guess")
        assert visitor.sign_in().status == 200


def test_weak_password_is_rejected(table: object) -> None:
    secrets, name = boto3.client("secretsmanager"), ENVIRONMENT["PASSWORD_SECRET"]
    secrets.put_secret_value(SecretId=name, SecretString="hunter2")
    try:
        answer = Visitor(ConsoleApplication()).sign_in("hunter2")
    finally:
        secrets.put_secret_value(SecretId=name, SecretString=PASSWORD)
    assert answer.status == 403
    assert "fewer than 20 characters" in answer.text


# Sessions


def test_session_cookie_has_security_attributes(table: object) -> None:
    visitor = Visitor()
    visitor.sign_in()
    page = visitor.get("/admin/sign-in")
    (cookie,) = Visitor().send("GET", "/admin/sign-in").cookies
    assert page.cookies == ()
    name, *attributes = cookie.split("; ")
    assert name.startswith("__Host-muster=")
    assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} <= set(attributes)
    assert not any(attribute.startswith("Domain") for attribute in attributes)


def test_sign_in_changes_the_session_id(table: object) -> None:
    visitor = Visitor()
    visitor.get("/admin")
    before = dict(visitor.cookies)
    visitor.sign_in()
    assert visitor.cookies != before
    planted = Visitor()
    planted.cookies = before
    assert planted.send("GET", "/admin").status == 303


def test_sign_out_ends_the_session(operator_visits: Visitor) -> None:
    thief = Visitor()
    thief.cookies = dict(operator_visits.cookies)
    assert thief.send("GET", "/admin").status == 200
    page = operator_visits.get("/admin")
    operator_visits.submit(page, page.form("/sign-out"))
    assert thief.send("GET", "/admin").status == 303


def test_changed_password_ends_operator_sessions(operator_visits: Visitor) -> None:
    secrets, name = boto3.client("secretsmanager"), ENVIRONMENT["PASSWORD_SECRET"]
    secrets.put_secret_value(SecretId=name, SecretString="another battery staple")
    try:
        later = Visitor(ConsoleApplication())
        later.cookies = dict(operator_visits.cookies)
        assert later.send("GET", "/admin").status == 303
    finally:
        secrets.put_secret_value(SecretId=name, SecretString=PASSWORD)


def test_session_expires_after_eight_hours(operator_visits: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr("handlers.console.application.time.time", lambda: now + 8 * 3_600 + 1)
    assert operator_visits.send("GET", "/admin").status == 303


@pytest.mark.parametrize("change", ["payload", "signature", "nothing behind the dot", "rubbish"])
def test_forged_cookie_is_ignored(operator_visits: Visitor, change: str) -> None:
    ((name, value),) = operator_visits.cookies.items()
    payload, _, mac = value.partition(".")
    session = json.loads(base64.urlsafe_b64decode(payload)) | {"actor": "somebody else"}
    forged = base64.urlsafe_b64encode(json.dumps(session).encode()).decode()
    values = {
        "payload": f"{forged}.{mac}",
        "signature": f"{payload}.{mac[::-1]}",
        "nothing behind the dot": f"{payload}.",
    }
    operator_visits.cookies = {name: values.get(change, "\u00e9.\u00e9")}
    assert operator_visits.send("GET", "/admin").status == 303


def test_session_survives_master_key_rotation(
    operator_visits: Visitor, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps the generation that signed it, and so do its forms, until that generation is dropped."""
    monkeypatch.setattr("scim.auth.cached_secret._is_within", lambda *_: False)  # read the secret for each request
    (first,) = parse_key_ring(MASTER_KEY, "").generations
    second = create_generation(2, time.time() - 1)
    connect = operator_visits.get(f"/admin/tenants/{tenant[0]}/connect")
    try:
        put_master_key(format_key_ring(KeyRing((second, first))))
        assert operator_visits.submit(connect, connect.form("/mode"), mode="strict").status == 200
        later = Visitor()
        later.sign_in()
        put_master_key(format_key_ring(KeyRing((second,))))
        assert later.get("/admin").status == 200
        assert operator_visits.send("GET", "/admin").status == 303
    finally:
        put_master_key(MASTER_KEY)
        Visitor().send("GET", "/admin")  # the function reads it again


# Forms


@pytest.mark.parametrize("token", [None, "", "wrong", "of another session"])
@pytest.mark.parametrize(
    "form", ["/token", "/mode", "/revoke", "/disconnect", "/invite", "/revoke-invitations", "/sign-out"]
)
def test_form_without_csrf_token_is_rejected(
    operator_visits: Visitor, tenant: Tenant, form: str, token: str | None
) -> None:
    page = operator_visits.get(f"/admin/tenants/{tenant[0]}/connect")
    other = Visitor().get("/admin/sign-in").forms[0].fields["csrf"]
    found = page.form(form)
    del found.fields["csrf"]
    fields = {} if token is None else {"csrf": other if token == "of another session" else token}
    assert operator_visits.post(page, found, **fields).status == 403
    assert operator_visits.get("/admin").status == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_405(operator_visits: Visitor, method: str) -> None:
    answer = operator_visits.send(method, "/admin")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")
    overriding = {"x-http-method-override": "POST"}
    assert operator_visits.send("GET", "/admin/sign-out", headers=overriding).status == 405


# Tenants


def test_guest_sees_only_the_tenant_of_the_invitation(operator_visits: Visitor, tenant: Tenant, scim: Endpoint) -> None:
    name, _ = tenant
    guest = Visitor()
    assert accept(invite(operator_visits, name), guest).url.endswith(f"/admin/tenants/{name}/connect")
    assert guest.get("/admin").url == f"/admin/tenants/{name}"
    other = scim.token.split("_")[1]
    for path in PAGES:
        assert guest.get(f"/admin/tenants/{name}{path}").status == 200
        assert guest.get(f"/admin/tenants/{other}{path}").status == 404
        assert operator_visits.get(f"/admin/tenants/{other}{path}").status == 200
    csrf = guest.get(f"/admin/tenants/{name}/connect").forms[0].fields["csrf"]
    for act in ("token", "revoke", "disconnect", "mode", "invite"):
        assert guest.send("POST", f"/admin/tenants/{other}/connect/{act}", {"csrf": csrf}).status == 404
    for act in ("disconnect", "mode", "invite", "revoke-invitations"):
        assert guest.send("POST", f"/admin/tenants/{name}/connect/{act}", {"csrf": csrf}).status == 404
    assert guest.send("POST", "/admin", {"csrf": csrf, "tenant": "mine"}).status == 404


def test_invitation_is_accepted_once_and_only_by_post(operator_visits: Visitor, tenant: Tenant) -> None:
    link = invite(operator_visits, tenant[0])
    for _ in range(3):
        assert Visitor().get(link).status == 200
    first, second = Visitor(), Visitor()
    door = second.get(link)
    assert accept(link, first).status == 200
    assert second.submit(door, door.forms[0]).status == 410
    assert Visitor().get(link).status == 410


@pytest.mark.parametrize("act", ["revoke-invitations", "disconnect"])
def test_revoked_invitations_end_guest_sessions(operator_visits: Visitor, tenant: Tenant, act: str) -> None:
    name = tenant[0]
    unused, guest, waiting = invite(operator_visits, name), Visitor(), Visitor()
    accept(invite(operator_visits, name), guest)
    door = waiting.get(unused)
    assert guest.get(f"/admin/tenants/{name}/active-users").status == 200

    page = operator_visits.get(f"/admin/tenants/{name}/connect")
    operator_visits.submit(page, page.form(f"/{act}"))

    for path in PAGES:
        assert guest.get(f"/admin/tenants/{name}{path}").status == 404
    assert waiting.submit(door, door.forms[0]).status == 410
    assert Visitor().get(unused).status == 410
    if act == "disconnect":
        page = operator_visits.get(f"/admin/tenants/{name}/connect")
        assert not [form for form in page.forms if form.action.endswith(("/invite", "/revoke-invitations"))]
        operator_visits.submit(page, page.form("/token"))
    assert guest.get(f"/admin/tenants/{name}").status == 404
    assert Visitor().get(unused).status == 410
    again = Visitor()
    assert accept(invite(operator_visits, name), again).status == 200
    assert again.get(f"/admin/tenants/{name}/active-users").status == 200


def test_disconnected_tenant_has_no_invitations(
    operator_visits: Visitor, tenant: Tenant, operator: TenantService
) -> None:
    page = operator_visits.get(f"/admin/tenants/{tenant[0]}/connect")
    operator.disconnect(tenant[0])
    assert operator_visits.submit(page, page.form("/invite")).status == 409


def test_invitation_secret_is_not_stored(operator_visits: Visitor, tenant: Tenant, table: object) -> None:
    link = invite(operator_visits, tenant[0])
    items = boto3.client("dynamodb").scan(TableName=ENVIRONMENT["TABLE_NAME"])["Items"]
    assert "S#invitation" in str(items)
    assert link.rpartition("/")[2] not in str(items)


def test_invitation_expires_before_acceptance(tenant: Tenant, settings: Settings) -> None:
    now = [1_000_000_000.0]
    invitations = replace(
        build_operator_adapters(settings, "tests").build_administration().invitations, now=lambda: now[0]
    )
    invitation = invitations.invite(tenant[0])
    assert invitations.find(invitation.secret, "visitor").tenant_id == tenant[0]
    now[0] += DEFAULT_LIFETIME_S
    with pytest.raises(InvalidInvitation):
        invitations.accept(invitation.secret, "visitor", "session")
    act = AuditEvent("1", "2026-01-31T09:30:00.000Z", AuditAction.ACCEPT, "tests", {})
    digest = sha256(invitation.secret.encode()).hexdigest()
    assert (
        invitations.invitation_store.accept(digest, invitation, Acceptance("visitor", "session", now[0]), act) is None
    )
    assert Visitor().get(f"/admin/invitation/{invitation.secret}").status == 410


@pytest.mark.parametrize("name", ["ACME", "..", "%2e%2e", "a" * 41, "acme%2Fconnect", "nobody"])
def test_unknown_tenant_is_404(operator_visits: Visitor, name: str) -> None:
    assert operator_visits.get(f"/admin/tenants/{name}").status == 404


# Tokens


def test_token_is_shown_once_and_not_logged(
    operator_visits: Visitor, table: object, logged: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = operator_visits.get("/admin")
    page = operator_visits.submit(page, page.form("/admin"), tenant="once-only")
    form = page.form("/token")
    assert "muster_" not in page.text
    shown = operator_visits.post(page, form)
    token = shown.value("token")
    assert shown.headers["cache-control"] == "no-store"
    assert token not in shown.url
    now = time.time()
    monkeypatch.setattr("handlers.console.application.time.time", lambda: now + 60)
    again = operator_visits.post(page, form)
    assert again.status == 409
    later = [operator_visits.get(f"/admin/tenants/once-only{path}") for path in PAGES]
    assert not any("muster_once" in answer.text for answer in (again, *later))
    assert "once-only" in logged()
    assert token not in logged()
    assert PASSWORD not in logged()


@pytest.mark.parametrize("state", ["waiting", "connected", "disconnected"])
@pytest.mark.parametrize("grace", ["day", "none"])
@pytest.mark.parametrize("call", ["read", "read_stages", "add_pending", "create_secret", "promote", "after"])
def test_concurrent_token_forms_show_one_token(
    operator_visits: Visitor,
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
    page = operator_visits.get(f"/admin/tenants/{name}/connect")
    answers: list[Answer] = []

    def send() -> None:
        answers.append(operator_visits.post(page, page.form("/token"), grace=grace))

    if call != "after":
        real = getattr(SecretsManagerTokenStore, call)

        def meanwhile(*given: Any, **named: Any) -> Any:
            monkeypatch.setattr(SecretsManagerTokenStore, call, real)
            send()
            return real(*given, **named)

        monkeypatch.setattr(SecretsManagerTokenStore, call, meanwhile)
    send()
    if len(answers) == 1:
        send()
    assert [answer.status for answer in answers] == [200, 200]
    first, second = (answer.value("token") for answer in answers)
    assert first == second
    assert Endpoint(first).request("GET", "/Users").status == 200
    assert (issued.token == first) == (state == "waiting")


def test_token_is_replayed_to_its_session_and_form_only(operator_visits: Visitor, tenant: Tenant) -> None:
    others = Visitor()
    others.sign_in()
    pages = [each.get(f"/admin/tenants/{tenant[0]}/connect") for each in (operator_visits, others)]
    token = operator_visits.post(pages[0], pages[0].form("/token")).value("token")
    assert others.post(pages[1], pages[1].form("/token")).status == 409
    assert operator_visits.post(pages[0], pages[0].form("/token"), version="1").status == 409
    assert operator_visits.post(pages[0], pages[0].form("/token"), version="9" * 5_000).status == 409
    later = operator_visits.get(pages[0].url)
    assert operator_visits.post(later, later.form("/token"), force="yes").value("token") != token


@pytest.mark.parametrize("act", ["revoke", "rotate"])
def test_revoked_token_is_not_replayed(
    operator_visits: Visitor, tenant: Tenant, operator: TenantService, act: str
) -> None:
    page = operator_visits.get(f"/admin/tenants/{tenant[0]}/connect")
    assert operator_visits.post(page, page.form("/token")).status == 200
    operator.tokens.revoke(tenant[0]) if act == "revoke" else operator.tokens.rotate(tenant[0], is_forced=True)
    assert operator_visits.post(page, page.form("/token")).status == 409


def test_guest_creates_token_only_after_recent_invitation(
    operator_visits: Visitor, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = Visitor()
    page = accept(invite(operator_visits, tenant[0]), guest)
    now = time.time()
    monkeypatch.setattr("handlers.console.application.time.time", lambda: now + 301)
    for act in ("/token", "/revoke"):
        answer = guest.post(page, page.form(act))
        assert answer.status == 403
        assert "new invitation" in answer.text


def test_guest_with_old_sign_in_sees_no_forms(
    operator_visits: Visitor, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = Visitor()
    accept(invite(operator_visits, tenant[0]), guest)
    now = time.time()
    monkeypatch.setattr("handlers.console.application.time.time", lambda: now + 301)
    page = guest.get(f"/admin/tenants/{tenant[0]}/connect")
    assert page.text.count("Ask the person who invited you for a new invitation link.") == 2
    assert [form.action for form in page.forms] == ["/admin/sign-out"]


# Pages


def test_hostile_names_are_escaped(operator_visits: Visitor, tenant: Tenant) -> None:
    name, scim = tenant
    hostile = scim.create(userName=HOSTILE, displayName=HOSTILE, emails=[{"value": HOSTILE}], externalId=HOSTILE)
    scim.create(userName=f"second {HOSTILE}", displayName=HOSTILE)
    here = f"/admin/tenants/{name}"
    paths = (*PAGES, "/people?who=alert", f"/people/{hostile['id']}", "/people?who=%3Cscript%3Ealert(1)%3C/script%3E")
    seen = 0
    for path in paths:
        if path.endswith(".csv"):
            continue
        page = operator_visits.get(here + path)
        assert page.status == 200
        seen += "alert(1)" in page.text
        for tag, attributes in page.tags:
            assert tag not in ("script", "img", "iframe", "object", "style"), path
            assert not any(attribute.startswith("on") or attribute == "style" for attribute in attributes), path
    assert seen >= 4


def test_names_in_links_are_quoted(operator_visits: Visitor, tenant: Tenant) -> None:
    name, scim = tenant
    scim.create(userName="javascript:alert(1)&who=x#y")
    (link,) = (link for link in operator_visits.get(f"/admin/tenants/{name}/log").links if "who=" in link)
    assert link == f"/admin/tenants/{name}/people?who=javascript%3Aalert%281%29%26who%3Dx%23y"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r="])
def test_csv_formulas_are_escaped(operator_visits: Visitor, tenant: Tenant, start: str) -> None:
    name, scim = tenant
    text = f'{start}{FORMULA}, "quoted"'
    scim.create(displayName=text)
    exported = operator_visits.get(f"/admin/tenants/{name}/active-users.csv")
    header, row = csv.reader(io.StringIO(exported.text.removeprefix("\ufeff"), newline=""))
    assert dict(zip(header, row, strict=True))["name"] == f"'{text}"
    assert exported.headers["content-disposition"] == f'attachment; filename="active-users-{name}.csv"'


def test_every_response_has_security_headers(operator_visits: Visitor, tenant: Tenant) -> None:
    here = f"/admin/tenants/{tenant[0]}"
    answers = [operator_visits.send("GET", here + path) for path in PAGES]
    answers += [
        Visitor().send("GET", path) for path in ("/admin", "/admin/sign-in", "/admin/nowhere", "/admin/assets/x/y")
    ]
    answers += [Visitor().send("POST", "/admin/sign-in", {"csrf": "wrong"}), operator_visits.send("DELETE", "/admin")]
    for answer in answers:
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name.lower()] == value
        assert "strict-transport-security" in answer.headers
    assert {answer.status for answer in answers} == {200, 303, 403, 404, 405}


def test_only_listed_assets_are_served(operator_visits: Visitor) -> None:
    page = operator_visits.get("/admin")
    (style,) = (tag["href"] for name, tag in page.tags if name == "link" and tag["rel"] == "stylesheet")
    assert style is not None
    found = Visitor().send("GET", style)
    assert (found.status, found.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in found.headers["cache-control"]
    for path in ("../view.py", "..%2fview.py", "%252e%252e/view.py", "x/../../application.py", "console.css"):
        assert Visitor().send("GET", f"/admin/assets/{path}").status == 404


@pytest.mark.parametrize("query", ["next=https://evil.example", "to=//evil.example", "return=/%5cevil.example"])
def test_redirects_stay_in_the_console(table: object, query: str) -> None:
    visitor = Visitor()
    page = visitor.get(f"/admin/sign-in?{query}")
    answer = visitor.post(page, page.form("/sign-in"), password=PASSWORD)
    assert (answer.status, answer.headers["location"]) == (303, "/admin")


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/tenants/acme/log?failures", "/tenants/acme/log?failures"),
        ("/tenants/acme/people?who=ada%40example.com", "/tenants/acme/people?who=ada%40example.com"),
        ("/tenants/acme/people?who=" + "a" * 1_000, ""),
        ("/tenants/acme/people?who=<script>", ""),
        ("", ""),
    ],
)
def test_requested_page_follows_sign_in(table: object, path: str, wanted: str) -> None:
    visitor = Visitor()
    page = visitor.get(f"/admin{path}")
    assert page.url == "/admin/sign-in"
    assert visitor.post(page, page.form("/sign-in"), password="wrong").status == 403
    answer = visitor.post(page, page.form("/sign-in"), password=PASSWORD)
    assert (answer.status, answer.headers["location"]) == (303, f"/admin{wanted}")


@pytest.mark.parametrize(
    ("address", "is_own"),
    [
        ("/admin", True),
        ("/admin/tenants/acme/people?who=O%27Hara%20(x)", True),
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
def test_redirect_accepts_console_paths_only(address: str, is_own: bool) -> None:
    assert redirect_to_path(address).headers["Location"] == (address if is_own else "/admin")


def test_fault_page_has_no_internals(
    operator_visits: Visitor, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("ada@example.com")

    monkeypatch.setattr("scim.store.tenants.DynamoDBTenantStore.list_ids", fail)
    answer = operator_visits.send("GET", "/admin")
    assert answer.status == 500
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "ada@" not in answer.text
    assert "RuntimeError" in logged()


def test_trailing_slash_is_accepted(operator_visits: Visitor) -> None:
    assert Visitor().get("/admin/").url == "/admin/sign-in"
    assert operator_visits.get("/admin/").text == operator_visits.get("/admin").text


def test_scim_paths_respond_with_scim(table: object) -> None:
    answer = Visitor().send("GET", "/administrator")
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/scim+json"
