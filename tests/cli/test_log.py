"""What the command line tells of a tenant's log."""

import pytest

from handlers.application import Application
from handlers.routes.everything import find
from tests.cli.conftest import Muster
from tests.endpoint import CORE, Endpoint


@pytest.fixture
def acme(run: Muster) -> Endpoint:
    """A tenant with a user, and with somebody who did not get in."""
    endpoint = Endpoint(run.json("connect", "acme")["token"], Application(find))
    endpoint.create(userName="ada@example.com")
    body = {"schemas": [CORE], "userName": "bob@example.com", "active": "perhaps"}
    assert endpoint.request("POST", "/Users", body).status == 400
    return endpoint


def test_log_has_what_was_written_and_what_failed(run: Muster, acme: Endpoint) -> None:
    lines = run("log", "acme").stdout.splitlines()

    assert len(lines) == 3
    assert "400  create  bob@example.com [userName, active]  The value of active is of the wrong type." in lines[0]
    assert lines[1].startswith("    What to change: ")
    assert "201  create  ada@example.com  Created, takes part now." in lines[2]


def test_log_can_be_asked_for_failures_and_for_a_number(run: Muster, acme: Endpoint) -> None:
    assert [each["kind"] for each in run.json("log", "acme")] == ["failure", "change"]
    assert [each["person"] for each in run.json("log", "acme", "--failures")] == ["bob@example.com"]
    assert [each["kind"] for each in run.json("log", "acme", "-n", "1")] == ["failure"]


def test_log_is_read_page_by_page(run: Muster, acme: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.log._PAGE", 1)
    assert len(run.json("log", "acme")) == 2


def test_why_tells_what_happened_and_what_to_change(run: Muster, acme: Endpoint) -> None:
    told = run("why", "acme", "bob@example.com").stdout
    assert "A create failed with 400" in told
    assert "What to change: " in told

    case = run.json("why", "acme", "ada@example.com")
    assert case["users"][0]["userName"] == "ada@example.com"
    assert case["diagnosis"][0].startswith("ada@example.com is here and takes part")
    assert [entry["operation"] for entry in case["timeline"]] == ["create"]


def test_health_tells_the_share_of_failures(run: Muster, acme: Endpoint) -> None:
    assert run("health", "acme").stdout == "1 writes failed today and yesterday, 50% of 2.\n"
    assert run.json("health", "acme") == {"failures": 1, "changes": 1, "refused": 0, "warnings": [], "share": 0.5}


@pytest.mark.parametrize("arguments", [("log", "nobody"), ("why", "nobody", "ada"), ("health", "nobody")])
def test_tenant_that_is_not_there_is_told(run: Muster, arguments: tuple[str, ...]) -> None:
    assert "There is no tenant nobody." in run(*arguments, code=3).stderr
