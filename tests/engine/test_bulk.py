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
