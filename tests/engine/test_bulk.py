"""Bulk requests on a real engine, side by side."""

import time
from collections import Counter
from typing import Any

import pytest

from tests.endpoint import CORE, ENTERPRISE, Endpoint
from tests.engine.proxy import Proxy
from tests.size import sizes

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def post(name: str, **attributes: Any) -> dict[str, Any]:
    data = {"schemas": [CORE], "userName": name} | attributes
    return {"method": "POST", "path": "/Users", "bulkId": name, "data": data}


def run(scim: Endpoint, operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    results: list[dict[str, Any]] = answer.json()["Operations"]
    return results


@pytest.mark.parametrize("number", sizes(150, 1_000))
def test_many_creates_can_be_sent_twice(scim: Endpoint, number: int) -> None:
    operations = [post(f"user-{index}") for index in range(number)]
    assert Counter(result["status"] for result in run(scim, operations)) == {"201": number}
    assert Counter(result["status"] for result in run(scim, operations)) == {"409": number}
    assert scim.request("GET", "/Users?count=0").json()["totalResults"] == number


def test_throttled_bulk_answers_in_time_and_can_be_sent_again(
    scim: Endpoint, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = [post(f"user-{number}") for number in range(400)]
    proxy.throttle("TransactWriteItems", 70)
    started = time.monotonic()
    with monkeypatch.context() as short:
        short.setattr("tests.endpoint.TIMEOUT_S", 8.0)
        results = run(scim, operations)
    assert time.monotonic() - started < 8.0
    assert [result["bulkId"] for result in results] == [operation["bulkId"] for operation in operations]
    statuses = Counter(result["status"] for result in results)
    assert set(statuses) == {"201", "503"}
    assert {
        "Send the operation again" in result["response"]["detail"] for result in results if "response" in result
    } == {True}
    assert scim.request("GET", "/Users?count=0").json()["totalResults"] == statuses["201"]

    left = [operation for operation, result in zip(operations, results, strict=True) if result["status"] == "503"]
    assert {result["status"] for result in run(scim, left)} == {"201"}
    assert scim.request("GET", "/Users?count=0").json()["totalResults"] == 400


def test_users_and_managers_are_created_in_any_order(scim: Endpoint) -> None:
    staff = [
        post(f"worker-{number}", **{ENTERPRISE: {"manager": {"value": f"bulkId:worker-{(number * 7 + 1) % 50}"}}})
        for number in range(50)
    ]
    assert {result["status"] for result in run(scim, staff)} == {"201"}
    users = scim.request("GET", "/Users").json()["Resources"]
    ids = {user["userName"]: user["id"] for user in users}
    for user in users:
        number = int(user["userName"].removeprefix("worker-"))
        assert user[ENTERPRISE]["manager"]["value"] == ids[f"worker-{(number * 7 + 1) % 50}"]
