"""Publish the state of all users, at a bounded rate, and continue after an interruption."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from cli import deployment as deployment_module
from scim.events.batching import SendResult
from scim.events.event import Event
from tests.cli.conftest import Muster
from tests.endpoint import Endpoint
from tests.events.schemas import validate


class Bus:
    """An event bus that accepts a number of calls, and then rejects all events."""

    def __init__(self, calls: int = 1_000) -> None:
        self.calls = calls
        self.events: list[Event] = []

    def publish(self, events: Sequence[Event]) -> SendResult:
        if not self.calls:
            return SendResult(
                {}, frozenset(range(len(events))), dict.fromkeys(range(len(events)), "ThrottlingException")
            )
        self.calls -= 1
        self.events += events
        return SendResult({}, frozenset())

    @property
    def details(self) -> list[Any]:
        return [event.detail for event in self.events]


@pytest.fixture
def bus(run: Muster, monkeypatch: pytest.MonkeyPatch) -> Bus:
    """The event bus of the stack."""
    bus = Bus()
    deployment = replace(run.deployment, connect_event_bus=lambda: bus.publish)
    monkeypatch.setattr(deployment_module, "connect_stack", lambda *_, **__: deployment)
    return bus


@pytest.fixture
def acme(run: Muster) -> Endpoint:
    return Endpoint(run.json("connect", "acme")["token"])


def create_users(acme: Endpoint, number: int) -> list[Any]:
    users = [acme.create(active=index % 2 == 0) for index in range(number)]
    return sorted(users, key=lambda user: str(user["id"]))


def test_each_user_has_an_event(run: Muster, acme: Endpoint, bus: Bus) -> None:
    users = create_users(acme, 12)
    acme.patch(users[3]["id"], {"op": "replace", "path": "active", "value": True})

    result = run.json("resync", "acme")

    *states, completed = bus.events
    assert [event.type for event in states] == ["UserResynced"] * 12
    assert [event.detail["id"] for event in states] == [user["id"] for user in users]
    for event, user in zip(states, users, strict=True):
        current = acme.request("GET", f"/Users/{user['id']}").json()
        assert event.detail["active"] is current["active"]
        assert current["meta"]["version"] == f'W/"{event.detail["sequence"]}"'
    assert {event.detail["resyncId"] for event in bus.events} == {result["resync"]}
    assert (completed.type, completed.detail["userCount"]) == ("ResyncCompleted", 12)
    assert len({event.detail["eventId"] for event in bus.events}) == 13
    for event in bus.events:
        time = event.time.strftime("%Y-%m-%dT%H:%M:%SZ")
        validate({"source": "muster", "detail-type": event.type, "time": time, "detail": json.loads(event.detail_json)})


def test_next_resync_has_other_ids(run: Muster, acme: Endpoint, bus: Bus) -> None:
    create_users(acme, 1)
    run("resync", "acme")
    run("resync", "acme")
    assert len({detail["eventId"] for detail in bus.details}) == 4
    assert len({detail["resyncId"] for detail in bus.details}) == 2


@pytest.mark.parametrize("calls", range(4))
def test_interrupted_resync_is_continued(run: Muster, acme: Endpoint, bus: Bus, calls: int) -> None:
    users = create_users(acme, 25)
    bus.calls = calls
    assert "ThrottlingException" in run("resync", "acme", code=1).stderr
    bus.calls = 10

    run("resync", "acme")

    states = [detail for detail in bus.details if "id" in detail]
    assert [detail["id"] for detail in states] == [user["id"] for user in users]
    assert bus.details[-1]["userCount"] == 25
    assert len({detail["resyncId"] for detail in bus.details}) == 1


def test_restart_begins_again(run: Muster, acme: Endpoint, bus: Bus) -> None:
    create_users(acme, 11)
    bus.calls = 1
    run("resync", "acme", code=1)
    bus.calls = 10
    run("resync", "acme", "--restart")
    assert bus.details[-1]["userCount"] == 11
    assert len(bus.events) == 10 + 11 + 1


def test_unknown_tenant(run: Muster, bus: Bus) -> None:
    run("resync", "nobody", code=3)
    assert bus.events == []


def test_purge_during_a_resync_ends_it(run: Muster, acme: Endpoint, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ResyncCompleted, consumers keep the users that the purge has deleted."""
    create_users(acme, 11)
    run("disconnect", "acme", "--yes")
    publish = bus.publish

    def purge_and_publish(events: Sequence[Event]) -> SendResult:
        run.deployment.build_maintenance(1_000).build_tenant_purge("acme", lambda _: []).begin("acme")
        return publish(events)

    monkeypatch.setattr(bus, "publish", purge_and_publish)
    assert "being purged" in run("resync", "acme", code=4).stderr
    assert {event.type for event in bus.events} == {"UserResynced"}
