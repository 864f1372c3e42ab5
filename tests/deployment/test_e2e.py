"""The API of a stack that the SAM CLI deployed to the emulator. Each test has its own customer."""

import json
import sys
from typing import Any

import jsonschema
import pytest

from tests.deployment.emulated.console_browser import ConsoleBrowser
from tests.deployment.emulated.customer import connect_customer, wait_for
from tests.deployment.emulated.event_queue import EventQueue
from tests.deployment.emulated.paths import ROOT
from tests.deployment.emulated.stack import DeployedStack
from tests.endpoint import CORE
from tests.size import scale

pytestmark = pytest.mark.e2e

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_MESSAGES = "urn:ietf:params:scim:api:messages:2.0"
_EXTENSION = f"--extension={ROOT / 'examples/extensions/employee.json'}"
_SCHEMAS = ROOT / "docs/build/events"


def test_deployment(stack: DeployedStack) -> None:
    """Start the emulator and deploy the built functions with the SAM CLI."""
    assert stack.url.startswith("https://")
    assert stack.account.list_stacks() == ["muster"]


def test_life_of_a_user(stack: DeployedStack) -> None:
    """Connect a customer; create, find, change, replace and delete a user."""
    with connect_customer(stack, "life") as customer:
        user = customer.create_user("ada@example.com", displayName="Ada")
        assert user["meta"]["location"] == f"{stack.url}/Users/{user['id']}"
        assert customer.find_user("ADA@example.com")["id"] == user["id"]
        change = {"op": "replace", "path": "active", "value": False}
        body = {"schemas": [f"{_MESSAGES}:PatchOp"], "Operations": [change]}
        assert customer.send("PATCH", f"/Users/{user['id']}", body).json()["active"] is False
        replacement = {"schemas": [CORE], "userName": "lovelace@example.com", "active": True}
        assert customer.send("PUT", f"/Users/{user['id']}", replacement).json()["userName"] == "lovelace@example.com"
        assert customer.send("DELETE", f"/Users/{user['id']}").status_code == 204
        assert customer.send("GET", f"/Users/{user['id']}").status_code == 404
        assert customer.send("GET", "/ServiceProviderConfig").json()["bulk"]["supported"] is True
        assert customer.send("GET", "/Users", token=f"{customer.token[:-1]}x").status_code == 401


def test_doctor(stack: DeployedStack) -> None:
    """Check by muster doctor that the stack is completely set up."""
    with connect_customer(stack, "doctor"):
        output = stack.account.run(sys.executable, "-m", "cli", "doctor", f"--stack={stack.name}", "--json")
    findings = list(map(json.loads, output.splitlines()))
    problems = [(finding["subject"], finding["level"]) for finding in findings if finding["level"] != "ok"]
    assert problems == [("endpoint", "warning"), ("alarms", "warning")], findings  # the emulator, and no AlarmEmail
    assert {"functions", "event source mappings", "secrets of tenants", "API"} <= {
        finding["subject"] for finding in findings
    }


