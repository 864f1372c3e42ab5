"""The policies allow the calls of the code in all readings of the condition keys in transactions, and no others."""

import json
from typing import Any

import pytest

from local.services.messaging import Messaging
from scim.settings import Settings
from tests.endpoint import ENTERPRISE, Endpoint
from tests.template.conftest import Calls
from tests.template.deployment import ROTATION
from tests.template.iam import Reading, is_call_allowed
from tests.template.test_used_permissions import process_changes, rotate_token, update_links, use_console

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

with_readings = pytest.mark.parametrize("reading", Reading)
with_known_keys = pytest.mark.parametrize("reading", [Reading.PER_ITEM, Reading.POOLED])


def _list_denied_calls(function: str, calls: Calls, reading: Reading) -> list[tuple[str, Any]]:
    database = [(operation, arguments) for service, operation, arguments in calls if service == "dynamodb"]
    assert database
    return [call for call in database if not is_call_allowed(function, *call, reading)]


def _create_users(scim: Endpoint) -> None:
    """Send each kind of request that writes users or counters: create, PUT, PATCH, DELETE, bulk, a page, a failure."""
    ada = scim.create(userName="ada", externalId="1", emails=[{"value": "ada@example.com"}])
    path = f"/Users/{ada['id']}"
    assert scim.request("PUT", path, ada | {"userName": "ada.lovelace", "externalId": "2"}).status == 200
    assert scim.patch(ada["id"], {"op": "replace", "path": "active", "value": False}).status == 200
    assert scim.request("POST", "/Users", {"schemas": ada["schemas"], "userName": "ada.lovelace"}).status == 409
    user = {"schemas": ada["schemas"]}
    operations: list[dict[str, Any]] = [
        {"method": "POST", "path": "/Users", "bulkId": name, "data": user | {"userName": name, **_refer_to(other)}}
        for name, other in (("a", "b"), ("b", "a"))
    ]
    operations.append({"method": "PATCH", "path": path, "data": {"Operations": [{"op": "remove", "path": "emails"}]}})
    response = scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    assert [operation["status"][0] for operation in response.json()["Operations"]] == ["2", "2", "2"]
    for query in (
        "?startIndex=2&count=1",
        '?filter=userName+eq+"a"',
        '?filter=meta.lastModified+gt+"2020-01-01T00:00:00Z"',
    ):
        assert scim.request("GET", f"/Users{query}").status == 200
    assert scim.request("DELETE", path).status == 204


def _refer_to(bulk_id: str) -> dict[str, Any]:
    return {ENTERPRISE: {"manager": {"value": f"bulkId:{bulk_id}"}}}


@with_readings
def test_requests_are_allowed(scim: Endpoint, calls: Calls, reading: Reading) -> None:
    calls.clear()
    _create_users(scim)
    actions = {
        action
        for _, operation, arguments in calls
        if operation == "TransactWriteItems"
        for item in arguments["TransactItems"]
        for action in item
    }
    assert actions == {"Put", "Update", "Delete"}
    assert any("IndexName" in arguments for _, _, arguments in calls)
    assert _list_denied_calls("UsersFunction", calls, reading) == []
    assert _list_denied_calls("BulkFunction", calls, reading) == []


@with_readings
def test_discovery_is_allowed(scim: Endpoint, calls: Calls, reading: Reading) -> None:
    calls.clear()
    assert scim.request("GET", "/Schemas").status == 200
    assert _list_denied_calls("DiscoveryFunction", calls, reading) == []


@with_readings
def test_links_are_allowed(scim: Endpoint, bus: Messaging, calls: Calls, reading: Reading) -> None:
    boss = scim.create(userName="boss")
    for name in ("alice", "bob"):
        scim.create(userName=name, **{ENTERPRISE: {"manager": {"value": "boss"}}})
    process_changes()
    calls.clear()
    update_links(bus)
    first = list(calls)
    scim.request("DELETE", f"/Users/{boss['id']}")
    process_changes()
    calls[:] = first
    update_links(bus)
    assert "TransactWriteItems" in {operation for _, operation, _ in calls}
    assert _list_denied_calls("LinksFunction", calls, reading) == []


@with_readings
def test_rotation_is_allowed(settings: Settings, calls: Calls, reading: Reading) -> None:
    rotate_token(settings, before=calls.clear)
    assert "TransactWriteItems" in {operation for _, operation, _ in calls}
    assert _list_denied_calls(ROTATION, calls, reading) == []


