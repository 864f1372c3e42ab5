"""Operators sign in with the company's OpenID provider. The provider of the tests can return wrong data."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from handlers.console.application import ConsoleApplication
from scim.auth.console_sign_in.document_cache import DocumentCache
from scim.auth.console_sign_in.openid_provider import OpenIdProvider, SignInPolicy
from scim.service.tenants.tenant_service import TenantService
from tests.endpoint import ENVIRONMENT, PASSWORD
from tests.handlers.console.provider import CLIENT, SECRET, Provider, rsa_key, serve_provider
from tests.handlers.console.visitor import Page, Visitor

CLIENT_SECRET = "company/openid-client-secret"
MEMBER = {"groups": ["staff", "muster-operators"]}


@pytest.fixture
def provider(table: object) -> Iterator[Provider]:
    with serve_provider() as provider:
        configure(issuer=provider.url, groups="muster-operators, muster-owners")
        yield provider
    configure(issuer="")


def configure(client_secret: str = SECRET, **settings: str) -> None:
    client = boto3.client("secretsmanager")
    try:
        client.put_secret_value(SecretId=CLIENT_SECRET, SecretString=client_secret)
    except client.exceptions.ResourceNotFoundException:
        client.create_secret(Name=CLIENT_SECRET, SecretString=client_secret)
    value = {"client_id": CLIENT, "client_secret_arn": CLIENT_SECRET} | settings
    client.put_secret_value(SecretId=ENVIRONMENT["OPENID_SECRET"], SecretString=json.dumps(value))


def sign_in(provider: Provider, visitor: Visitor) -> Page:
    page = visitor.get("/admin")
    assert "/admin/oidc" in page.links
    redirect = visitor.send("GET", "/admin/oidc")
    assert redirect.status == 303
    return visitor.get(provider.authorize(redirect.headers["location"]))


def start_environment_with_cookies(visitor: Visitor) -> Visitor:
    """Return a visitor with the same cookies in a new execution environment."""
    later = Visitor(ConsoleApplication())
    later.cookies = dict(visitor.cookies)
    return later


def test_member_of_an_allowed_group_is_an_operator(provider: Provider) -> None:
    provider.claims = MEMBER | {"email": "ada@example.com", "email_verified": True}
    visitor = Visitor(ConsoleApplication())
    assert sign_in(provider, visitor).status == 200
    assert "<h1>Customers</h1>" in visitor.get("/admin").text


def test_metadata_and_keys_are_cached_for_an_hour(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    provider.claims = MEMBER
    application = ConsoleApplication()
    sign_in(provider, Visitor(application))
    assert sorted(provider.requests) == ["/.well-known/openid-configuration", "/keys", "/token"]
    provider.requests.clear()
    sign_in(provider, Visitor(application))
    assert provider.requests == ["/token"]
    provider.requests.clear()
    started = time.time()
    monkeypatch.setattr("scim.wiring.runtime.time.time", lambda: started + 3_601)
    sign_in(provider, Visitor(application))
    assert sorted(provider.requests) == ["/.well-known/openid-configuration", "/keys", "/token"]


def test_new_key_of_the_provider_is_accepted_immediately(provider: Provider) -> None:
    provider.claims = MEMBER
    application = ConsoleApplication()
    sign_in(provider, Visitor(application))
    provider.key, provider.key_id = rsa_key(2), "2"
    provider.requests.clear()
    assert sign_in(provider, Visitor(application)).status == 200
    assert sorted(provider.requests) == ["/keys", "/token"]


def test_elliptic_curve_signatures_are_accepted(provider: Provider) -> None:
    provider.claims, provider.algorithm = MEMBER, "ES256"
    provider.key = ec.generate_private_key(ec.SECP256R1())
    assert sign_in(provider, Visitor(ConsoleApplication())).status == 200


def test_authorization_request_is_unique_per_browser(provider: Provider) -> None:
    first, second = Visitor(ConsoleApplication()), Visitor(ConsoleApplication())
    queries = []
    for visitor in (first, second):
        visitor.get("/admin")
        queries.append(dict(parse_qsl(urlsplit(visitor.send("GET", "/admin/oidc").headers["location"]).query)))
    assert queries[0]["redirect_uri"] == "https://scim.example.com/admin/oidc/callback"
    assert (queries[0]["response_type"], queries[0]["code_challenge_method"]) == ("code", "S256")
    for name in ("state", "nonce", "code_challenge"):
        assert len(queries[0][name]) == 43
        assert queries[0][name] != queries[1][name]
    assert len({queries[0][name] for name in ("state", "nonce", "code_challenge")}) == 3


def test_response_to_another_browser_is_rejected(provider: Provider) -> None:
    provider.claims = MEMBER
    attacker, victim = Visitor(ConsoleApplication()), Visitor(ConsoleApplication())
    victim.get("/admin")
    attacker.get("/admin")
    callback_url = provider.authorize(attacker.send("GET", "/admin/oidc").headers["location"])
    provider.requests.clear()
    assert victim.get(callback_url).status == 403
    assert provider.requests == []
    assert victim.send("GET", "/admin").status == 303


def test_code_is_valid_once(provider: Provider) -> None:
    provider.claims = MEMBER
    visitor = Visitor(ConsoleApplication())
    visitor.get("/admin")
    callback_url = provider.authorize(visitor.send("GET", "/admin/oidc").headers["location"])
    before = dict(visitor.cookies)
    assert visitor.get(callback_url).status == 200
    visitor.cookies = before
    assert visitor.get(callback_url).status == 503


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({}, "not in an allowed group"),
        ({"groups": []}, "not in an allowed group"),
        ({"groups": "muster-operators"}, "not in an allowed group"),
        ({"groups": ["muster"]}, "not in an allowed group"),
        (MEMBER | {"iss": "https://evil.example"}, "not valid"),
        (MEMBER | {"aud": "another-client"}, "not valid"),
        (MEMBER | {"aud": [CLIENT, "another"]}, "another application"),
        (MEMBER | {"aud": [CLIENT, "another"], "azp": "another"}, "another application"),
        (MEMBER | {"azp": "another"}, "another application"),
        (MEMBER | {"exp": int(time.time()) - 3_600}, "not valid"),
        (MEMBER | {"exp": None}, "not valid"),
        (MEMBER | {"nonce": "another"}, "another sign-in"),
        (MEMBER | {"nonce": None}, "not valid"),
        (MEMBER | {"sub": None}, "not valid"),
    ],
)
def test_invalid_claims_are_rejected(provider: Provider, claims: dict[str, Any], reason: str) -> None:
    provider.claims = claims
    visitor = Visitor(ConsoleApplication())
    response = sign_in(provider, visitor)
    assert response.status == 403
    assert reason in response.text.replace("&#39;", "'")
    assert visitor.send("GET", "/admin").status == 303


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS384"])
def test_other_algorithms_are_rejected(provider: Provider, algorithm: str) -> None:
    provider.claims, provider.algorithm = MEMBER, algorithm
    assert sign_in(provider, Visitor(ConsoleApplication())).status == 403


def test_signature_by_another_key_is_rejected(provider: Provider) -> None:
    provider.claims, provider.published = MEMBER, rsa_key(1)
    assert sign_in(provider, Visitor(ConsoleApplication())).status == 403


@pytest.mark.parametrize(
    "metadata", [{"issuer": "https://evil.example"}, {"token_endpoint": "file:///etc/passwd"}, {"jwks_uri": None}]
)
def test_contradicting_discovery_is_rejected(provider: Provider, metadata: dict[str, Any]) -> None:
    provider.metadata = metadata
    visitor = Visitor(ConsoleApplication())
    visitor.get("/admin")
    assert visitor.send("GET", "/admin/oidc").status == 403


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"email": "ada@EXAMPLE.com", "email_verified": True}, 200),
        ({"email": "ada@example.com", "email_verified": False}, 403),
        ({"email": "ada@example.com"}, 403),
        ({"email": "ada@example.com.evil.example", "email_verified": True}, 403),
        ({"email": "example.com", "email_verified": True}, 403),
        ({}, 403),
    ],
)
def test_allowed_domain_requires_verified_email(provider: Provider, claims: dict[str, Any], status: int) -> None:
    configure(issuer=provider.url, domains="example.com")
    provider.claims = claims
    assert sign_in(provider, Visitor(ConsoleApplication())).status == status


def test_groups_and_domains_are_both_required(provider: Provider) -> None:
    configure(issuer=provider.url, domains="example.com", groups="muster-operators")
    provider.claims = MEMBER
    assert sign_in(provider, Visitor(ConsoleApplication())).status == 403


@pytest.mark.parametrize("missing", ["groups", "client_id", "client_secret_arn"])
def test_incomplete_openid_settings_are_rejected(provider: Provider, missing: str, read_log: Callable[[], str]) -> None:
    configure(**({"issuer": provider.url, "groups": "muster-operators"} | {missing: ""}))
    for path in ("/admin/sign-in", "/admin/oidc"):
        assert Visitor(ConsoleApplication()).send("GET", path).status == 503
    assert f"in the secret {ENVIRONMENT['OPENID_SECRET']} cannot be used" in read_log()
    assert SECRET not in read_log()


def test_missing_client_secret_is_named_in_the_log(provider: Provider, read_log: Callable[[], str]) -> None:
    configure(issuer=provider.url, groups="muster-operators", client_secret_arn="company/none")
    assert Visitor(ConsoleApplication()).send("GET", "/admin/sign-in").status == 503
    assert "in the secret company/none cannot be read: ResourceNotFoundException" in read_log()


@pytest.mark.parametrize("name", ["OPENID_SECRET", "PASSWORD_SECRET"])
def test_binary_secret_is_named_in_the_log(table: object, name: str, read_log: Callable[[], str]) -> None:
    client, secret = boto3.client("secretsmanager"), ENVIRONMENT[name]
    before = client.get_secret_value(SecretId=secret)["SecretString"]
    client.put_secret_value(SecretId=secret, SecretBinary=b"edited")
    try:
        visitor = Visitor(ConsoleApplication())
        response = visitor.send("GET", "/admin/sign-in") if name == "OPENID_SECRET" else visitor.sign_in()
        assert response.status == 503
    finally:
        client.put_secret_value(SecretId=secret, SecretString=before)
    assert f"secret {secret} " in read_log()


def test_password_is_rejected_with_openid_provider(provider: Provider) -> None:
    configure(issuer="")
    visitor = Visitor(ConsoleApplication())
    page = visitor.get("/admin")
    configure(issuer=provider.url, groups="muster-operators")
    later = start_environment_with_cookies(visitor)
    assert later.get("/admin").forms == []
    assert later.post(page, page.form("/sign-in"), password=PASSWORD).status == 404


def test_token_requires_recent_auth_time(provider: Provider, operator: TenantService) -> None:
    provider.claims = MEMBER
    operator.connect("by-openid")
    visitor = Visitor(ConsoleApplication())
    assert sign_in(provider, visitor).status == 200
    page = visitor.get("/admin/tenants/by-openid/token")
    assert "/admin/oidc?to=/admin/tenants/by-openid/token" in page.links
    fields = page.form("/sign-out").fields
    assert visitor.send("POST", page.url, fields).status == 403
    reauthentication_url = visitor.send("GET", next(link for link in page.links if "/oidc" in link)).headers["location"]
    assert dict(parse_qsl(urlsplit(reauthentication_url).query))["max_age"] == "0"
    assert "tenants" not in reauthentication_url
    page = visitor.get(provider.authorize(reauthentication_url))
    assert page.url == "https://scim.example.com/admin/tenants/by-openid/token"
    assert visitor.post(page, page.form("/token")).value("token").startswith("muster_by-openid_")


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ({"auth_time": None}, "no auth_time claim"),
        ({"auth_time": "now"}, "no auth_time claim"),
        ({"auth_time": int(time.time()) - 3_600}, "older than five minutes"),
    ],
)
def test_reauthentication_without_auth_time_keeps_the_session(
    provider: Provider, claim: dict[str, Any], reason: str
) -> None:
    provider.claims = MEMBER | claim
    visitor = Visitor(ConsoleApplication())
    page = sign_in(provider, visitor)
    assert page.status == 200
    reauthentication_url = visitor.send("GET", "/admin/oidc").headers["location"]
    before = dict(visitor.cookies)
    response = visitor.get(provider.authorize(reauthentication_url))
    assert response.status == 403
    assert reason in response.text
    assert "muster" in response.text
    assert visitor.cookies == before
    assert [form.action for form in page.forms] == ["/admin/search", "/admin/sign-out"]
    fields = page.form("/sign-out").fields | {"tenant": "rejected"}
    assert visitor.send("POST", "/admin", fields).status == 403


def test_reauthentication_allows_adding_a_customer(provider: Provider) -> None:
    provider.claims = MEMBER
    visitor = Visitor(ConsoleApplication())
    page = sign_in(provider, visitor)
    assert [link for link in page.links if "/oidc" in link] == ["/admin/oidc?to=/admin"]
    page = visitor.get(provider.authorize(visitor.send("GET", "/admin/oidc?to=/admin").headers["location"]))
    assert visitor.submit(page, page.form("/admin"), tenant="fresh").url.endswith("/admin/tenants/fresh/connect")


def test_future_auth_time_is_recent_for_five_minutes(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the provider's clock is wrong, the sign-in is still recent for only five minutes."""
    now = time.time()
    provider.claims = MEMBER | {"auth_time": int(now) + 36_000}
    visitor = Visitor(ConsoleApplication())
    page = sign_in(provider, visitor)
    assert [form for form in page.forms if form.action == "/admin"]
    monkeypatch.setattr("handlers.console.application.time.time", lambda: now + 301)
    assert visitor.post(page, page.form("/admin"), tenant="future").status == 403


