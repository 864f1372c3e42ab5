"""Tenants of one endpoint do not hurt one another, over HTTP, at a whole local run."""

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

import boto3
import httpx
import pytest

from local import run_state as local_runs
from local.services.server_process import find_free_port
from tests.endpoint import CORE, ENTERPRISE
from tests.local.test_run import ROOT, Run, environment, running

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
REFERRERS = 300
_PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with running(tmp_path_factory.mktemp("isolation") / "data", find_free_port()) as run:
        yield run


@pytest.fixture(scope="module")
def acme(run: Run) -> Iterator[httpx.Client]:
    """The customer that the local run connects."""
    with run.client() as client:
        yield client


@pytest.fixture(scope="module")
def globex(run: Run) -> Iterator[httpx.Client]:
    token = json.loads(muster(run, "connect", "globex", "--json"))["token"]
    headers = {"authorization": f"Bearer {token}", "content-type": "application/scim+json"}
    with httpx.Client(base_url=run.connection["scim_url"], headers=headers, timeout=30) as client:
        yield client


def muster(run: Run, *arguments: str) -> str:
    command = [sys.executable, "-m", "cli", *arguments, "--data", str(run.data)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)
    return done.stdout


def create(client: httpx.Client, **attributes: Any) -> dict[str, Any]:
    answer = client.post("/Users", json={"schemas": [CORE], "userName": str(uuid.uuid4()), **attributes})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def patch(client: httpx.Client, user_id: str, path: str, value: Any) -> dict[str, Any]:
    operation = {"op": "replace", "path": path, "value": value}
    answer = client.patch(f"/Users/{user_id}", json={"schemas": [PATCH_OP], "Operations": [operation]})
    assert answer.status_code == 200, answer.text
    patched: dict[str, Any] = answer.json()
    return patched


def events(run: Run) -> list[dict[str, Any]]:
    """Return the events so far, in the order in which the bus took them."""
    lines = (run.data / "events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def wait_for(found: Callable[[], Any]) -> Any:
    """Return what is found as soon as there is something."""
    end = time.monotonic() + _PATIENCE_S
    while not (value := found()):
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.1)
    return value


def put_change_record(run: Run, item: Mapping[str, Any]) -> None:
    variables = local_runs.read_variables(run.data)
    client = boto3.client(
        "dynamodb",
        endpoint_url=variables["AWS_ENDPOINT_URL_DYNAMODB"],
        region_name=variables["AWS_REGION"],
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    client.put_item(TableName=variables["TABLE_NAME"], Item=dict(item))


def test_record_that_cannot_be_read_stops_no_other_tenant(run: Run, acme: httpx.Client, globex: httpx.Client) -> None:
    """It goes to the dead-letter queue whole and once, with its reason, and ``muster redrive`` shows it."""
    key = {"pk": {"S": "T#acme"}, "sk": {"S": f"C#{uuid.uuid4()}#0000000001"}}
    put_change_record(run, {**key, "operation": {"S": "no such operation"}})
    user = create(globex)

    wait_for(lambda: [each for each in events(run) if each["detail"]["id"] == user["id"]])
    letters = wait_for(lambda: json.loads(muster(run, "redrive", "--json")))

    assert len([each for each in events(run) if each["detail"]["id"] == user["id"]]) == 1
    assert len(letters) == 1
    assert "malformed" in json.dumps(letters[0])
    lines = (run.data / "dead-letters.jsonl").read_text().splitlines()
    assert len([line for line in lines if key["sk"]["S"] in line]) == 1


def test_links_of_one_tenant_delay_no_event_of_another(run: Run, acme: httpx.Client, globex: httpx.Client) -> None:
    """Hundreds of users name one person, who is created while another tenant changes a user."""
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
    answer = acme.post("/Bulk", json={"schemas": [BULK], "Operations": operations})
    assert {each["status"] for each in answer.json()["Operations"]} == {"201"}
    user = create(globex)
    names = {f"user-{number}" for number in range(REFERRERS)}
    wait_for(lambda: names <= {each["detail"]["userName"] for each in events(run)})

    create(acme, userName="boss@example.com")
    patch(globex, user["id"], "title", "Cook")

    def linked() -> list[int]:
        told = enumerate(events(run))
        return [index for index, each in told if each["detail-type"] == "UserLinked"]

    wait_for(lambda: len(linked()) >= REFERRERS)
    told = events(run)
    (changed,) = (
        index
        for index, each in enumerate(told)
        if each["detail"]["id"] == user["id"] and each["detail-type"] == "UserUpdated"
    )
    assert changed < linked()[-1]
    assert len(linked()) == REFERRERS
    identifiers = [each["detail"]["eventId"] for each in told]
    assert len(set(identifiers)) == len(identifiers)


def test_forged_tokens_refuse_no_tenant(acme: httpx.Client, globex: httpx.Client) -> None:
    """Tokens with a plain checksum, and well-formed ones with a made-up keyed checksum, are worth nothing."""
    for number in range(120):
        body = f"muster_made-up-{number}_{secrets.token_urlsafe(32)}"
        keyed = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        for token in (f"{body}_{zlib.crc32(body.encode()):08x}", f"{body}_{keyed}"):
            assert acme.get("/Users", headers={"authorization": f"Bearer {token}"}).status_code == 401
        if number % 10 == 0:
            assert globex.get("/Users", params={"count": 0}).status_code == 200
    assert acme.get("/Users", params={"count": 0}).status_code == 200