def test_bulk_request(stack: DeployedStack) -> None:
    """Create users with one bulk request (1,000 in the full form), and read all of them by cursor pages."""
    size = scale(1000)
    operations = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": f"{number}",
            "data": {"schemas": [CORE], "userName": f"user{number}@example.com"},
        }
        for number in range(size)
    ]
    with connect_customer(stack, "bulk") as customer:
        while operations:  # the emulator is slow: operations that do not finish in time get a 503, and are sent again
            body = {"schemas": [f"{_MESSAGES}:BulkRequest"], "Operations": operations}
            response = customer.send("POST", "/Bulk", body)
            assert response.status_code == 200, response.text
            statuses = {result["bulkId"]: result["status"] for result in response.json()["Operations"]}
            assert set(statuses.values()) <= {"201", "503"}
            assert "201" in statuses.values()
            operations = [operation for operation in operations if statuses[str(operation["bulkId"])] == "503"]
        names: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = customer.send("GET", "/Users", cursor=cursor, count=str(max(10, size // 10))).json()
            names += [user["userName"] for user in page["Resources"]]
            cursor = page.get("nextCursor")
        assert sorted(names) == sorted(f"user{number}@example.com" for number in range(size))


def test_console_sign_in(stack: DeployedStack) -> None:
    """Sign in to the console with the admin password, and add a customer there."""
    secrets = stack.account.client("secretsmanager")
    password = secrets.get_secret_value(SecretId=stack.outputs["AdminPasswordSecret"])["SecretString"]
    with stack.account.open_http_client() as client:
        browser = ConsoleBrowser(stack, client)
        assert "Wrong password" in browser.sign_in("not the password").text
        page = browser.sign_in(password)
        assert page.status == 200
        page = browser.submit(page, page.form("/admin"), tenant="console")
        assert page.value("scim-url") == stack.url
        page = browser.get(f"{page.url.removesuffix('/connect')}/token")
        page = browser.submit(page, page.form("/token"))
        assert page.value("token").startswith("muster_console_")


def test_event_in_queue(stack: DeployedStack) -> None:
    """Receive the event of a new user in a queue behind the event bus."""
    queue = EventQueue.create(stack, "events")
    with connect_customer(stack, "events") as customer:
        user = customer.create_user("grace@example.com")
        event = queue.receive("UserProvisioned", "grace@example.com")
        assert (event["tenant"], event["id"], event["participation"]) == ("events", user["id"], "joined")
        jsonschema.validate(event, json.loads((_SCHEMAS / "detail.json").read_text()))


def test_linked_reference(stack: DeployedStack) -> None:
    """Create a user before its manager, and wait until the reference is a link."""
    with connect_customer(stack, "links") as customer:
        manager = {"value": "boss@example.com"}
        user = customer.create_user("ada@example.com", **{ENTERPRISE: {"manager": manager}})
        boss = customer.create_user("boss@example.com")

        def find_link() -> Any:
            return customer.send("GET", f"/Users/{user['id']}").json()[ENTERPRISE]["manager"].get("$ref")

        assert wait_for(find_link) == f"{stack.url}/Users/{boss['id']}"


def test_rotation(stack: DeployedStack) -> None:
    """Rotate a token by the four steps of Secrets Manager. The previous token stays valid."""
    secrets = stack.account.client("secretsmanager")
    with connect_customer(stack, "rotation") as customer:
        secret = stack.outputs["SecretPrefix"] + customer.name
        secrets.rotate_secret(SecretId=secret, RotationLambdaARN=stack.outputs["RotationFunctionArn"])

        def find_new_token() -> str | None:
            token: str = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])["token"]
            return token if token != customer.token else None

        new_token = wait_for(find_new_token)
        assert customer.send("GET", "/Users", token=new_token).status_code == 200
        assert customer.send("GET", "/Users").status_code == 200


@pytest.mark.nightly
def test_replay_corpus(stack: DeployedStack) -> None:
    """Replay the recorded requests of all identity providers."""
    with connect_customer(stack, "replay", _EXTENSION) as customer:
        table = stack.account.run(sys.executable, "-m", "tests.idp", stack.url, customer.token)
        assert table.splitlines()[-1].endswith("100%")


@pytest.mark.nightly
def test_scim2_tester(stack: DeployedStack) -> None:
    """Let scim2-tester check the endpoint, on a tolerant and a strict customer."""
    pytest_of_judges = ROOT / ".venv-judges/bin/pytest"
    directory = ROOT / "tests/judges"
    command = (pytest_of_judges, f"--rootdir={ROOT}", "--confcutdir", directory, directory / "test_scim2_tester.py")
    output = stack.account.run(*command, "-p", "no:cacheprovider", JUDGES_STACK=stack.name)
    assert "2 passed" in output


def test_no_function_reports_a_fault(stack: DeployedStack) -> None:
    """Find no error in the log of the functions."""
    pages = (
        stack.account.client("logs")
        .get_paginator("filter_log_events")
        .paginate(logGroupName=stack.outputs["FunctionLogGroup"])
    )
    messages = [event["message"] for page in pages for event in page["events"]]
    lines = [json.loads(message) for message in messages if message.startswith("{")]
    assert {"request", "changes", "links", "rotation"} <= {line.get("message") for line in lines}
    errors = [line for line in lines if line.get("level") in ("ERROR", "CRITICAL")]
    assert [
        line for line in errors if line.get("kind") != "Unavailable"
    ] == []  # on a loaded machine, a deadline passes


def test_permissions_are_enforced(stack: DeployedStack) -> None:
    """Show that the emulator enforces the policies of the roles: without them, a function gets no token."""
    with connect_customer(stack, "permissions") as customer:
        stack.detach_policies("DiscoveryRole")
        stack.set_variable("DiscoveryFunction", "POWERTOOLS_LOG_LEVEL", "INFO")  # a new version, without cached tokens
        assert customer.send("GET", "/Schemas").status_code == 503
