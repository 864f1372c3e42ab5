"""The policies allow the calls of the code in all readings of the condition keys in transactions, and no others."""

import json
from typing import Any

import pytest

from deployment.smoke.accesses import Reading
from deployment.smoke.permission_rules import FORBIDDEN_CALLS, REQUIRED_CALLS, Call
from local.services.messaging import Messaging
from scim.settings import Settings
from tests.endpoint import ENTERPRISE, Endpoint
from tests.template.conftest import Calls
from tests.template.deployment import ROTATION
from tests.template.iam import is_call_allowed
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


@with_known_keys
@pytest.mark.parametrize(("function", "call"), FORBIDDEN_CALLS, ids=lambda value: json.dumps(value)[:90])
def test_forbidden_call_is_denied(function: str, call: Call, reading: Reading) -> None:
    assert not is_call_allowed(function, *call, reading)


@with_readings
@pytest.mark.parametrize(("function", "call"), REQUIRED_CALLS, ids=lambda value: json.dumps(value)[:90])
def test_required_call_is_allowed(function: str, call: Call, reading: Reading) -> None:
    assert is_call_allowed(function, *call, reading)
