"""Requests with a mistyped, truncated or forged token: their cost, and how the audit log reports them."""

import time
from collections.abc import Callable
from typing import Any
from zlib import crc32

import boto3
import pytest

from scim.auth import token_format
from scim.auth.rejected_tokens import MAX_RECORDED_REQUESTS
from scim.service.model.audit.failure import FailureKind
from scim.service.tenants.tenant_service import TenantService
from tests.endpoint import ENVIRONMENT, Endpoint
from tests.handlers.conftest import Log
from tests.handlers.tenants import get_tenant_id, open_audit_log, start_environment

Failures = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def cached(scim: Endpoint) -> Endpoint:
    """Return an endpoint in an execution environment that has cached the tenant."""
    endpoint = start_environment(scim.token)
    assert endpoint.request("GET", "/Users").status == 200
    return endpoint


@pytest.fixture
def authenticate_later(monkeypatch: pytest.MonkeyPatch) -> Callable[[Endpoint], None]:
    """Return a function that sends a request with the valid token, when the environment reads the tenant again."""

    def authenticate_later(endpoint: Endpoint) -> None:
        later = time.time() + 61
        monkeypatch.setattr("handlers.http.application.time.time", lambda: later)
        assert endpoint.request("GET", "/Users").status == 200

    return authenticate_later


MALFORMED: dict[str, tuple[Callable[[str], str], str]] = {
    "cut off": (lambda token: f"Bearer {token[:-3]}", "token-cut-short"),
    "cut off before its tag": (lambda token: f"Bearer {token[:-70]}", "token-cut-short"),
    "mistyped": (
        lambda token: f"Bearer {token[:-40]}{'B' if token[-40] == 'A' else 'A'}{token[-39:]}",
        "token-malformed",
    ),
    "in quotes": (lambda token: f'Bearer "{token}"', "token-with-other-text"),
    "twice Bearer": (lambda token: f"Bearer Bearer {token}", "token-with-bearer"),
    "without Bearer": (lambda token: token, "token-without-bearer"),
    "with a space": (lambda token: f"Bearer {token[:30]} {token[30:]}", "token-with-other-text"),
}


UNPROVEN = "cut off before its tag"
"""The form that anyone can send, so it causes no call. The others contain the start of a token of this stack."""


@pytest.mark.parametrize("form", MALFORMED)
def test_malformed_token_is_counted(
    cached: Endpoint,
    failures: Failures,
    log: Log,
    calls: list[str],
    authenticate_later: Callable[[Endpoint], None],
    form: str,
) -> None:
    write, rule = MALFORMED[form]
    assert cached.request("GET", "/Users", authorization=write(cached.token)).status == 401
    assert calls == ([] if form == UNPROVEN else ["UpdateItem", "UpdateItem"])
    line = log.last
    authenticate_later(cached)

    (record,) = failures()
    assert (record["sk"][:2], record["rule"], record["count"]) == ("Y#", rule, 1)
    assert (line["unverified_tenant"], line["rule"]) == (get_tenant_id(cached), rule)
    assert "rejected_tenant" not in line


def test_word_bearer_is_reported_at_the_first_connection_test(scim: Endpoint, failures: Failures, log: Log) -> None:
    """Okta's wizard sends this if the token is pasted with the word. No execution environment has cached the tenant."""
    endpoint = start_environment(scim.token)

    response = endpoint.request("GET", "/Users?startIndex=1&count=2", authorization=f"Bearer Bearer {scim.token}")

    assert (response.status, response.headers["www-authenticate"]) == (
        401,
        'Bearer realm="SCIM", error="invalid_token"',
    )
    assert "enter the token without this word" in response.json()["detail"]
    assert (log.last["unverified_tenant"], log.last["rule"]) == (get_tenant_id(scim), "token-with-bearer")
    (entry,) = [entry for entry in open_audit_log(scim).read_page().entries if entry.kind == "malformed-token"]
    assert "the word Bearer is sent twice" in entry.summary
    assert "enter the token without the word Bearer" in entry.remediation
    assert open_audit_log(scim).find_last_failure() is None


