"""Replies that are lost after the engine has committed: no false failure, no second write."""

import json

import pytest

from tests.endpoint import Endpoint
from tests.engine.proxy import Proxy

WRITE = "TransactWriteItems"


@pytest.fixture(params=[False, True], ids=["token known", "token forgotten"])
def lossy(request: pytest.FixtureRequest, proxy: Proxy) -> Proxy:
    """Once with an engine that knows the repeated transaction by its token, once with one that does not any more."""
    proxy.forgets_tokens = request.param
    return proxy


def test_create_with_lost_response_happens_once(scim: Endpoint, lossy: Proxy) -> None:
    lossy.lose(WRITE)
    created = scim.create(userName="bob@example.com")
    listed = scim.request("GET", "/Users").json()
    assert [user["id"] for user in listed["Resources"]] == [created["id"]]
    assert created["meta"]["version"] == 'W/"1"'


def test_patch_with_lost_response_happens_once(scim: Endpoint, lossy: Proxy) -> None:
    user = scim.create()
    lossy.lose(WRITE, times=2)
    answer = scim.patch(user["id"], {"op": "add", "path": "emails", "value": [{"value": "b@example.com"}]})
    assert (answer.status, answer.headers["etag"]) == (200, 'W/"2"')
    assert answer.json()["emails"] == [{"value": "b@example.com"}]
    assert scim.request("GET", f"/Users/{user['id']}").headers["etag"] == 'W/"2"'


def test_rename_with_lost_response_is_no_conflict_with_itself(scim: Endpoint, lossy: Proxy) -> None:
    user = scim.create()
    lossy.lose(WRITE)
    answer = scim.patch(user["id"], {"op": "replace", "path": "userName", "value": "new"}, if_match='W/"1"')
    assert answer.status == 200


def test_delete_with_lost_response_succeeds(scim: Endpoint, lossy: Proxy) -> None:
    user = scim.create()
    lossy.lose(WRITE)
    assert scim.request("DELETE", f"/Users/{user['id']}").status == 204
    assert scim.request("DELETE", f"/Users/{user['id']}").status == 404
    assert scim.request("GET", "/Users?count=0").json()["totalResults"] == 0


def test_duplicate_with_lost_response_is_a_conflict(scim: Endpoint, lossy: Proxy) -> None:
    scim.create(userName="bob")
    lossy.lose(WRITE)
    answer = scim.request("POST", "/Users", {"userName": "BOB"})
    assert (answer.status, answer.json()["scimType"]) == (409, "uniqueness")


def test_repeated_request_is_byte_identical(scim: Endpoint, proxy: Proxy) -> None:
    proxy.bodies[WRITE].clear()  # the tenant's
    proxy.lose(WRITE, times=2)
    scim.create()
    first, *repeated = proxy.bodies[WRITE][-3:]
    assert repeated == [first, first]
    assert json.loads(first)["ClientRequestToken"]


@pytest.mark.parametrize("operation", ["GetItem", "Query"])
def test_read_with_lost_response_is_repeated(scim: Endpoint, proxy: Proxy, operation: str) -> None:
    user = scim.create(externalId="1")
    proxy.lose(operation)
    answer = scim.request("GET", '/Users?filter=externalId%20eq%20"1"')
    assert [resource["id"] for resource in answer.json()["Resources"]] == [user["id"]]
