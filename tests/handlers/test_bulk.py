"""Bulk over HTTP: RFC 7644, section 3.7."""

import json
from collections.abc import Callable
from typing import Any

from tests.endpoint import CORE, ENTERPRISE, Endpoint
from tests.handlers.conftest import Log

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def post(bulk_id: str, **attributes: Any) -> dict[str, Any]:
    data = {"schemas": [CORE], "userName": bulk_id} | attributes
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def request(*operations: Any, **members: Any) -> dict[str, Any]:
    return {"schemas": [BULK], "Operations": operations} | members


def test_bulk_operations_are_independent(scim: Endpoint) -> None:
    bob, carol = scim.create(userName="bob"), scim.create(userName="carol")
    activate = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "active", "value": False}]}

    answer = scim.request(
        "POST",
        "/Bulk",
        request(
            post("alice", **{ENTERPRISE: {"manager": {"value": bob["id"]}}}),
            post("again", userName="BOB"),
            {"method": "PATCH", "path": f"/Users/{bob['id']}", "data": activate, "version": 'W/"1"'},
            {"method": "PATCH", "path": f"/Users/{bob['id']}", "data": activate, "version": 'W/"1"'},
            {"method": "DELETE", "path": f"/Users/{carol['id']}"},
            {"method": "POST", "path": "/Users", "data": {"schemas": [CORE], "userName": "dave"}},
        ),
    )

    assert answer.status == 200
    assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
    assert [each["status"] for each in answer.json()["Operations"]] == ["201", "409", "200", "412", "204", "400"]
    users = {user["userName"]: user for user in scim.request("GET", "/Users").json()["Resources"]}
    assert {name: user["active"] for name, user in users.items()} == {"alice": True, "bob": False}


def test_version_of_a_result_is_that_of_the_user(scim: Endpoint) -> None:
    (result,) = scim.request("POST", "/Bulk", request(post("alice"))).json()["Operations"]

    user = scim.request("GET", result["location"].partition("/scim/v2")[2]).json()

    assert (result["location"], result["version"]) == (user["meta"]["location"], user["meta"]["version"])


def test_bulk_id_reference_is_resolved(scim: Endpoint) -> None:
    worker = post("worker", **{ENTERPRISE: {"manager": {"value": "bulkId:boss"}}})

    scim.request("POST", "/Bulk", request(post("boss"), worker))

    users = {user["userName"]: user for user in scim.request("GET", "/Users").json()["Resources"]}
    assert users["worker"][ENTERPRISE]["manager"]["value"] == users["boss"]["id"]


def test_bulk_is_served_under_every_form_of_base_url(scim: Endpoint) -> None:
    for number, base in enumerate(["", "/scim", "//scim//v2"]):
        status, _, body = scim.send("POST", "/Bulk/", body=json.dumps(request(post(f"user-{number}"))), base=base)

        assert (status, json.loads(body)["Operations"][0]["status"]) == (200, "201")


def test_more_than_1000_operations_are_413(scim: Endpoint, items: Callable[[], list[dict[str, Any]]]) -> None:
    before = items()

    answer = scim.request("POST", "/Bulk", request(*(post(f"user-{number}") for number in range(1_001))))

    assert (answer.status, answer.json()["status"], items()) == (413, "413", before)


def test_log_line_counts_operations_and_calls(scim: Endpoint, log: Log) -> None:
    scim.request("POST", "/Bulk", request(post("alice"), post("Alice"), post("bob")))

    line = log.last
    assert (line["operation"], line["operations"], line["dynamodb_calls"]) == ("POST Bulk", 3, 3)


def test_largest_bulk_response_fits_into_6_mb(scim: Endpoint) -> None:
    """Each name that comes back is of quotes, which JSON escapes, and Lambda's own JSON once more."""
    operations = [{"method": "POST", "path": "/Users", "bulkId": f"{number:03}" + '"' * 450} for number in range(1_000)]
    body = request(*operations)
    assert 950_000 < len(json.dumps(body)) < 1_000_000
    answer = scim.request("POST", "/Bulk", body)
    assert {result["status"] for result in answer.json()["Operations"]} == {"400"}
    assert len(json.dumps({"body": answer.body.decode()})) < 6 * 1024 * 1024
