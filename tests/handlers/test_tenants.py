"""Tenants are isolated: a user of another tenant looks like one that never existed."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.endpoint import CORE, ENTERPRISE, Endpoint, without_rate_limit

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATCH_OP = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "active", "value": False}],
}

SendRequest = Callable[[Endpoint, str], Any]

REQUESTS: dict[str, SendRequest] = {
    "get": lambda scim, id_: scim.request("GET", f"/Users/{id_}"),
    "get of a version": lambda scim, id_: scim.request("GET", f"/Users/{id_}", if_none_match='W/"1"'),
    "put": lambda scim, id_: scim.request("PUT", f"/Users/{id_}", {"schemas": [CORE], "userName": "mallory"}),
    "patch": lambda scim, id_: scim.request("PATCH", f"/Users/{id_}", PATCH_OP),
    "patch of a version": lambda scim, id_: scim.request("PATCH", f"/Users/{id_}", PATCH_OP, if_match='W/"1"'),
    "delete": lambda scim, id_: scim.request("DELETE", f"/Users/{id_}"),
    "filter by id": lambda scim, id_: scim.request("GET", f'/Users?filter=id+eq+"{id_}"'),
    "scan by id": lambda scim, id_: scim.request("GET", f'/Users?filter=not+(id+ne+"{id_}")'),
    "location": lambda scim, id_: scim.request("GET", f'/Users?filter=meta.location+ew+"{id_}"'),
    "search": lambda scim, id_: scim.request("POST", "/.search", {"filter": f'id eq "{id_}" or id eq "{UNKNOWN_ID}"'}),
}


@pytest.mark.parametrize("operation", REQUESTS)
def test_user_of_another_tenant_is_404(scim: Endpoint, connect: Callable[[], Endpoint], operation: str) -> None:
    other = connect()
    other_user = other.create(userName="alice")

    response, unknown = REQUESTS[operation](scim, other_user["id"]), REQUESTS[operation](scim, UNKNOWN_ID)

    assert (response.status, response.body) == (unknown.status, unknown.body)
    assert without_rate_limit(response.headers) == without_rate_limit(unknown.headers)
    assert response.status == (200 if operation in ("filter by id", "scan by id", "location", "search") else 404)
    assert other.request("GET", f"/Users/{other_user['id']}").json() == other_user


def test_bulk_cannot_change_another_tenant(scim: Endpoint, connect: Callable[[], Endpoint]) -> None:
    other = connect()
    other_user = other.create(userName="alice")

    def get_results(user_id: str) -> list[tuple[str, Any]]:
        path = f"/Users/{user_id}"
        operations = [
            {"method": "PUT", "path": path, "data": {"schemas": [CORE], "userName": "mallory"}},
            {"method": "PATCH", "path": path, "data": PATCH_OP},
            {"method": "DELETE", "path": path},
        ]
        response = scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
        return [(result["status"], result["response"]) for result in response.json()["Operations"]]

    assert [status for status, _ in get_results(other_user["id"])] == ["404"] * 3
    assert get_results(other_user["id"]) == get_results(UNKNOWN_ID)
    assert other.request("GET", f"/Users/{other_user['id']}").json() == other_user


@pytest.mark.parametrize(
    "text", ["", 'userName eq "alice"', 'externalId eq "7"', 'emails.value eq "a@example.com"', "userName pr"]
)
def test_queries_find_no_user_of_another_tenant(scim: Endpoint, connect: Callable[[], Endpoint], text: str) -> None:
    connect().create(userName="alice", externalId="7", emails=[{"value": "a@example.com"}])
    mine = scim.create(userName="bob")
    query = f"?filter={text}".replace(" ", "+") if text else ""

    page = scim.request("GET", f"/Users{query}").json()

    expected = [mine] if text in ("", "userName pr") else []
    assert (page["Resources"], page["totalResults"]) == (expected, len(expected))


def test_names_are_unique_in_their_tenant_only(scim: Endpoint, connect: Callable[[], Endpoint]) -> None:
    users = [endpoint.create(userName="alice", externalId="7") for endpoint in (scim, connect())]

    assert users[0]["id"] != users[1]["id"]


def test_unknown_manager_is_accepted(scim: Endpoint, connect: Callable[[], Endpoint]) -> None:
    """Identity providers may send a manager before it exists. Ids of another tenant are treated in the same way."""
    other_user = connect().create()

    managers = [
        scim.create(**{ENTERPRISE: {"manager": {"value": id_}}})[ENTERPRISE] for id_ in (other_user["id"], UNKNOWN_ID)
    ]

    assert managers == [{"manager": {"value": other_user["id"]}}, {"manager": {"value": UNKNOWN_ID}}]
