"""Events of SCIM requests, with real handlers, transactions, the engine's stream and the template's mapping."""

import json

from tests.endpoint import CORE, ENTERPRISE, SURVEY, Endpoint
from tests.engine.conftest import ReadEvents
from tests.events.schemas import validate

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def make_all_kinds_of_changes(scim: Endpoint) -> None:
    """Make each kind of change with each operation that can make it."""
    alice = scim.create(userName="alice", externalId="1", **{SURVEY: {"Business Unit": "Kitchen"}})
    scim.patch(alice["id"], {"op": "replace", "path": "title", "value": "Chef"})
    scim.patch(alice["id"], {"op": "replace", "value": {"active": False, "title": "Guest"}})
    scim.patch(alice["id"], {"op": "replace", "path": "active", "value": True})
    scim.request("PUT", f"/Users/{alice['id']}", alice | {"active": False, "userName": "alice.b"})
    scim.request("PUT", f"/Users/{alice['id']}", alice | {"active": True})
    scim.request("DELETE", f"/Users/{alice['id']}")
    bob = scim.create(userName="bob", active=False)
    scim.patch(bob["id"], {"op": "replace", "path": "displayName", "value": "Bob"})
    scim.request("DELETE", f"/Users/{bob['id']}")
    operation = {"method": "POST", "path": "/Users", "bulkId": "1", "data": alice | {"userName": "carol"}}
    scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": [operation]})


def test_events_of_all_changes_match_schemas(scim: Endpoint, publish: ReadEvents) -> None:
    make_all_kinds_of_changes(scim)
    published_events = publish()
    for event in published_events:
        validate(event)
    assert [(event["detail-type"], event["detail"]["sequence"]) for event in published_events] == [
        ("UserProvisioned", 1),
        ("UserUpdated", 2),
        ("UserDeactivated", 3),
        ("UserActivated", 4),
        ("UserDeactivated", 5),
        ("UserActivated", 6),
        ("UserDeprovisioned", 7),
        ("UserProvisioned", 1),
        ("UserUpdated", 2),
        ("UserDeprovisioned", 3),
        ("UserProvisioned", 1),
    ]


def test_failed_reference_cycle_has_no_events(scim: Endpoint, publish: ReadEvents) -> None:
    scim.create(userName="taken")
    names = [("1", "ada"), ("2", "bob"), ("3", "TAKEN")]
    operations = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": bulk_id,
            "data": {"schemas": [CORE], "userName": name, ENTERPRISE: {"manager": {"value": f"bulkId:{boss}"}}},
        }
        for (bulk_id, name), boss in zip(names, "231", strict=True)
    ]

    results = scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations}).json()["Operations"]

    assert [result["status"] for result in results] == ["409"] * 3
    assert [result["response"].get("scimType") for result in results] == [None, None, "uniqueness"]
    assert [event["detail"]["userName"] for event in publish()] == ["taken"]


def test_event_has_identifiers_but_no_values(scim: Endpoint, publish: ReadEvents) -> None:
    alice = scim.create(userName="alice", externalId="1", **{SURVEY: {"Business Unit": "Kitchen"}})
    (event,) = publish()
    detail = event["detail"]
    assert (detail["id"], detail["userName"], detail["externalId"]) == (alice["id"], "alice", "1")
    assert alice["meta"]["version"] == f'W/"{detail["version"]}"'
    assert detail["tenant"] == scim.token.split("_")[1]
    assert detail["changed"] == ["externalId", "userName", "active", f"{SURVEY}:Business Unit"]
    assert "Kitchen" not in json.dumps(event)


def test_write_without_change_has_no_event(scim: Endpoint, publish: ReadEvents) -> None:
    alice = scim.create()
    scim.patch(alice["id"], {"op": "replace", "path": "active", "value": True})
    assert len(publish()) == 1


def test_failed_write_has_no_event(scim: Endpoint, publish: ReadEvents) -> None:
    alice = scim.create()
    response = scim.request("POST", "/Users", {"schemas": alice["schemas"], "userName": alice["userName"].upper()})
    assert (response.status, len(publish())) == (409, 1)


def test_event_has_current_or_last_user_name(scim: Endpoint, publish: ReadEvents) -> None:
    alice = scim.create(userName="alice")
    scim.patch(alice["id"], {"op": "replace", "path": "userName", "value": "alice.b"})
    scim.request("DELETE", f"/Users/{alice['id']}")
    assert [event["detail"]["userName"] for event in publish()] == ["alice", "alice.b", "alice.b"]
