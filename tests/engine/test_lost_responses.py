"""Responses that are lost after the engine has committed: the request succeeds and is written once."""

import json

import pytest

from tests.endpoint import ENTERPRISE, Endpoint
from tests.engine.proxy import Proxy
from tests.engine.test_bulk import build_create, send_bulk

WRITE = "TransactWriteItems"


@pytest.fixture(params=[False, True], ids=["token known", "token forgotten"])
def lossy_proxy(request: pytest.FixtureRequest, proxy: Proxy) -> Proxy:
    """A proxy to an engine that still knows the idempotency token of a repeated transaction, or does not."""
    proxy.forgets_tokens = request.param
    return proxy


def test_create_with_lost_response_happens_once(scim: Endpoint, lossy_proxy: Proxy) -> None:
    lossy_proxy.lose(WRITE)
    created = scim.create(userName="bob@example.com")
    listed = scim.request("GET", "/Users").json()
    assert [user["id"] for user in listed["Resources"]] == [created["id"]]
    assert created["meta"]["version"] == 'W/"1"'


def test_patch_with_lost_response_happens_once(scim: Endpoint, lossy_proxy: Proxy) -> None:
    user = scim.create()
    lossy_proxy.lose(WRITE, times=2)
    response = scim.patch(user["id"], {"op": "add", "path": "emails", "value": [{"value": "b@example.com"}]})
    assert (response.status, response.headers["etag"]) == (200, 'W/"2"')
    assert response.json()["emails"] == [{"value": "b@example.com"}]
    assert scim.request("GET", f"/Users/{user['id']}").headers["etag"] == 'W/"2"'


def test_rename_with_lost_response_is_no_conflict(scim: Endpoint, lossy_proxy: Proxy) -> None:
    user = scim.create()
    lossy_proxy.lose(WRITE)
    response = scim.patch(user["id"], {"op": "replace", "path": "userName", "value": "new"}, if_match='W/"1"')
    assert response.status == 200


def test_delete_with_lost_response_succeeds(scim: Endpoint, lossy_proxy: Proxy) -> None:
    user = scim.create()
    lossy_proxy.lose(WRITE)
    assert scim.request("DELETE", f"/Users/{user['id']}").status == 204
    assert scim.request("DELETE", f"/Users/{user['id']}").status == 404
    assert scim.request("GET", "/Users?count=0").json()["totalResults"] == 0


def test_duplicate_with_lost_response_is_conflict(scim: Endpoint, lossy_proxy: Proxy) -> None:
    scim.create(userName="bob")
    lossy_proxy.lose(WRITE)
    response = scim.request("POST", "/Users", {"userName": "BOB"})
    assert (response.status, response.json()["scimType"]) == (409, "uniqueness")


def test_reference_cycle_with_lost_response_happens_once(scim: Endpoint, lossy_proxy: Proxy) -> None:
    cycle = [
        build_create(name, **{ENTERPRISE: {"manager": {"value": f"bulkId:{boss}"}}})
        for name, boss in [("ada", "bob"), ("bob", "ada")]
    ]
    lossy_proxy.lose(WRITE)
    results = send_bulk(scim, cycle)
    assert [(result["status"], result["version"]) for result in results] == [("201", 'W/"1"')] * 2
    assert scim.request("GET", "/Users?count=0").json()["totalResults"] == 2


def test_repeated_request_is_byte_identical(scim: Endpoint, proxy: Proxy) -> None:
    proxy.bodies[WRITE].clear()  # of creating the tenant
    proxy.lose(WRITE, times=2)
    scim.create()
    first, *repeated = proxy.bodies[WRITE][-3:]
    assert repeated == [first, first]
    assert json.loads(first)["ClientRequestToken"]


@pytest.mark.parametrize("operation", ["GetItem", "Query"])
def test_read_with_lost_response_is_repeated(scim: Endpoint, proxy: Proxy, operation: str) -> None:
    user = scim.create(externalId="1")
    proxy.lose(operation)
    response = scim.request("GET", '/Users?filter=externalId%20eq%20"1"')
    assert [resource["id"] for resource in response.json()["Resources"]] == [user["id"]]
