"""Tenants see nothing of each other: another's user answers like one that never existed."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.endpoint import CORE, ENTERPRISE, Endpoint

NEVER = "00000000-0000-4000-8000-000000000000"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATCH_OP = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "active", "value": False}],
}

Ask = Callable[[Endpoint, str], Any]

ASKED: dict[str, Ask] = {
    "get": lambda scim, id_: scim.request("GET", f"/Users/{id_}"),
    "get of a version": lambda scim, id_: scim.request("GET", f"/Users/{id_}", if_none_match='W/"1"'),
    "put": lambda scim, id_: scim.request("PUT", f"/Users/{id_}", {"schemas": [CORE], "userName": "mallory"}),
    "patch": lambda scim, id_: scim.request("PATCH", f"/Users/{id_}", PATCH_OP),
    "patch of a version": lambda scim, id_: scim.request("PATCH", f"/Users/{id_}", PATCH_OP, if_match='W/"1"'),
    "delete": lambda scim, id_: scim.request("DELETE", f"/Users/{id_}"),
    "filter by id": lambda scim, id_: scim.request("GET", f'/Users?filter=id+eq+"{id_}"'),
    "walk by id": lambda scim, id_: scim.request("GET", f'/Users?filter=not+(id+ne+"{id_}")'),
    "location": lambda scim, id_: scim.request("GET", f'/Users?filter=meta.location+ew+"{id_}"'),
    "search": lambda scim, id_: scim.request("POST", "/.search", {"filter": f'id eq "{id_}" or id eq "{NEVER}"'}),
}


@pytest.mark.parametrize("operation", ASKED)
def test_user_of_another_tenant_is_404(scim: Endpoint, connect: Callable[[], Endpoint], operation: str) -> None:
    other = connect()
    theirs = other.create(userName="alice")

    answer, never = ASKED[operation](scim, theirs["id"]), ASKED[operation](scim, NEVER)

    assert answer == never
    assert answer.status == (200 if operation in ("filter by id", "walk by id", "location", "search") else 404)
    assert other.request("GET", f"/Users/{theirs['id']}").json() == theirs


def test_bulk_does_not_reach_into_another_tenant(scim: Endpoint, connect: Callable[[], Endpoint]) -> None:
    other = connect()
    theirs = other.create(userName="alice")

    def results(user_id: str) -> list[tuple[str, Any]]:
        path = f"/Users/{user_id}"
        operations = [
            {"method": "PUT", "path": path, "data": {"schemas": [CORE], "userName": "mallory"}},
            {"method": "PATCH", "path": path, "data": PATCH_OP},
            {"method": "DELETE", "path": path},
        ]
        answer = scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
        return [(each["status"], each["response"]) for each in answer.json()["Operations"]]

    assert [status for status, _ in results(theirs["id"])] == ["404"] * 3
    assert results(theirs["id"]) == results(NEVER)
    assert other.request("GET", f"/Users/{theirs['id']}").json() == theirs


@pytest.mark.parametrize(
    "text", ["", 'userName eq "alice"', 'externalId eq "7"', 'emails.value eq "a@example.com"', "userName pr"]
)
def test_queries_find_no_user_of_another_tenant(scim: Endpoint, connect: Callable[[], Endpoint], text: str) -> None:
    connect().create(userName="alice", externalId="7", emails=[{"value": "a@example.com"}])
    mine = scim.create(userName="bob")
    query = f"?filter={text}".replace(" ", "+") if text else ""

    found = scim.request("GET", f"/Users{query}").json()

    expected = [mine] if text in ("", "userName pr") else []
    assert (found["Resources"], found["totalResults"]) == (expected, len(expected))


def test_names_are_unique_in_their_tenant_only(scim: Endpoint, connect: Callable[[], Endpoint]) -> None:
    users = [endpoint.create(userName="alice", externalId="7") for endpoint in (scim, connect())]

    assert users[0]["id"] != users[1]["id"]


def test_manager_may_be_named_who_is_unknown_here(scim: Endpoint, connect: Callable[[], Endpoint]) -> None:
    """Identity providers send ids of people who have not arrived, and another tenant's is no different from these."""
    theirs = connect().create()

    managers = [scim.create(**{ENTERPRISE: {"manager": {"value": id_}}})[ENTERPRISE] for id_ in (theirs["id"], NEVER)]

    assert managers == [{"manager": {"value": theirs["id"]}}, {"manager": {"value": NEVER}}]