@with_readings
def test_console_is_allowed(settings: Settings, calls: Calls, reading: Reading) -> None:
    kept: Calls = []
    use_console(leave=lambda: kept.extend(calls), resume=calls.clear)
    calls.extend(kept)
    assert "TransactWriteItems" in {operation for _, operation, _ in calls}
    assert _list_denied_calls("AdminFunction", calls, reading) == []


def _write(part: str, partition: str, *attributes: str) -> dict[str, Any]:
    """Return an action of a transaction."""
    values = {"pk": {"S": partition}, "sk": {"S": "x"}}
    if part == "Put":
        return {part: {"Item": values | {name: {"S": "x"} for name in attributes}}}
    update = {"UpdateExpression": f"SET {', '.join(f'{name} = :x' for name in attributes)}"}
    return {part: {"Key": values, **(update if part == "Update" else {})}}


def _transact(*actions: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "TransactWriteItems", {"TransactItems": list(actions)}


USER, SETTINGS, COUNTERS, SESSION = "T#acme", "A#acme", "L#acme", "S#"
FORBIDDEN = [
    # Only the console and the rotation may write settings, and only the console sessions.
    *[
        (function, _transact(_write(part, partition, "v")))
        for function in ("UsersFunction", "BulkFunction", "DiscoveryFunction", "LinksFunction", "ChangesFunction")
        for part in ("Put", "Update", "Delete")
        for partition in (SETTINGS, SESSION, "TENANTS", "W#acme")
    ],
    # Also not as a part of a transaction that is allowed.
    ("UsersFunction", _transact(_write("Put", USER), _write("Update", COUNTERS, "counts"), _write("Put", SETTINGS))),
    ("LinksFunction", _transact(_write("Update", USER, "links"), _write("Put", SETTINGS, "v"))),
    (ROTATION, _transact(_write("Put", SETTINGS), _write("Put", USER))),
    ("AdminFunction", _transact(_write("Put", SETTINGS), _write("Put", USER))),
    # Only the functions of requests may write documents of users.
    *[
        (function, _transact(_write(part, USER, "doc")))
        for function in ("DiscoveryFunction", "LinksFunction", "ChangesFunction", ROTATION, "AdminFunction")
        for part in ("Put", "Update", "Delete")
    ],
    # No function may write users outside of transactions, so no change is without its record.
    *[
        (function, (operation, arguments))
        for function in ("UsersFunction", "LinksFunction", "AdminFunction", ROTATION)
        for operation, arguments in (
            ("PutItem", _write("Put", USER, "links")["Put"]),
            ("UpdateItem", _write("Update", USER, "links")["Update"]),
            ("DeleteItem", _write("Delete", USER)["Delete"]),
            ("BatchWriteItem", {"RequestItems": {"t": [{"PutRequest": _write("Put", USER, "links")["Put"]}]}}),
        )
    ],
    ("UsersFunction", ("UpdateItem", _write("Update", COUNTERS, "counts")["Update"])),
    (ROTATION, ("PutItem", _write("Put", SETTINGS, "v")["Put"])),
    # Only the console and the functions of requests and links may read users and sessions.
    *[
        (function, ("GetItem", _write("Delete", USER)["Delete"]))
        for function in ("DiscoveryFunction", "ChangesFunction", ROTATION)
    ],
    *[
        (function, ("GetItem", _write("Delete", SESSION)["Delete"]))
        for function in ("UsersFunction", "DiscoveryFunction", "ChangesFunction", "LinksFunction", ROTATION)
    ],
    ("UsersFunction", ("Scan", {})),
]


@with_known_keys
@pytest.mark.parametrize(("function", "call"), FORBIDDEN, ids=lambda value: json.dumps(value)[:90])
def test_forbidden_call_is_denied(function: str, call: tuple[str, dict[str, Any]], reading: Reading) -> None:
    assert not is_call_allowed(function, *call, reading)


@with_known_keys
@pytest.mark.parametrize("attribute", ["doc", "created", "modified", "since", "time", "id", "normalization"])
def test_links_function_writes_no_attribute_of_documents(attribute: str, reading: Reading) -> None:
    """These attributes are in users and their lookup items, but not in change records."""
    for part in ("Put", "Update"):
        assert not is_call_allowed("LinksFunction", *_transact(_write(part, USER, attribute)), reading)
