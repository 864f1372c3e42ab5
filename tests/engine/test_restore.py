"""The steps of docs/operate/restore.md on a real engine: a restored table of items of different ages, and a consumer.

DynamoDB restores each item by itself, so the restored items are a random mixture of two times.
"""

import json
import os
import random
import re
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from cli.deployment import Deployment
from cli.main import muster
from examples.participants.app import Participants
from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from local.engine import Engine
from scim.events.batching import SendResult
from scim.events.event import Event
from scim.service.maintenance.findings import FindingKind
from scim.settings import Settings
from scim.wiring import runtime
from scim.wiring.operator_adapters import OperatorAdapters, build_operator_adapters
from tests.endpoint import CORE, ENTERPRISE, TEMPLATE, Endpoint
from tests.engine.conftest import ReadEvents, start_publishing
from tests.examples.memory import MemoryTable

LATER_S = 7_200
"""The seconds from the last changes to the check, so that their link tasks must have run."""
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
Items = dict[tuple[str, str], dict[str, Any]]


@dataclass
class Consumer:
    """The sample consumer, and the number of events on the bus that it has applied."""

    participants: Participants
    number: int = 0

    def receive(self, published: Sequence[dict[str, Any]]) -> None:
        """Apply the new events, in another order than they were published."""
        events = list(published[self.number :])
        self.number = len(published)
        random.Random(len(events)).shuffle(events)  # noqa: S311  # not for security
        for event in events:
            self.participants.apply(event["detail"], event["time"])

    def receive_resync(self, events: Sequence[Event]) -> None:
        """Apply the events of a resync. The last event arrives last, as after a retry."""
        *states, completed = events
        for event in states:
            self.participants.apply(event.detail, event.time.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.participants.complete_resync(completed.detail)

    def list_active(self, tenant_id: str) -> dict[str, str]:
        return {item["id"]: item["userName"] for item in self.participants.list_active(tenant_id)}


@dataclass
class CommandLine:
    """Runs commands on the restored table, hours later. ``published`` are the events of ``muster resync``."""

    operator: OperatorAdapters
    monkeypatch: pytest.MonkeyPatch
    directory: Path
    published: list[Event] = field(default_factory=list)

    def run(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a command, and return the JSON that it prints in lines."""
        services: Any = None
        deployment = Deployment("", self.operator, lambda: services, lambda: self._publish, lambda _: [])
        later = runtime.current_time() + LATER_S
        with self.monkeypatch.context() as patched:
            patched.setattr("cli.deployment.connect_local_run", lambda _: deployment)
            patched.setattr("cli.check.click.get_app_dir", lambda _: str(self.directory))
            patched.setattr(runtime, "current_time", lambda: later)
            result = CliRunner().invoke(muster, [*arguments, "--json"])
        assert isinstance(result.exception, SystemExit | None), result.exception
        text = result.stdout
        return [json.loads(text)] if text.startswith("{\n") else [json.loads(line) for line in text.splitlines()]

    def _publish(self, batch: Sequence[Event]) -> SendResult:
        self.published.extend(batch)
        return SendResult({}, frozenset())


@pytest.fixture
def consumer() -> Consumer:
    return Consumer(Participants(MemoryTable()))


@pytest.fixture
def read_items(scim: Endpoint, engine: Engine) -> Callable[[], Items]:
    """Return a function that returns all items of the table by their keys."""
    client, name = boto3.client("dynamodb", endpoint_url=engine.url), os.environ["TABLE_NAME"]

    def read() -> Items:
        found = client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True)
        return {(item["pk"]["S"], item["sk"]["S"]): item for page in found for item in page["Items"]}

    return read


@pytest.fixture
def restore(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[[Items], OperatorAdapters]:
    """Return a function that deploys on a new table with these items, as with ``TableName`` and ``RestoredAt``."""

    def restore(items: Items) -> OperatorAdapters:
        client, name = boto3.client("dynamodb", endpoint_url=engine.url), f"restored-{uuid.uuid4()}"
        client.create_table(**TEMPLATE.build_table_request(name))
        for item in items.values():
            client.put_item(TableName=name, Item=item)
        monkeypatch.setenv("TABLE_NAME", name)
        monkeypatch.setenv("RESTORED_AT", str(int(time.time()) + 1))  # after the creation of the last restored user
        return build_operator_adapters(Settings.from_environment(os.environ), "tests")

    return restore


def mix(earlier: Items, later: Items, rng: random.Random) -> Items:
    """Return the items of both times: for each key that of the one or the other time, or none if there was none."""
    chosen = {key: rng.choice((earlier, later)).get(key) for key in earlier.keys() | later.keys()}
    return {key: item for key, item in chosen.items() if item is not None}


def change_users(scim: Endpoint, users: list[dict[str, Any]], name: str) -> None:
    """Change, deactivate and delete some users, and create others."""
    for number, user in enumerate(users):
        scim.patch(user["id"], {"op": "replace", "path": "title", "value": f"{name} {number}"})
        scim.patch(user["id"], {"op": "replace", "path": "active", "value": number % 3 == 0})
    scim.request("DELETE", f"/Users/{users.pop()['id']}")
    users.append(scim.create(userName=f"{name}@example.com"))


def list_users(scim: Endpoint) -> list[dict[str, Any]]:
    response = scim.request("GET", "/Users?count=100")
    assert response.status == 200, response.body
    resources: list[dict[str, Any]] = response.json().get("Resources", [])
    return resources


def read_version(user: dict[str, Any]) -> int:
    """Return the number in an entity tag, which may also have a digest of the links."""
    match = re.match(r'W/"(\d+)', user["meta"]["version"])
    assert match is not None
    return int(match[1])


def create_users(scim: Endpoint) -> list[dict[str, Any]]:
    boss = scim.create(userName="boss@example.com")
    reports = {"schemas": [CORE, ENTERPRISE], ENTERPRISE: {"manager": {"value": "boss@example.com"}}}
    return [boss, *(scim.create(**reports) for _ in range(8))]


@pytest.mark.damaged
@pytest.mark.parametrize("seed", range(4))
def test_steps_of_the_runbook(
    scim: Endpoint,
    engine: Engine,
    publish: ReadEvents,
    events: ReadEvents,
    update_links: Callable[[], int],
    consumer: Consumer,
    read_items: Callable[[], Items],
    restore: Callable[[Items], OperatorAdapters],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    seed: int,
) -> None:
    """Restore, check, repair and resync. Then the consumer has the state of the restored table."""
    tenant_id = scim.token.split("_")[1]
    users = create_users(scim)
    consumer.receive(publish())
    earlier = read_items()
    change_users(scim, users, "first")
    later = read_items()
    change_users(scim, users, "second")  # these changes are lost
    consumer.receive(publish())
    seen = {item["id"]: item["sequence"] for item in consumer.participants._list(tenant_id)}  # noqa: SLF001

    operator = restore(mix(earlier, later, random.Random(seed)))  # noqa: S311  # not for security
    publish = start_publishing(engine, events, update_links, tmp_path / "restored.json")
    command_line = CommandLine(operator, monkeypatch, tmp_path)
    scim = Endpoint(scim.token, ScimApplication(find_endpoint))

    tenants = [tenant["tenant"] for tenant in command_line.run("tenants")]
    assert tenants == [tenant_id]
    found = [finding for tenant in tenants for finding in command_line.run("check", tenant, "--repair")]
    assert found, "items of different ages contradict each other"
    left = {finding["kind"] for finding in command_line.run("check", tenant_id)}
    assert left <= {FindingKind.USER_LOST, FindingKind.CHANGE_RECORD_GAP}
    if FindingKind.USER_LOST in left:
        command_line.run("check", tenant_id, "--repair", "--deprovision-lost")
        left = {finding["kind"] for finding in command_line.run("check", tenant_id)}
    assert left <= {FindingKind.CHANGE_RECORD_GAP}
    consumer.receive(publish())
    command_line.run("resync", tenant_id, "--events-per-second", "10000")
    consumer.receive_resync(command_line.published)

    restored = list_users(scim)
    assert consumer.list_active(tenant_id) == {user["id"]: user["userName"] for user in restored if user["active"]}
    for user in restored:
        version = read_version(user)
        assert version > seen.get(user["id"], 0)
        changed = scim.request(
            "PATCH",
            f"/Users/{user['id']}",
            {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "title", "value": "restored"}]},
            if_match=user["meta"]["version"],
        )
        assert changed.status == 200, changed.body
        assert read_version(changed.json()) == version + 1


def test_entity_tag_from_before_restore_does_not_match(
    scim: Endpoint, read_items: Callable[[], Items], restore: Callable[[Items], OperatorAdapters]
) -> None:
    """A client has read version 2, which is lost. The restored user gets another version 2."""
    user = scim.create()
    backup = read_items()
    lost = scim.patch(user["id"], {"op": "replace", "path": "title", "value": "lost"})
    restore(backup)
    scim = Endpoint(scim.token, ScimApplication(find_endpoint))
    scim.patch(user["id"], {"op": "replace", "path": "title", "value": "other"})
    operations = [{"op": "replace", "path": "title", "value": "late"}]
    body = {"schemas": [PATCH_OP], "Operations": operations}
    etag = lost.json()["meta"]["version"]
    assert scim.request("PATCH", f"/Users/{user['id']}", body, if_match=etag).status == 412


def test_simultaneous_changes_of_a_restored_user(
    scim: Endpoint, read_items: Callable[[], Items], restore: Callable[[Items], OperatorAdapters]
) -> None:
    """All versions up to the floor are one version: of two writes on it, the second sees the first."""
    user = scim.create()
    backup = read_items()
    restore(backup)
    scim = Endpoint(scim.token, ScimApplication(find_endpoint))
    floor = int(os.environ["RESTORED_AT"])

    def add(number: int) -> int:
        value = {"value": f"{number}@example.com", "type": "work"}
        body = {"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "emails", "value": [value]}]}
        return scim.request("PATCH", f"/Users/{user['id']}", body).status

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(add, range(8))) == {200}
    stored = scim.request("GET", f"/Users/{user['id']}").json()
    assert len(stored["emails"]) == 8
    assert stored["meta"]["version"] == f'W/"{floor + 8}"'


def test_entity_tag_of_a_user_who_is_created_after_the_restore(
    scim: Endpoint, read_items: Callable[[], Items], restore: Callable[[Items], OperatorAdapters]
) -> None:
    """The entity tag in the response to the creation matches in the next request."""
    restore(read_items())
    time.sleep(1)
    scim = Endpoint(scim.token, ScimApplication(find_endpoint))
    user = scim.create()
    assert scim.request("GET", f"/Users/{user['id']}").json()["meta"] == user["meta"]
    assert scim.request("DELETE", f"/Users/{user['id']}", if_match=user["meta"]["version"]).status == 204
