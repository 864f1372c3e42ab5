"""Pages by ``startIndex`` over HTTP: RFC 7644, section 3.4.2.4, and what a client is promised beyond it."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from botocore.exceptions import ClientError

from scim.store.query.paging import MAX_PAGE_BYTES
from scim.store.query.paging_store import BOOKMARK_TTL_S
from tests.endpoint import Endpoint
from tests.handlers.conftest import Log

Json = dict[str, Any]
Items = Callable[[], list[dict[str, Any]]]

ORDERS: dict[str, Json] = {
    "ids": {},
    "names": {"sortBy": "userName"},
    "sorted": {"sortBy": "displayName"},
    "walk": {"filter": "active eq true"},
    "points": {"filter": 'externalId eq "E"'},
    "times": {"filter": 'meta.lastModified ge "2000-01-01T00:00:00Z"'},
}
EVERY_ORDER = pytest.mark.parametrize("query", ORDERS.values(), ids=ORDERS)


def create(scim: Endpoint, number: int, first: int = 0) -> list[Json]:
    names = [f"user-{each:03}" for each in range(first, first + number)]
    return [scim.create(userName=name, displayName=f"d {name}", externalId="E") for name in names]


def page(scim: Endpoint, index: int, count: int, client: str = "client", **query: Any) -> Json:
    parameters = urlencode({"startIndex": index, "count": count, **query})
    answer = scim.request("GET", f"/Users?{parameters}", user_agent=client)
    assert answer.status == 200, answer.body
    found: Json = answer.json()
    return found


def ids(found: Json) -> list[str]:
    return [user["id"] for user in found["Resources"]]


def list_bookmarks(items: Items) -> list[dict[str, Any]]:
    return [item for item in items() if item["sk"].startswith("B#")]


# Totals


@EVERY_ORDER
def test_total_is_constant_until_the_last_page(scim: Endpoint, query: Json) -> None:
    create(scim, 5)
    totals = [page(scim, 1, 2, **query)["totalResults"]]
    create(scim, 2, first=100)
    found = page(scim, 3, 2, **query)
    totals += [found["totalResults"]]
    given = 4
    while found["itemsPerPage"] and given < totals[-1]:
        found = page(scim, given + 1, 2, **query)
        given += found["itemsPerPage"]
        totals.append(max(found["totalResults"], given))

    assert totals[:2] == [5, 5]
    assert found["totalResults"] == given


def test_total_grows_with_pages_beyond_the_first_total(scim: Endpoint) -> None:
    create(scim, 3)
    assert page(scim, 1, 2, sortBy="userName")["totalResults"] == 3
    create(scim, 5, first=100)

    seen = [page(scim, index, 2, sortBy="userName")["totalResults"] for index in (3, 5, 7)]

    assert seen == [5, 7, 8]


@EVERY_ORDER
def test_page_after_the_last_is_empty(scim: Endpoint, query: Json) -> None:
    create(scim, 3)
    page(scim, 1, 2, **query)
    page(scim, 3, 2, **query)

    found = page(scim, 4, 2, **query)

    assert (found["totalResults"], found["Resources"]) == (3, [])


@EVERY_ORDER
def test_all_following_users_are_deleted_between_pages(scim: Endpoint, query: Json) -> None:
    create(scim, 5)
    first = page(scim, 1, 3, **query)
    for each in page(scim, 1, 200, "another", **query)["Resources"][3:]:
        scim.request("DELETE", f"/Users/{each['id']}")

    found = page(scim, 4, 3, **query)

    assert (first["totalResults"], found["totalResults"], found["Resources"]) == (5, 3, [])


# Bookmarks


@EVERY_ORDER
def test_deletion_between_pages_skips_no_user(scim: Endpoint, query: Json) -> None:
    create(scim, 6)
    everyone = ids(page(scim, 1, 200, "another", **query))
    first = ids(page(scim, 1, 3, **query))
    for each in first[:2]:
        scim.request("DELETE", f"/Users/{each}")

    assert first + ids(page(scim, 4, 3, **query)) == everyone


@EVERY_ORDER
def test_repeated_page_starts_at_the_same_user(scim: Endpoint, query: Json) -> None:
    create(scim, 8)
    first = ids(page(scim, 1, 2, **query))
    second = ids(page(scim, 3, 2, **query))
    scim.request("DELETE", f"/Users/{first[0]}")

    assert ids(page(scim, 3, 2, **query)) == second
    assert not set(ids(page(scim, 5, 2, **query))) & {*first, *second}


def test_paging_stores_one_bookmark(scim: Endpoint, items: Items) -> None:
    create(scim, 3)
    for index in (1, 3, 4):
        page(scim, index, 2)
    (left,) = list_bookmarks(items)

    assert [place[0] for place in json.loads(left["places"])] == [4, 3]
    assert 0 < int(left["ttl"]) - time.time() <= BOOKMARK_TTL_S


def test_lookup_of_one_user_stores_no_bookmark(scim: Endpoint, items: Items) -> None:
    create(scim, 1)
    page(scim, 1, 200, filter='userName eq "user-000"')
    page(scim, 1, 200, filter='externalId eq "E"')

    assert list_bookmarks(items) == []


def test_two_clients_page_independently(scim: Endpoint) -> None:
    create(scim, 6)
    one = ids(page(scim, 1, 2, "one"))
    scim.request("DELETE", f"/Users/{one[0]}")
    two = ids(page(scim, 1, 2, "two"))

    assert (ids(page(scim, 3, 1, "one")), ids(page(scim, 3, 2, "two"))[0] != two[1]) == ([two[1]], True)


def test_unsaved_bookmark_is_logged(scim: Endpoint, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    create(scim, 5)

    def refuse(*_: Any) -> bool:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "BatchWriteItem")

    with monkeypatch.context() as patch:
        patch.setattr("scim.store.table.Table.put_and_delete_once", refuse)
        found = [page(scim, index, 2) for index in (1, 3, 5)]
        assert log.last["plan"] == "ids,no-bookmark"

    assert [each["totalResults"] for each in found] == [5, 5, 5]
    assert len({each for every in found for each in ids(every)}) == 5
    page(scim, 1, 2)
    assert log.last["plan"] == "ids"


def test_expired_bookmark_is_ignored_and_removed(scim: Endpoint, items: Items, table: Any) -> None:
    create(scim, 4)
    page(scim, 1, 2, "old")
    (left,) = list_bookmarks(items)
    table.put_item(Item=left | {"ttl": int(time.time()) - 1, "places": json.dumps([[3, "g", 99]])})

    found = page(scim, 3, 2, "old")
    again = page(scim, 1, 2, "new")

    assert (found["itemsPerPage"], found["totalResults"], again["totalResults"]) == (2, 4, 4)
    assert left["ttl"] - 10 < min(item["ttl"] for item in list_bookmarks(items))


# What a page costs


@pytest.mark.parametrize(("order", "most"), [("ids", 3), ("names", 5), ("points", 5), ("times", 5)])
def test_page_costs_the_same_at_every_start_index(scim: Endpoint, log: Log, order: str, most: int) -> None:
    create(scim, 12)
    calls = {}
    for kind, index, client in [
        ("first", 1, "a"),
        ("continued", 6, "a"),
        ("last", 11, "a"),
        ("jumped to", 4, "b"),
        ("jumped to the end", 11, "c"),
    ]:
        page(scim, index, 5, client, **ORDERS[order])
        calls[kind] = log.last["dynamodb_calls"]

    assert max(calls.values()) <= most, calls


@pytest.mark.parametrize("query", [{"sortBy": "userName"}, {"filter": 'userName sw "user"'}])
def test_page_of_200_by_user_name_costs_five_calls(scim: Endpoint, log: Log, query: Json) -> None:
    create(scim, 203)

    first = page(scim, 1, 200, **query)
    calls = [log.last["dynamodb_calls"]]
    page(scim, 201, 200, **query)

    assert (first["itemsPerPage"], first["totalResults"]) == (200, 203)
    assert max(calls) <= 5


# Pages are cut before Lambda's 6 MB

LAMBDA_BYTES = 6 * 1024 * 1024


def enlarge(scim: Endpoint, items: Items, value: str) -> None:
    """Gives every user a value that no request could carry so often."""
    client = boto3.client("dynamodb")
    for item in items():
        if item["sk"].startswith("U#"):
            document = json.loads(item["doc"]) | {"title": value}
            client.update_item(
                TableName="muster",
                Key={"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}},
                UpdateExpression="SET doc = :doc",
                ExpressionAttributeValues={":doc": {"S": json.dumps(document, ensure_ascii=False)}},
            )


@pytest.mark.parametrize("character", ['"', "\\", "ä", "x"])
def test_page_fits_into_6_mb_as_lambda_encodes_it(scim: Endpoint, items: Items, character: str) -> None:
    create(scim, 26)
    enlarge(scim, items, character * (300_000 if character == "x" else 150_000))
    status, _, body = scim.send("GET", "/Users")

    encoded = len(json.dumps({"body": body.decode()}, ensure_ascii=False).encode())

    assert status == 200
    assert 5_000_000 < encoded < LAMBDA_BYTES
    assert json.loads(body)["itemsPerPage"] == len(json.loads(body)["Resources"]) < 26
    assert json.loads(body)["totalResults"] == 26


@pytest.mark.parametrize("query", [ORDERS["ids"], ORDERS["names"], ORDERS["sorted"]], ids=["ids", "names", "sorted"])
def test_shortened_pages_return_all_users(scim: Endpoint, items: Items, query: Json) -> None:
    created = create(scim, 20)
    enlarge(scim, items, "x" * 340_000)

    came, index, pages = list[str](), 1, 0
    while found := ids(page(scim, index, 200, **query)):
        came, index, pages = came + found, index + len(found), pages + 1
    assert (sorted(came), pages) == (sorted(user["id"] for user in created), 2)

    first = scim.request("GET", f"/Users?{urlencode({'cursor': '', **query})}").json()
    second = scim.request("GET", f"/Users?{urlencode({'cursor': first['nextCursor'], **query})}").json()
    assert ids(first) + ids(second) == came


def test_user_larger_than_a_page_is_returned_alone(
    scim: Endpoint, items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(scim, 2)
    monkeypatch.setattr("scim.store.query.paging.MAX_PAGE_BYTES", 10)

    assert MAX_PAGE_BYTES > 10
    assert [page(scim, index, 200)["itemsPerPage"] for index in (1, 2, 3)] == [1, 1, 0]
