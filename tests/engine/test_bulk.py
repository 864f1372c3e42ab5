"""Bulk requests on a real engine, side by side."""

from collections import Counter
from typing import Any

from tests.endpoint import CORE, ENTERPRISE, Endpoint

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def post(name: str, **attributes: Any) -> dict[str, Any]:
    data = {"schemas": [CORE], "userName": name} | attributes
    return {"method": "POST", "path": "/Users", "bulkId": name, "data": data}


def run(scim: Endpoint, operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    results: list[dict[str, Any]] = answer.json()["Operations"]
    return results


def test_a_thousand_creates_are_all_there_and_sending_them_again_does_no_harm(scim: Endpoint) -> None:
    operations = [post(f"user-{number}") for number in range(1_000)]
    assert Counter(result["status"] for result in run(scim, operations)) == {"201": 1_000}
    assert Counter(result["status"] for result in run(scim, operations)) == {"409": 1_000}
    assert scim.request("GET", "/Users?count=0").json()["totalResults"] == 1_000


def test_a_staff_is_made_with_its_managers_in_any_order(scim: Endpoint) -> None:
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
