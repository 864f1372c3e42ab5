"""Tenants of one endpoint do not affect each other, tested over HTTP with a local run."""

import base64
import json
import secrets
import subprocess
import sys
import time
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from local import run_state
from local.aws_client import create_client
from local.services.server_process import find_free_port
from tests.endpoint import CORE, ENTERPRISE
from tests.local.run_process import ROOT, Run, build_environment, start_run

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
REFERRERS = 300
_TIMEOUT_S = 120.0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with start_run(tmp_path_factory.mktemp("isolation") / "data", find_free_port()) as run:
        yield run


@pytest.fixture(scope="module")
def acme(run: Run) -> Iterator[httpx.Client]:
    """A client of the tenant that the local run connects."""
    with run.open_client() as client:
        yield client


@pytest.fixture(scope="module")
def globex(run: Run) -> Iterator[httpx.Client]:
    token = json.loads(run_cli(run, "connect", "globex", "--json"))["token"]
    headers = {"authorization": f"Bearer {token}", "content-type": "application/scim+json"}
    with httpx.Client(base_url=run.connection["scim_url"], headers=headers, timeout=30) as client:
        yield client


def run_cli(run: Run, *arguments: str) -> str:
    command = [sys.executable, "-m", "cli", *arguments, "--data", str(run.data)]
    process = subprocess.run(command, cwd=ROOT, env=build_environment(), capture_output=True, text=True, check=True)
    return process.stdout


def create_user(client: httpx.Client, **attributes: Any) -> dict[str, Any]:
    response = client.post("/Users", json={"schemas": [CORE], "userName": str(uuid.uuid4()), **attributes})
    assert response.status_code == 201, response.text
    created: dict[str, Any] = response.json()
    return created


def patch_user(client: httpx.Client, user_id: str, path: str, value: Any) -> dict[str, Any]:
    operation = {"op": "replace", "path": path, "value": value}
    response = client.patch(f"/Users/{user_id}", json={"schemas": [PATCH_OP], "Operations": [operation]})
    assert response.status_code == 200, response.text
    patched: dict[str, Any] = response.json()
    return patched


def read_events(run: Run) -> list[dict[str, Any]]:
    """Return the published events, oldest first."""
    lines = (run.data / "events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def wait_for(condition: Callable[[], Any]) -> Any:
    """Wait until a condition is true and return its value."""
    end = time.monotonic() + _TIMEOUT_S
    while not (value := condition()):
        assert time.monotonic() < end, "the condition was not met in time"
        time.sleep(0.1)
    return value


def put_change_record(run: Run, item: Mapping[str, Any]) -> None:
    variables = run_state.read_variables(run.data)
    client = create_client("dynamodb", variables["AWS_ENDPOINT_URL_DYNAMODB"])
    client.put_item(TableName=variables["TABLE_NAME"], Item=dict(item))


def delete_item(run: Run, key: Mapping[str, Any]) -> None:
    """Delete a damaged item, which the check at the end of the run would find."""
    variables = run_state.read_variables(run.data)
    client = create_client("dynamodb", variables["AWS_ENDPOINT_URL_DYNAMODB"])
    client.delete_item(TableName=variables["TABLE_NAME"], Key=dict(key))


def test_malformed_record_does_not_block_other_tenant(run: Run, acme: httpx.Client, globex: httpx.Client) -> None:
    """The complete record goes to the dead-letter queue once, with the reason. ``muster redrive`` shows it."""
    key = {"pk": {"S": "T#acme"}, "sk": {"S": f"C#{uuid.uuid4()}#0000000001"}}
    put_change_record(run, {**key, "operation": {"S": "no such operation"}})
    user = create_user(globex)

    wait_for(lambda: [event for event in read_events(run) if event["detail"]["id"] == user["id"]])
    letters = wait_for(lambda: [json.loads(line) for line in run_cli(run, "redrive", "--json").splitlines()])

    assert len([event for event in read_events(run) if event["detail"]["id"] == user["id"]]) == 1
    assert len(letters) == 1
    assert "malformed" in json.dumps(letters[0])
    lines = (run.data / "dead-letters.jsonl").read_text().splitlines()
    assert len([line for line in lines if key["sk"]["S"] in line]) == 1
    delete_item(run, key)


def test_links_do_not_delay_events_of_other_tenant(run: Run, acme: httpx.Client, globex: httpx.Client) -> None:
    """Hundreds of users refer to a user who is created while another tenant changes a user."""
    operations = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": str(number),
            "data": {
                "schemas": [CORE, ENTERPRISE],
                "userName": f"user-{number}",
                ENTERPRISE: {"manager": {"value": "boss@example.com"}},
            },
        }
        for number in range(REFERRERS)
    ]
    response = acme.post("/Bulk", json={"schemas": [BULK], "Operations": operations})
    assert {result["status"] for result in response.json()["Operations"]} == {"201"}
    user = create_user(globex)
    names = {f"user-{number}" for number in range(REFERRERS)}
    wait_for(lambda: names <= {event["detail"]["userName"] for event in read_events(run)})

    create_user(acme, userName="boss@example.com")
    patch_user(globex, user["id"], "title", "Cook")

    def find_linked() -> list[int]:
        events = enumerate(read_events(run))
        return [index for index, event in events if event["detail-type"] == "UserLinked"]

    wait_for(lambda: len(find_linked()) >= REFERRERS)
    events = read_events(run)
    (updated,) = (
        index
        for index, event in enumerate(events)
        if event["detail"]["id"] == user["id"] and event["detail-type"] == "UserUpdated"
    )
    assert updated < find_linked()[-1]
    assert len(find_linked()) == REFERRERS
    identifiers = [event["detail"]["eventId"] for event in events]
    assert len(set(identifiers)) == len(identifiers)


def test_forged_tokens_do_not_affect_tenants(acme: httpx.Client, globex: httpx.Client) -> None:
    """Tokens with an unkeyed checksum or a random keyed checksum are rejected, and real tokens still work."""
    for number in range(120):
        body = f"muster_unknown-{number}_{secrets.token_urlsafe(32)}"
        keyed = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        for token in (f"{body}_{zlib.crc32(body.encode()):08x}", f"{body}_{keyed}"):
            assert acme.get("/Users", headers={"authorization": f"Bearer {token}"}).status_code == 401
        if number % 10 == 0:
            assert globex.get("/Users", params={"count": 0}).status_code == 200
    assert acme.get("/Users", params={"count": 0}).status_code == 200