def test_cut_token_is_reported_at_the_first_connection_test(scim: Endpoint, failures: Failures, log: Log) -> None:
    """The identity provider has never sent a valid token, and no execution environment has cached the tenant."""
    endpoint = start_environment(scim.token)

    response = endpoint.request("GET", "/Users?startIndex=1&count=2", authorization=f"Bearer {scim.token[:-7]}")

    assert response.status == 401
    assert "The token is cut short. Copy the whole token" in response.json()["detail"]
    assert (log.last["unverified_tenant"], log.last["rule"]) == (get_tenant_id(scim), "token-cut-short")
    (entry,) = [entry for entry in open_audit_log(scim).read_page().entries if entry.kind == "malformed-token"]
    assert "it is cut short" in entry.summary
    (record,) = failures()
    assert record["count"] == 1


def test_count_is_written_once_a_minute(
    cached: Endpoint, failures: Failures, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    authorization = f"Bearer Bearer {cached.token}"
    statuses = {cached.request("GET", "/Users", authorization=authorization).status for _ in range(50)}
    assert (statuses, calls) == ({401}, ["UpdateItem"] * (1 + MAX_RECORDED_REQUESTS))
    assert [record["count"] for record in failures()] == [1]
    seconds = time.time() + 61
    monkeypatch.setattr("handlers.http.application.time.time", lambda: seconds)
    assert cached.request("GET", "/Users").status == 200
    calls.clear()
    cached.request("GET", "/Users", authorization=authorization)

    assert calls == ["UpdateItem", "UpdateItem"]
    assert sum(record["count"] for record in failures()) == 51


def test_unproven_tokens_make_no_call_until_the_next_valid_request(
    cached: Endpoint, failures: Failures, calls: list[str], authenticate_later: Callable[[Endpoint], None]
) -> None:
    for _ in range(50):
        cached.request("GET", "/Users", authorization=f"Bearer {cached.token[:-70]}")
    assert calls == []
    assert failures() == []
    authenticate_later(cached)

    (record,) = failures()
    assert (record["rule"], record["count"]) == ("token-cut-short", 50)


def forge_with_checksum(tenant_id: str, number: int) -> str:
    """Return a token with a public checksum, and no tag of the tenant."""
    body = f"muster_{tenant_id}_{number:043}"
    return f"{body}_{crc32(body.encode()):08x}"


def forge_with_other_key(tenant_id: str, _: int) -> str:
    """Return a well-formed token of another stack."""
    return token_format.create_token(tenant_id, b"the key of another stack")


for_each_forgery = pytest.mark.parametrize("forge", [forge_with_checksum, forge_with_other_key])


@for_each_forgery
@pytest.mark.parametrize("name", ["made-up", "stored"])
def test_forged_token_makes_no_call(
    cached: Endpoint, connect: Any, calls: list[str], name: str, forge: Callable[[str, int], str]
) -> None:
    """The tenant does not exist, or it exists and is not cached."""
    tenant_id = "made-up" if name == "made-up" else get_tenant_id(connect())
    cached.request("GET", "/Users")
    calls.clear()
    forged = [forge(tenant_id, number) for number in range(100)]

    assert {cached.request("GET", "/Users", authorization=f"Bearer {token}").status for token in forged} == {401}
    assert calls == []


@for_each_forgery
def test_forged_tokens_block_no_tenant(scim: Endpoint, forge: Callable[[str, int], str]) -> None:
    """The execution environment that receives the forged tokens has not cached the tenant."""
    endpoint = start_environment(scim.token)
    for number in range(200):
        endpoint.request("GET", "/Users", authorization=f"Bearer {forge(f'made-up-{number}', number)}")

    assert endpoint.request("GET", "/Users").status == 200


def test_malformed_token_causes_no_warning(cached: Endpoint) -> None:
    cached.request("GET", "/Users", authorization=f"Bearer Bearer {cached.token}")
    log = open_audit_log(cached)

    assert (log.get_health().activity.failures.get_count(FailureKind.REJECTED_TOKEN), log.get_health().warnings) == (
        0,
        [],
    )
    assert log.find_last_failure() is None
    assert [day.failures for day in log.get_activity(2)] == [0, 0]


def test_log_and_why_report_malformed_tokens(cached: Endpoint, authenticate_later: Callable[[Endpoint], None]) -> None:
    cached.request("GET", "/Users", authorization=f"Bearer {cached.token[:-3]}")
    authenticate_later(cached)
    log = open_audit_log(cached)
    entries = log.read_page().entries
    diagnosis = "\n".join(log.report_on_person("ada@example.com").diagnosis)

    (entry,) = [entry for entry in entries if entry.kind == "malformed-token"]
    assert entry.summary.startswith("The token is malformed: ")
    assert "Copy the whole token again" in entry.remediation
    assert "At least 1 request with a malformed token in the last 24 hours" in diagnosis
    assert "Copy the whole token again" in diagnosis
    assert "assign the person to the application" not in diagnosis


def test_why_omits_malformed_tokens_for_existing_users(cached: Endpoint) -> None:
    cached.request("GET", "/Users", authorization=f"Bearer Bearer {cached.token}")
    cached.create(userName="ada@example.com")

    assert "malformed" not in "\n".join(open_audit_log(cached).report_on_person("ada@example.com").diagnosis)


def test_first_use_is_in_the_log(cached: Endpoint) -> None:
    (entry,) = [entry for entry in open_audit_log(cached).read_page().entries if entry.kind == "first-use"]

    assert entry.summary == "First request with this token: Connection tested."


def test_connection_test_counts_as_a_request(scim: Endpoint) -> None:
    endpoint = start_environment(scim.token)
    before = "\n".join(open_audit_log(scim).report_on_person("ada@example.com").diagnosis)
    endpoint.request("GET", "/Users?count=1", user_agent="Okta SCIM Client 1.0.0")
    after = "\n".join(open_audit_log(scim).report_on_person("ada@example.com").diagnosis)

    assert "No request with a valid token" in before
    assert "No request with a valid token" not in after
    assert "Its last recorded request was a read at" in after


class TestEditedSecrets:
    def test_invalid_token_secret_is_503_with_advice(
        self, scim: Endpoint, connect: Any, operator: TenantService, log: Log
    ) -> None:
        other = connect()
        name = ENVIRONMENT["SECRET_PREFIX"] + get_tenant_id(scim)
        boto3.client("secretsmanager").put_secret_value(SecretId=name, SecretString="typed by hand")
        endpoint = start_environment(scim.token)

        assert endpoint.request("GET", "/Users").status == 503
        fault = log.lines[-2]
        assert (fault["message"], fault["kind"]) == ("fault", "MalformedSecret")
        assert f"The token in the secret {name} cannot be read" in fault["detail"]
        assert "typed by hand" not in log.text
        assert start_environment(other.token).request("GET", "/Users").status == 200
        issued = operator.tokens.rotate(get_tenant_id(scim), grace_s=0)
        assert start_environment(issued.token).request("GET", "/Users").status == 200

    def test_invalid_master_key_is_503_with_advice(
        self, scim: Endpoint, log: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = f"muster/edited-{get_tenant_id(scim)}"
        boto3.client("secretsmanager").create_secret(Name=name, SecretString='{"key": "typed by hand"}')
        monkeypatch.setenv("MASTER_KEY_SECRET", name)
        endpoint = start_environment(scim.token)

        assert endpoint.request("GET", "/Users").status == 503
        fault = log.lines[-2]
        assert (fault["message"], fault["kind"]) == ("fault", "MalformedSecret")
        assert f"The master key in the secret {name} cannot be read (wrong: generation, starts, key)" in fault["detail"]
        assert "typed by hand" not in log.text
        assert endpoint.request("GET", "/Users", authorization="Bearer x").status == 401
