"""Bulk requests with many operations on a real engine."""

import time
from collections import Counter
from typing import Any

import pytest

from tests.endpoint import CORE, ENTERPRISE, Endpoint
from tests.engine.proxy import Proxy
from tests.size import sizes

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def build_create(name: str, **attributes: Any) -> dict[str, Any]:
    data = {"schemas": [CORE], "userName": name} | attributes
    return {"method": "POST", "path": "/Users", "bulkId": name, "data": data}


def build_rename(user_id: str, name: str) -> dict[str, Any]:
    operations = [{"op": "replace", "value": {"userName": name}}]
    data = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
    return {"method": "PATCH", "path": f"/Users/{user_id}", "data": data}


def build_deletion(user_id: str) -> dict[str, Any]:
    return {"method": "DELETE", "path": f"/Users/{user_id}"}


def send_bulk(scim: Endpoint, operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    response = scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    results: list[dict[str, Any]] = response.json()["Operations"]
    return results


@pytest.mark.parametrize("number", sizes(150, 1_000))
def test_repeated_creates_are_conflicts(scim: Endpoint, number: int) -> None:
    operations = [build_create(f"user-{index}") for index in range(number)]
    assert Counter(result["status"] for result in send_bulk(scim, operations)) == {"201": number}
    assert Counter(result["status"] for result in send_bulk(scim, operations)) == {"409": number}
    assert scim.request("GET", "/Users?count=0").json()["totalResults"] == number


def test_throttled_bulk_meets_deadline_and_can_be_repeated(
    scim: Endpoint, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = [build_create(f"user-{number}") for number in range(400)]
    proxy.throttle("TransactWriteItems", 70)
    started = time.monotonic()
    with monkeypatch.context() as patch:
        patch.setattr("tests.endpoint.TIMEOUT_S", 8.0)
        results = send_bulk(scim, operations)
    assert time.monotonic() - started < 8.0
    assert [result["bulkId"] for result in results] == [operation["bulkId"] for operation in operations]
    statuses = Counter(result["status"] for result in results)
    assert set(statuses) == {"201", "503"}
    assert {
        "Send the operation again" in result["response"]["detail"] for result in results if "response" in result
    } == {True}
    assert scim.request("GET", "/Users?count=0").json()["totalResults"] == statuses["201"]

    unprocessed = [
        operation for operation, result in zip(operations, results, strict=True) if result["status"] == "503"
    ]
    assert {result["status"] for result in send_bulk(scim, unprocessed)} == {"201"}
    assert scim.request("GET", "/Users?count=0").json()["totalResults"] == 400


def test_users_and_managers_are_created_in_any_order(scim: Endpoint) -> None:
    staff = [
        build_create(
            f"worker-{number}", **{ENTERPRISE: {"manager": {"value": f"bulkId:worker-{(number * 7 + 1) % 50}"}}}
        )
        for number in range(50)
    ]
    assert {result["status"] for result in send_bulk(scim, staff)} == {"201"}
    users = scim.request("GET", "/Users").json()["Resources"]
    ids = {user["userName"]: user["id"] for user in users}
    for user in users:
        number = int(user["userName"].removeprefix("worker-"))
        assert user[ENTERPRISE]["manager"]["value"] == ids[f"worker-{(number * 7 + 1) % 50}"]


def free_and_take_names(scim: Endpoint) -> list[str]:
    """Delete a user and rename two, then take their names; return the statuses."""
    ada, bob, carol = (scim.create()["id"] for _ in range(3))
    send_bulk(scim, [build_rename(ada, "ada"), build_rename(bob, "bob"), build_rename(carol, "carol")])
    operations = [
        build_deletion(ada),
        build_create("Ada"),
        build_rename(bob, "robert"),
        build_rename(carol, "bob"),
        build_create("carol"),
        *(build_deletion(f"bulkId:{name}") for name in ("Ada", "carol")),
        *map(build_deletion, (bob, carol)),
    ]
    return [result["status"] for result in send_bulk(scim, operations)]


@pytest.mark.parametrize("runs", sizes(20, 400))
def test_freed_names_can_be_taken_in_every_run(direct: Endpoint, runs: int) -> None:
    expected = ("204", "201", "200", "200", "201", *["204"] * 4)
    assert Counter(tuple(free_and_take_names(direct)) for _ in range(runs)) == {expected: runs}
    assert direct.request("GET", "/Users?count=0").json()["totalResults"] == 0


@pytest.mark.parametrize("delayed", [b'"Delete"', b'"attribute_not_exists(sk)"'], ids=["deletions", "creations"])
def test_freed_names_can_be_taken_after_a_delay(scim: Endpoint, proxy: Proxy, delayed: bytes) -> None:
    proxy.delay(delayed, 0.1)
    assert free_and_take_names(scim) == ["204", "201", "200", "200", "201", *["204"] * 4]
