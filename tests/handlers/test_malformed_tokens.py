"""Requests with a token that was mistyped, cut off or forged: what they cost, and what the tenant is told of them."""

import os
from collections.abc import Callable
from typing import Any
from zlib import crc32

import boto3
import pytest
from botocore.client import BaseClient

from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from scim.auth import token_format
from scim.service.audit.log import AuditLog as TenantLog
from scim.service.model.audit.failure import FailureKind
from scim.service.tenants.tenant_service import TenantService
from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import ENVIRONMENT, Endpoint
from tests.handlers.conftest import Log

Failures = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def known(scim: Endpoint) -> Endpoint:
    """The endpoint in a fresh execution environment that has served the tenant."""
    endpoint = Endpoint(scim.token, ScimApplication(find_endpoint))
    assert endpoint.request("GET", "/Users").status == 200
    return endpoint


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations of AWS that were called since the test began."""
    called: list[str] = []
    call = vars(BaseClient)["_make_api_call"]

    def record(client: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        called.append(operation)
        return call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return called


def tenant(scim: Endpoint) -> str:
    return scim.token.split("_")[1]


def log_of(scim: Endpoint) -> TenantLog:
    log = (
        build_operator_adapters(Settings.from_environment(os.environ), "tests")
        .build_administration()
        .find_audit_log(tenant(scim))
    )
    assert log is not None
    return log


MALFORMED: dict[str, Callable[[str], str]] = {
    "cut off": lambda token: f"Bearer {token[:-3]}",
    "mistyped": lambda token: f"Bearer {token[:-40]}{'B' if token[-40] == 'A' else 'A'}{token[-39:]}",
    "in quotes": lambda token: f'Bearer "{token}"',
    "twice Bearer": lambda token: f"Bearer Bearer {token}",
    "without Bearer": lambda token: token,
    "with a space": lambda token: f"Bearer {token[:30]} {token[30:]}",
}


@pytest.mark.parametrize("form", MALFORMED)
def test_malformed_token_is_counted(known: Endpoint, failures: Failures, log: Log, form: str) -> None:
    assert known.request("GET", "/Users", authorization=MALFORMED[form](known.token)).status == 401

    (record,) = failures()
    assert (record["sk"][:2], record["rule"], record["count"]) == ("Y#", "token-malformed", 1)
    assert (log.last["unverified_tenant"], log.last["rule"]) == (tenant(known), "token-malformed")
    assert "rejected_tenant" not in log.last


def test_count_is_written_once_a_minute(
    known: Endpoint, failures: Failures, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses = {known.request("GET", "/Users", authorization=f"Bearer {known.token[:-3]}").status for _ in range(50)}
    assert (statuses, calls) == ({401}, ["UpdateItem"])
    assert [record["count"] for record in failures()] == [1]
    seconds = 1_900_000_000.0
    monkeypatch.setattr("handlers.http.application.time.time", lambda: seconds)
    calls.clear()
    known.request("GET", "/Users", authorization=f"Bearer {known.token[:-3]}")

    assert calls == ["UpdateItem"]
    assert sum(record["count"] for record in failures()) == 51


def with_crc(named: str, number: int) -> str:
    """A token whose checksum anybody can compute."""
    body = f"muster_{named}_{number:043}"
    return f"{body}_{crc32(body.encode()):08x}"


def with_another_key(named: str, _: int) -> str:
    """A token of the right form, made by another stack."""
    return token_format.create_token(named, b"the key of another stack")


each_forgery = pytest.mark.parametrize("forge", [with_crc, with_another_key])


@each_forgery
@pytest.mark.parametrize("name", ["made-up", "stored"])
def test_forged_token_makes_no_call(
    known: Endpoint, connect: Any, calls: list[str], name: str, forge: Callable[[str, int], str]
) -> None:
    """The same for a tenant that does not exist, and for one that does and is not cached here."""
    named = "made-up" if name == "made-up" else tenant(connect())
    known.request("GET", "/Users")
    calls.clear()
    forged = [forge(named, number) for number in range(100)]

    assert {known.request("GET", "/Users", authorization=f"Bearer {each}").status for each in forged} == {401}
    assert calls == []


@each_forgery
def test_forged_tokens_refuse_no_tenant(scim: Endpoint, forge: Callable[[str, int], str]) -> None:
    """The tenant is not cached in the execution environment that the forged tokens arrive in."""
    endpoint = Endpoint(scim.token, ScimApplication(find_endpoint))
    for number in range(200):
        endpoint.request("GET", "/Users", authorization=f"Bearer {forge(f'made-up-{number}', number)}")

    assert endpoint.request("GET", "/Users").status == 200


def test_malformed_token_never_warns_of_a_quarantine(known: Endpoint) -> None:
    known.request("GET", "/Users", authorization=f"Bearer {known.token[:-3]}")
    log = log_of(known)

    assert (log.get_health().activity.failures.get_count(FailureKind.REJECTED_TOKEN), log.get_health().warnings) == (
        0,
        [],
    )
    assert log.find_last_failure() is None
    assert [day.failures for day in log.get_activity(2)] == [0, 0]


def test_log_and_why_tell_of_malformed_tokens(known: Endpoint) -> None:
    known.request("GET", "/Users", authorization=f"Bearer {known.token[:-3]}")
    log = log_of(known)
    entries, _ = log.list_entries()
    told = "\n".join(log.report_on_person("ada@example.com").diagnosis)

    (entry,) = [entry for entry in entries if entry.kind == "malformed-token"]
    assert entry.summary.startswith("Requests with a malformed token")
    assert "Copy the whole token again" in entry.remediation
    assert "At least 1 request with a malformed token in the last 24 hours" in told
    assert "copy the whole token into it again" in told
    assert "assign the person to the application" not in told


def test_why_names_malformed_tokens_only_where_nothing_else_is_known(known: Endpoint) -> None:
    known.request("GET", "/Users", authorization=f"Bearer {known.token[:-3]}")
    known.create(userName="ada@example.com")

    assert "malformed" not in "\n".join(log_of(known).report_on_person("ada@example.com").diagnosis)


def test_first_contact_is_in_the_log(known: Endpoint) -> None:
    (entry,) = [entry for entry in log_of(known).list_entries()[0] if entry.kind == "first-use"]

    assert entry.summary == "First request with this token: Connection tested."


def test_connection_test_is_no_reason_to_say_that_nobody_called(scim: Endpoint) -> None:
    endpoint = Endpoint(scim.token, ScimApplication(find_endpoint))
    before = "\n".join(log_of(scim).report_on_person("ada@example.com").diagnosis)
    endpoint.request("GET", "/Users?count=1", user_agent="Okta SCIM Client 1.0.0")
    after = "\n".join(log_of(scim).report_on_person("ada@example.com").diagnosis)

    assert "No request with a valid token" in before
    assert "No request with a valid token" not in after
    assert "Its last recorded request was a read at" in after


# Secrets that were edited by hand


def test_edited_secret_of_a_tenant_is_503_and_the_log_says_what_to_do(
    scim: Endpoint, connect: Any, operator: TenantService, log: Log
) -> None:
    other = connect()
    name = ENVIRONMENT["SECRET_PREFIX"] + tenant(scim)
    boto3.client("secretsmanager").put_secret_value(SecretId=name, SecretString="typed by hand")
    endpoint = Endpoint(scim.token, ScimApplication(find_endpoint))

    assert endpoint.request("GET", "/Users").status == 503
    fault = log.lines[-2]
    assert (fault["message"], fault["kind"]) == ("fault", "MalformedSecret")
    assert f"The token in the secret {name} cannot be read" in fault["detail"]
    assert "typed by hand" not in log.text
    assert Endpoint(other.token, ScimApplication(find_endpoint)).request("GET", "/Users").status == 200
    issued = operator.tokens.rotate(tenant(scim), grace_s=0)
    assert Endpoint(issued.token, ScimApplication(find_endpoint)).request("GET", "/Users").status == 200


def test_edited_master_key_is_503_and_the_log_says_what_to_do(
    scim: Endpoint, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"muster/edited-{tenant(scim)}"
    boto3.client("secretsmanager").create_secret(Name=name, SecretString='{"key": "typed by hand"}')
    monkeypatch.setenv("MASTER_KEY_SECRET", name)
    endpoint = Endpoint(scim.token, ScimApplication(find_endpoint))

    assert endpoint.request("GET", "/Users").status == 503
    fault = log.lines[-2]
    assert (fault["message"], fault["kind"]) == ("fault", "MalformedSecret")
    assert f"The master key in the secret {name} cannot be read (wrong: generation, starts, key)" in fault["detail"]
    assert "typed by hand" not in log.text
    assert endpoint.request("GET", "/Users", authorization="Bearer x").status == 401
