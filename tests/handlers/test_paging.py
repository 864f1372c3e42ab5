"""Pages by ``startIndex`` over HTTP: RFC 7644, section 3.4.2.4, and our additional guarantees."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest

from scim.aws.errors import ErrorResponse
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
    "scan": {"filter": "active eq true"},
    "lookup": {"filter": 'externalId eq "E"'},
    "times": {"filter": 'meta.lastModified ge "2000-01-01T00:00:00Z"'},
}
FOR_ALL_ORDERS = pytest.mark.parametrize("query", ORDERS.values(), ids=ORDERS)


def create_users(scim: Endpoint, number: int, first: int = 0) -> list[Json]:
    names = [f"user-{number:03}" for number in range(first, first + number)]
    return [scim.create(userName=name, displayName=f"d {name}", externalId="E") for name in names]


def fetch_page(scim: Endpoint, index: int, count: int, client: str = "client", **query: Any) -> Json:
    parameters = urlencode({"startIndex": index, "count": count, **query})
    response = scim.request("GET", f"/Users?{parameters}", user_agent=client)
    assert response.status == 200, response.body
    page: Json = response.json()
    return page


def get_ids(page: Json) -> list[str]:
    return [user["id"] for user in page["Resources"]]


def list_bookmarks(items: Items) -> list[dict[str, Any]]:
    return [item for item in items() if item["sk"].startswith("B#")]


class TestTotals:
    @FOR_ALL_ORDERS
    def test_total_is_constant_until_the_last_page(self, scim: Endpoint, query: Json) -> None:
        create_users(scim, 5)
        totals = [fetch_page(scim, 1, 2, **query)["totalResults"]]
        create_users(scim, 2, first=100)
        page = fetch_page(scim, 3, 2, **query)
        totals += [page["totalResults"]]
        received = 4
        while page["itemsPerPage"] and received < totals[-1]:
            page = fetch_page(scim, received + 1, 2, **query)
            received += page["itemsPerPage"]
            totals.append(max(page["totalResults"], received))

        assert totals[:2] == [5, 5]
        assert page["totalResults"] == received

    def test_total_grows_with_pages_beyond_the_first_total(self, scim: Endpoint) -> None:
        create_users(scim, 3)
        assert fetch_page(scim, 1, 2, sortBy="userName")["totalResults"] == 3
        create_users(scim, 5, first=100)

        seen = [fetch_page(scim, index, 2, sortBy="userName")["totalResults"] for index in (3, 5, 7)]

        assert seen == [5, 7, 8]

    @FOR_ALL_ORDERS
    def test_page_after_the_last_is_empty(self, scim: Endpoint, query: Json) -> None:
        create_users(scim, 3)
        fetch_page(scim, 1, 2, **query)
        fetch_page(scim, 3, 2, **query)

        page = fetch_page(scim, 4, 2, **query)

        assert (page["totalResults"], page["Resources"]) == (3, [])

    @FOR_ALL_ORDERS
    def test_page_is_empty_after_deletion_of_the_rest(self, scim: Endpoint, query: Json) -> None:
        create_users(scim, 5)
        first = fetch_page(scim, 1, 3, **query)
        for user in fetch_page(scim, 1, 200, "another", **query)["Resources"][3:]:
            scim.request("DELETE", f"/Users/{user['id']}")

        page = fetch_page(scim, 4, 3, **query)

        assert (first["totalResults"], page["totalResults"], page["Resources"]) == (5, 3, [])


class TestBookmarks:
    @FOR_ALL_ORDERS
    def test_deletion_between_pages_skips_no_user(self, scim: Endpoint, query: Json) -> None:
        create_users(scim, 6)
        all_ids = get_ids(fetch_page(scim, 1, 200, "another", **query))
        first = get_ids(fetch_page(scim, 1, 3, **query))
        for user_id in first[:2]:
            scim.request("DELETE", f"/Users/{user_id}")

        assert first + get_ids(fetch_page(scim, 4, 3, **query)) == all_ids

    @FOR_ALL_ORDERS
    def test_repeated_page_starts_at_the_same_user(self, scim: Endpoint, query: Json) -> None:
        create_users(scim, 8)
        first = get_ids(fetch_page(scim, 1, 2, **query))
        second = get_ids(fetch_page(scim, 3, 2, **query))
        scim.request("DELETE", f"/Users/{first[0]}")

        assert get_ids(fetch_page(scim, 3, 2, **query)) == second
        assert not set(get_ids(fetch_page(scim, 5, 2, **query))) & {*first, *second}

    def test_paging_stores_one_bookmark(self, scim: Endpoint, items: Items) -> None:
        create_users(scim, 3)
        for index in (1, 3, 4):
            fetch_page(scim, index, 2)
        (bookmark,) = list_bookmarks(items)

        assert [start[0] for start in json.loads(bookmark["starts"])] == [4, 3]
        assert 0 < int(bookmark["ttl"]) - time.time() <= BOOKMARK_TTL_S

    @FOR_ALL_ORDERS
    def test_bookmark_has_no_values_of_users(self, scim: Endpoint, items: Items, query: Json) -> None:
        create_users(scim, 7)
        for index in (1, 3, 5):
            fetch_page(scim, index, 2, **query)
        (bookmark,) = list_bookmarks(items)

        assert len(json.loads(bookmark["starts"])) == 3
        assert "user-" not in str(bookmark)

    @FOR_ALL_ORDERS
    def test_client_can_delete_each_page_before_the_next(self, scim: Endpoint, query: Json) -> None:
        create_users(scim, 20)
        all_ids = get_ids(fetch_page(scim, 1, 200, "another", **query))

        read_ids: list[str] = []
        for index in (1, 8, 15):
            page = get_ids(fetch_page(scim, index, 7, **query))
            read_ids += page
            for user_id in page:
                scim.request("DELETE", f"/Users/{user_id}")

        assert read_ids == all_ids

    @pytest.mark.parametrize("sort_by", ["userName", "displayName"])
    def test_page_starts_after_last_user_that_has_not_moved(self, scim: Endpoint, sort_by: str) -> None:
        users = create_users(scim, 9)
        fetch_page(scim, 1, 3, sortBy=sort_by)
        for user in users[1:3]:  # they move to the end
            scim.patch(user["id"], {"op": "replace", "path": sort_by, "value": f"z {user[sort_by]}"})

        page = get_ids(fetch_page(scim, 4, 4, sortBy=sort_by))

        assert page == [user["id"] for user in users[3:7]]

    @pytest.mark.parametrize("sort_by", ["userName", "displayName"])
    def test_page_is_found_by_counting_if_all_adjacent_users_moved(self, scim: Endpoint, sort_by: str) -> None:
        users = create_users(scim, 9)
        fetch_page(scim, 1, 2, sortBy=sort_by)
        for user in users[:3]:
            scim.request("DELETE", f"/Users/{user['id']}")

        page = get_ids(fetch_page(scim, 3, 4, sortBy=sort_by))

        assert page == [user["id"] for user in users[5:]]

    def test_lookup_of_one_user_stores_no_bookmark(self, scim: Endpoint, items: Items) -> None:
        create_users(scim, 1)
        fetch_page(scim, 1, 200, filter='userName eq "user-000"')
        fetch_page(scim, 1, 200, filter='externalId eq "E"')

        assert list_bookmarks(items) == []

    def test_long_sort_values_have_a_small_bookmark(self, scim: Endpoint, items: Items) -> None:
        """Every page reads all bookmarks, and an item has at most 400 KB."""
        names = ["\u00e9" * 60_000 + str(number) for number in range(3)]
        by_name = {scim.create(displayName=name)["id"]: name for name in [*names, "\u00e8", "\u00ea"]}

        for order in ("ascending", "descending"):
            ids = [
                get_ids(fetch_page(scim, index, 1, sortBy="displayName", sortOrder=order))[0] for index in range(1, 6)
            ]
            assert set(ids) == set(by_name)
            assert sorted([by_name[ids[0]], by_name[ids[4]]]) == ["\u00e8", "\u00ea"]
        assert max(len(bookmark["starts"]) for bookmark in list_bookmarks(items)) < 2_000

    def test_two_clients_page_independently(self, scim: Endpoint) -> None:
        create_users(scim, 6)
        one = get_ids(fetch_page(scim, 1, 2, "one"))
        scim.request("DELETE", f"/Users/{one[0]}")
        two = get_ids(fetch_page(scim, 1, 2, "two"))

        assert (get_ids(fetch_page(scim, 3, 1, "one")), get_ids(fetch_page(scim, 3, 2, "two"))[0] != two[1]) == (
            [two[1]],
            True,
        )

    def test_unsaved_bookmark_is_logged(self, scim: Endpoint, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
        create_users(scim, 5)

        def throttle(*_: Any) -> bool:
            raise ErrorResponse("BatchWriteItem", "ThrottlingException")

        with monkeypatch.context() as patch:
            patch.setattr("scim.store.table.Table.put_and_delete_once", throttle)
            pages = [fetch_page(scim, index, 2) for index in (1, 3, 5)]
            assert log.last["plan"] == "ids,no-bookmark"

        assert [page["totalResults"] for page in pages] == [5, 5, 5]
        assert len({user_id for page in pages for user_id in get_ids(page)}) == 5
        fetch_page(scim, 1, 2)
        assert log.last["plan"] == "ids"

    def test_expired_bookmark_is_ignored_and_removed(self, scim: Endpoint, items: Items, table: Any) -> None:
        create_users(scim, 4)
        fetch_page(scim, 1, 2, "old")
        (bookmark,) = list_bookmarks(items)
        table.put_item(Item=bookmark | {"ttl": int(time.time()) - 1, "starts": json.dumps([[3, 99, "g", [], None]])})

        page = fetch_page(scim, 3, 2, "old")
        next_page = fetch_page(scim, 1, 2, "new")

        assert (page["itemsPerPage"], page["totalResults"], next_page["totalResults"]) == (2, 4, 4)
        assert bookmark["ttl"] - 10 < min(item["ttl"] for item in list_bookmarks(items))


class TestCost:
    @pytest.mark.parametrize(("order", "most"), [("ids", 3), ("names", 5), ("lookup", 5), ("times", 5)])
    def test_page_costs_the_same_at_every_start_index(self, scim: Endpoint, log: Log, order: str, most: int) -> None:
        create_users(scim, 12)
        calls = {}
        for kind, index, client in [
            ("first", 1, "a"),
            ("continued", 6, "a"),
            ("last", 11, "a"),
            ("jumped to", 4, "b"),
            ("jumped to the end", 11, "c"),
        ]:
            fetch_page(scim, index, 5, client, **ORDERS[order])
            calls[kind] = log.last["dynamodb_calls"]

        assert max(calls.values()) <= most, calls

    @pytest.mark.parametrize("query", [{"sortBy": "userName"}, {"filter": 'userName sw "user"'}])
    def test_page_of_200_names_costs_at_most_six_calls(self, scim: Endpoint, log: Log, query: Json) -> None:
        create_users(scim, 401)

        first = fetch_page(scim, 1, 200, **query)
        calls = [log.last["dynamodb_calls"]]
        fetch_page(scim, 201, 200, **query)
        calls.append(log.last["dynamodb_calls"])

        assert (first["itemsPerPage"], first["totalResults"]) == (200, 401)
        assert calls == [5, 6]


LAMBDA_BYTES = 6 * 1024 * 1024


def enlarge(scim: Endpoint, items: Items, value: str) -> None:
    """Give all users a value that is larger than requests can send."""
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


class TestSize:
    """Pages are shortened to stay below Lambda's limit of 6 MB."""

    @pytest.mark.parametrize("character", ['"', "\\", "ä", "x"])
    def test_encoded_page_fits_into_6_mb(self, scim: Endpoint, items: Items, character: str) -> None:
        create_users(scim, 26)
        enlarge(scim, items, character * (300_000 if character == "x" else 150_000))
        status, _, body = scim.send("GET", "/Users")

        encoded = len(json.dumps({"body": body.decode()}, ensure_ascii=False).encode())

        assert status == 200
        assert 5_000_000 < encoded < LAMBDA_BYTES
        assert json.loads(body)["itemsPerPage"] == len(json.loads(body)["Resources"]) < 26
        assert json.loads(body)["totalResults"] == 26

    @pytest.mark.parametrize(
        "query", [ORDERS["ids"], ORDERS["names"], ORDERS["sorted"]], ids=["ids", "names", "sorted"]
    )
    def test_shortened_pages_return_all_users(self, scim: Endpoint, items: Items, query: Json) -> None:
        created = create_users(scim, 20)
        enlarge(scim, items, "x" * 340_000)

        ids_read, index, pages = list[str](), 1, 0
        while page := get_ids(fetch_page(scim, index, 200, **query)):
            ids_read, index, pages = ids_read + page, index + len(page), pages + 1
        assert (sorted(ids_read), pages) == (sorted(user["id"] for user in created), 2)

        first = scim.request("GET", f"/Users?{urlencode({'cursor': '', **query})}").json()
        second = scim.request("GET", f"/Users?{urlencode({'cursor': first['nextCursor'], **query})}").json()
        assert get_ids(first) + get_ids(second) == ids_read

    def test_user_larger_than_a_page_is_returned_alone(
        self, scim: Endpoint, items: Items, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create_users(scim, 2)
        monkeypatch.setattr("scim.store.query.paging.MAX_PAGE_BYTES", 10)

        assert MAX_PAGE_BYTES > 10
        assert [fetch_page(scim, index, 200)["itemsPerPage"] for index in (1, 2, 3)] == [1, 1, 0]
