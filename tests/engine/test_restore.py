"""The steps of docs/operate/restore.md on a real engine: a restored table of items of different ages, and a consumer.

DynamoDB restores each item by itself, so the restored items are a random mixture of two times.
"""

import os
import random
import re
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from examples.participants.app import Participants
from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from local.engine import Engine
from scim.events.batching import SendResult
from scim.events.event import Event
from scim.events.resync import Resync, ResyncEventBuilder
from scim.service.model.maintenance_task import TaskKind
from scim.settings import Settings
from scim.wiring import runtime
from scim.wiring.operator_adapters import OperatorAdapters, build_operator_adapters
from tests.endpoint import CORE, ENTERPRISE, TEMPLATE, Endpoint
from tests.engine.conftest import ReadEvents
from tests.examples.memory import MemoryTable

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

    def resync(self, operator: OperatorAdapters, tenant_id: str) -> None:
        """Do what ``muster resync`` does, and apply its events. The last event arrives last, as after a retry."""
        maintenance = operator.build_maintenance(1_000)
        tenant = maintenance.administration.tenant_store.get(tenant_id)
        assert tenant is not None
        events: list[Event] = []

        def publish(batch: Sequence[Event]) -> SendResult:
            events.extend(batch)
            return SendResult({}, frozenset())

        with maintenance.tasks.run(TaskKind.RESYNC, tenant_id, details={"resync": str(uuid.uuid4())}) as run:
            started = run.task.started + 3_600  # the last changes were an hour ago
            builder = ResyncEventBuilder(tenant_id, tenant.resource_types[0], run.task.details["resync"], started)
            work = Resync(builder, publish, 10_000, runtime.current_time, runtime.elapsed_time, runtime.sleep)
            list(work.run(run, maintenance.administration.tenant_store.list_users(tenant_id)))
        *states, completed = events
        for event in states:
            self.participants.apply(event.detail, event.time.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.participants.complete_resync(completed.detail)

    def list_active(self, tenant_id: str) -> dict[str, str]:
        return {item["id"]: item["userName"] for item in self.participants.list_active(tenant_id)}


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
def test_consumer_has_state_of_restored_table(
    scim: Endpoint,
    publish: ReadEvents,
    consumer: Consumer,
    read_items: Callable[[], Items],
    restore: Callable[[Items], OperatorAdapters],
    seed: int,
) -> None:
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
    scim = Endpoint(scim.token, ScimApplication(find_endpoint))
    restored = list_users(scim)
    consumer.resync(operator, tenant_id)

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