def test_requested_page_follows_sign_in(provider: Provider) -> None:
    provider.claims = MEMBER
    visitor = Visitor(ConsoleApplication())
    visitor.get("/admin?after=acme")
    redirect = visitor.send("GET", "/admin/oidc")
    assert visitor.get(provider.authorize(redirect.headers["location"])).url.endswith("/admin?after=acme")


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/scim/v2/Users", "/admin/%5C%0Aevil", ""])
def test_reauthentication_redirects_stay_in_the_console(provider: Provider, to: str) -> None:
    provider.claims = MEMBER
    visitor = Visitor(ConsoleApplication())
    sign_in(provider, visitor)
    redirect = visitor.send("GET", f"/admin/oidc?to={to}")
    response = visitor.send("GET", provider.authorize(redirect.headers["location"]))
    assert (response.status, response.headers["location"]) == (303, "/admin")


def test_changed_allowed_groups_end_sessions(provider: Provider) -> None:
    provider.claims = MEMBER
    visitor = Visitor(ConsoleApplication())
    sign_in(provider, visitor)
    configure(issuer=provider.url, groups="others")
    later = start_environment_with_cookies(visitor)
    assert later.send("GET", "/admin").status == 303


@pytest.mark.parametrize(
    "change",
    [
        {"client_secret": "another"},
        {"client_id": "another"},
        {"groups": "muster-operators"},
        {"groups_claim": "roles"},
        {"domains": "example.com"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_setting_ends_sessions(provider: Provider, change: dict[str, str]) -> None:
    """All settings of the provider are part of the session's credential, including the client secret."""
    provider.claims = MEMBER
    visitor = Visitor(ConsoleApplication())
    sign_in(provider, visitor)
    configure(**({"issuer": provider.url, "groups": "muster-operators, muster-owners"} | change))
    later = start_environment_with_cookies(visitor)
    assert later.send("GET", "/admin").status == 303


def test_other_order_of_groups_keeps_sessions(provider: Provider) -> None:
    provider.claims = MEMBER
    visitor = Visitor(ConsoleApplication())
    sign_in(provider, visitor)
    configure(issuer=provider.url, groups="muster-owners, muster-operators")
    later = start_environment_with_cookies(visitor)
    assert later.send("GET", "/admin").status == 200


SETTINGS = OpenIdProvider(
    "https://idp.example.com",
    CLIENT,
    SECRET,
    SignInPolicy(frozenset(f"group-{number}" for number in range(9)), frozenset({"a.example", "b.example"}), "groups"),
    DocumentCache(time.time),
)


def test_sessions_are_valid_in_all_processes() -> None:
    """The digest of the credential does not depend on the process's hash seed."""
    script = (
        "from handlers.console.sessions import SessionCodec\n"
        "from tests.handlers.console.test_openid import SETTINGS\n"
        "print(SessionCodec(b'key', 0, True).digest_credential(SETTINGS.serialize()))"
    )
    root = Path(__file__).parents[3]
    path = os.pathsep.join([str(root), str(root / "src")])
    digests = {
        subprocess.run(  # noqa: S603  # our own script
            [sys.executable, "-c", script],
            env=os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": path},
            capture_output=True,
            check=True,
        ).stdout
        for seed in range(4)
    }
    assert len(digests) == 1


def test_all_settings_are_serialized() -> None:
    changed = [
        replace(SETTINGS, issuer="x"),
        replace(SETTINGS, client_id="x"),
        replace(SETTINGS, client_secret="x"),
        replace(SETTINGS, sign_in_policy=replace(SETTINGS.sign_in_policy, groups=frozenset({"x"}))),
        replace(SETTINGS, sign_in_policy=replace(SETTINGS.sign_in_policy, domains=frozenset())),
        replace(SETTINGS, sign_in_policy=replace(SETTINGS.sign_in_policy, groups_claim="x")),
    ]
    assert len({provider.serialize() for provider in [SETTINGS, *changed]}) == 7


def test_openid_paths_are_404_without_provider(table: object) -> None:
    for path in ("/admin/oidc", "/admin/oidc/callback?code=1&state=2"):
        assert Visitor().send("GET", path).status == 404
