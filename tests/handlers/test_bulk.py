"""Bulk over HTTP: RFC 7644, section 3.7."""

import json
from collections.abc import Callable
from typing import Any

from tests.endpoint import CORE, ENTERPRISE, Endpoint
from tests.handlers.conftest import Log

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def build_post(bulk_id: str, **attributes: Any) -> dict[str, Any]:
    data = {"schemas": [CORE], "userName": bulk_id} | attributes
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def build_request(*operations: Any, **members: Any) -> dict[str, Any]:
    return {"schemas": [BULK], "Operations": operations} | members


def test_bulk_operations_are_independent(scim: Endpoint) -> None:
    bob, carol = scim.create(userName="bob"), scim.create(userName="carol")
    deactivate = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "active", "value": False}]}

    response = scim.request(
        "POST",
        "/Bulk",
        build_request(
            build_post("alice", **{ENTERPRISE: {"manager": {"value": bob["id"]}}}),
            build_post("again", userName="BOB"),
            {"method": "PATCH", "path": f"/Users/{bob['id']}", "data": deactivate, "version": 'W/"1"'},
            {"method": "PATCH", "path": f"/Users/{bob['id']}", "data": deactivate, "version": 'W/"1"'},
            {"method": "DELETE", "path": f"/Users/{carol['id']}"},
            {"method": "POST", "path": "/Users", "data": {"schemas": [CORE], "userName": "dave"}},
        ),
    )

    assert response.status == 200
    assert response.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
    assert [result["status"] for result in response.json()["Operations"]] == ["201", "409", "200", "412", "204", "400"]
    users = {user["userName"]: user for user in scim.request("GET", "/Users").json()["Resources"]}
    assert {name: user["active"] for name, user in users.items()} == {"alice": True, "bob": False}


def test_result_has_the_version_of_the_user(scim: Endpoint) -> None:
    (result,) = scim.request("POST", "/Bulk", build_request(build_post("alice"))).json()["Operations"]

    user = scim.request("GET", result["location"].partition("/scim/v2")[2]).json()

    assert (result["location"], result["version"]) == (user["meta"]["location"], user["meta"]["version"])


def test_bulk_id_reference_is_resolved(scim: Endpoint) -> None:
    worker = build_post("worker", **{ENTERPRISE: {"manager": {"value": "bulkId:boss"}}})

    scim.request("POST", "/Bulk", build_request(build_post("boss"), worker))

    users = {user["userName"]: user for user in scim.request("GET", "/Users").json()["Resources"]}
    assert users["worker"][ENTERPRISE]["manager"]["value"] == users["boss"]["id"]


def test_bulk_accepts_all_forms_of_the_base_url(scim: Endpoint) -> None:
    for number, base_url in enumerate(["", "/scim", "//scim//v2"]):
        status, _, body = scim.send(
            "POST", "/Bulk/", body=json.dumps(build_request(build_post(f"user-{number}"))), base=base_url
        )

        assert (status, json.loads(body)["Operations"][0]["status"]) == (200, "201")


def test_more_than_1000_operations_are_413(scim: Endpoint, items: Callable[[], list[dict[str, Any]]]) -> None:
    before = items()

    response = scim.request("POST", "/Bulk", build_request(*(build_post(f"user-{number}") for number in range(1_001))))

    assert (response.status, response.json()["status"], items()) == (413, "413", before)


def test_log_line_counts_operations_and_calls(scim: Endpoint, log: Log) -> None:
    scim.request("POST", "/Bulk", build_request(build_post("alice"), build_post("Alice"), build_post("bob")))

    line = log.last
    assert (line["operation"], line["operations"], line["dynamodb_calls"]) == ("POST Bulk", 3, 3)


def test_reference_cycle_is_one_call(scim: Endpoint, log: Log) -> None:
    ada = build_post("ada", **{ENTERPRISE: {"manager": {"value": "bulkId:bob"}}})
    bob = build_post("bob", **{ENTERPRISE: {"manager": {"value": "bulkId:ada"}}})

    results = scim.request("POST", "/Bulk", build_request(ada, bob)).json()["Operations"]

    assert [result["status"] for result in results] == ["201", "201"]
    assert log.last["dynamodb_calls"] == 1


def test_failed_reference_cycle_changes_nothing(
    scim: Endpoint, items: Callable[[], list[dict[str, Any]]], failures: Callable[[], list[dict[str, Any]]]
) -> None:
    """Each of its operations is one failure."""
    scim.create(userName="carol")
    before = items()
    ada = build_post("ada", **{ENTERPRISE: {"manager": {"value": "bulkId:bob"}}})
    bob = build_post("bob", userName="Carol", **{ENTERPRISE: {"manager": {"value": "bulkId:ada"}}})

    results = scim.request("POST", "/Bulk", build_request(ada, bob)).json()["Operations"]

    assert [result["status"] for result in results] == ["409", "409"]
    assert items() == before
    assert len(failures()) == 2


def test_largest_bulk_response_fits_into_6_mb(scim: Endpoint) -> None:
    """The response repeats names of quotes. JSON escapes them, and Lambda's JSON escapes them again."""
    operations = [{"method": "POST", "path": "/Users", "bulkId": f"{number:03}" + '"' * 450} for number in range(1_000)]
    body = build_request(*operations)
    assert 950_000 < len(json.dumps(body)) < 1_000_000
    response = scim.request("POST", "/Bulk", body)
    assert {result["status"] for result in response.json()["Operations"]} == {"400"}
    assert len(json.dumps({"body": response.body.decode()})) < 6 * 1024 * 1024
