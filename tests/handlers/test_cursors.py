"""Cursors over HTTP: RFC 9865."""

import base64
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.endpoint import Endpoint, Response
from tests.handlers.conftest import Log

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
NAMES = [f"user-{number}" for number in range(7)]

Json = dict[str, Any]


@pytest.fixture
def users(scim: Endpoint) -> list[Json]:
    """Create seven users, sorted by name."""
    return [scim.create(userName=name, displayName=f"d {name}", externalId="E") for name in NAMES]


def request_page(scim: Endpoint, **parameters: Any) -> Response:
    return scim.request("GET", f"/Users?{urlencode(parameters)}")


def fetch_page(scim: Endpoint, **parameters: Any) -> Json:
    response = request_page(scim, **parameters)
    assert response.status == 200, response.body
    page: Json = response.json()
    return page


def get_names(page: Json) -> list[str]:
    return [user["userName"] for user in page["Resources"]]


def fetch_all_pages(scim: Endpoint, **parameters: Any) -> Iterator[Json]:
    cursor: str | None = ""
    while cursor is not None:
        page = fetch_page(scim, cursor=cursor, **parameters)
        yield page
        cursor = page.get("nextCursor")


QUERIES = [
    {},
    {"sortBy": "userName"},
    {"sortBy": "userName", "sortOrder": "descending"},
    {"sortBy": "displayName"},
    {"filter": 'externalId eq "E"'},
    {"filter": "active eq true"},
    {"filter": 'userName sw "user"'},
    {"filter": 'meta.lastModified ge "2000-01-01T00:00:00Z"'},
]


class TestPaging:
    @pytest.mark.parametrize("query", QUERIES, ids=str)
    def test_cursors_page_forward_and_back(self, scim: Endpoint, users: list[Json], query: Json) -> None:
        pages = list(fetch_all_pages(scim, count=3, **query))
        all_users = fetch_page(scim, count=200, **query)["Resources"]

        assert [page["itemsPerPage"] for page in pages] == [3, 3, 1]
        assert [user for page in pages for user in page["Resources"]] == all_users
        assert [("nextCursor" in page, "previousCursor" in page) for page in pages] == [
            (True, False),
            (True, True),
            (False, True),
        ]
        middle = fetch_page(scim, cursor=pages[2]["previousCursor"], count=3, **query)
        first = fetch_page(scim, cursor=middle["previousCursor"], count=3, **query)
        assert (middle["Resources"], first["Resources"]) == (pages[1]["Resources"], pages[0]["Resources"])
        assert "previousCursor" not in first
        assert fetch_page(scim, cursor=first["nextCursor"], count=3, **query)["Resources"] == pages[1]["Resources"]

    def test_blank_cursor_requests_the_first_page(self, scim: Endpoint, users: list[Json]) -> None:
        with_sign = scim.request("GET", "/Users?cursor=&count=2").json()
        bare = scim.request("GET", "/Users?cursor&count=2").json()

        assert with_sign["Resources"] == bare["Resources"] != []
        assert "nextCursor" in with_sign
        assert "nextCursor" in bare

    def test_cursor_page_has_total_and_no_start_index(self, scim: Endpoint, users: list[Json]) -> None:
        for page in fetch_all_pages(scim, count=3):
            assert set(page) - {"nextCursor", "previousCursor"} == {
                "schemas",
                "totalResults",
                "itemsPerPage",
                "Resources",
            }
            assert page["totalResults"] == 7

    def test_index_paging_is_the_default(self, scim: Endpoint, users: list[Json]) -> None:
        page = fetch_page(scim, count=3)

        assert page["startIndex"] == 1
        assert not {"nextCursor", "previousCursor"} & set(page)

    def test_search_by_post_accepts_cursors(self, scim: Endpoint, users: list[Json]) -> None:
        def search(path: str, **members: Any) -> Json:
            page: Json = scim.request("POST", path, {"schemas": [SEARCH], "count": 4, **members}).json()
            return page

        first = search("/Users/.search", cursor="")
        second = search("/.search", cursor=first["nextCursor"])

        assert sorted(get_names(first) + get_names(second)) == NAMES
        assert "nextCursor" not in second
        assert fetch_page(scim, cursor=first["nextCursor"], count=4)["Resources"] == second["Resources"]

    def test_count_is_optional_after_the_first_page(self, scim: Endpoint, users: list[Json]) -> None:
        first = fetch_page(scim, cursor="", count=3)

        assert fetch_page(scim, cursor=first["nextCursor"])["itemsPerPage"] == 3

    def test_count_of_zero_returns_the_total_only(self, scim: Endpoint, users: list[Json]) -> None:
        page = fetch_page(scim, cursor="", count=0)

        assert (page["totalResults"], page["Resources"]) == (7, [])
        assert not {"nextCursor", "previousCursor"} & set(page)

    def test_projection_may_change_from_page_to_page(self, scim: Endpoint, users: list[Json]) -> None:
        first = fetch_page(scim, cursor="", count=3, attributes="userName")

        second = fetch_page(scim, cursor=first["nextCursor"], count=3, excludedAttributes="meta")

        assert "meta" not in second["Resources"][0]

    def test_cursor_can_be_used_again(self, scim: Endpoint, users: list[Json]) -> None:
        cursor = fetch_page(scim, cursor="", count=3)["nextCursor"]

        assert (
            fetch_page(scim, cursor=cursor, count=3)["Resources"]
            == fetch_page(scim, cursor=cursor, count=3)["Resources"]
        )

    def test_tenant_without_users_has_one_empty_page(self, scim: Endpoint) -> None:
        (page,) = fetch_all_pages(scim)

        assert (page["totalResults"], page["Resources"]) == (0, [])


def get_error(response: Response) -> tuple[int, str]:
    return response.status, response.json().get("scimType", "")


def load_adapters() -> Any:
    from handlers.users import handler  # reads the environment, which has to be moto's

    return handler._adapters  # noqa: SLF001


class TestErrors:
    def test_cursor_with_start_index_is_400(self, scim: Endpoint, users: list[Json]) -> None:
        response = request_page(scim, cursor="", startIndex=1)

        assert get_error(response) == (400, "invalidValue")
        assert "startIndex" in response.json()["detail"]

    @pytest.mark.parametrize("count", [-1, 201, "x", 10**12])
    def test_invalid_count_with_cursor_is_400(self, scim: Endpoint, users: list[Json], count: Any) -> None:
        cursor = fetch_page(scim, cursor="", count=3)["nextCursor"]

        assert get_error(request_page(scim, cursor="", count=count)) == (400, "invalidCount")
        assert get_error(request_page(scim, cursor=cursor, count=count)) == (400, "invalidCount")

    def test_changed_count_is_400(self, scim: Endpoint, users: list[Json]) -> None:
        cursor = fetch_page(scim, cursor="", count=3)["nextCursor"]

        assert get_error(request_page(scim, cursor=cursor, count=4)) == (400, "invalidCount")

    def test_changed_cursor_is_400(self, scim: Endpoint, users: list[Json]) -> None:
        cursor = fetch_page(scim, cursor="", count=3)["nextCursor"]
        flipped = [
            cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in range(len(cursor) - 1)
        ]
        cut = [cursor[:length] for length in range(1, len(cursor))]

        for wrong in (*flipped[::3], *cut[::3], cursor + "AAAA", "x", "é", "=", "A" * 3_000, cursor * 2):
            assert get_error(request_page(scim, cursor=wrong, count=3)) == (400, "invalidCursor")

    def test_cursor_of_another_tenant_is_400(self, scim: Endpoint, connect: Any, users: list[Json]) -> None:
        assert get_error(request_page(connect(), cursor=fetch_page(scim, cursor="", count=3)["nextCursor"])) == (
            400,
            "invalidCursor",
        )

    @pytest.mark.parametrize("other", QUERIES[1:], ids=str)
    def test_cursor_of_another_query_is_400(self, scim: Endpoint, users: list[Json], other: Json) -> None:
        cursor = fetch_page(scim, cursor="", count=3)["nextCursor"]

        assert get_error(request_page(scim, cursor=cursor, **other)) == (400, "invalidCursor")

    @pytest.mark.parametrize(("seconds_later", "expected"), [(3_599, (200, "")), (3_602, (400, "expiredCursor"))])
    def test_cursor_expires_after_an_hour(
        self,
        scim: Endpoint,
        users: list[Json],
        monkeypatch: pytest.MonkeyPatch,
        seconds_later: float,
        expected: tuple[int, str],
    ) -> None:
        cursor = fetch_page(scim, cursor="", count=3)["nextCursor"]
        signer = load_adapters().cursor_signer
        monkeypatch.setattr(signer, "_now", lambda: time.time() + seconds_later)

        assert get_error(request_page(scim, cursor=cursor)) == expected

    def test_cursor_expires_when_all_its_users_moved(self, scim: Endpoint, users: list[Json]) -> None:
        cursor = fetch_page(scim, cursor="", count=2, sortBy="userName")["nextCursor"]
        for user in users[:2]:
            scim.patch(user["id"], {"op": "replace", "path": "userName", "value": f"z{user['userName']}"})

        assert get_error(request_page(scim, cursor=cursor, sortBy="userName")) == (400, "expiredCursor")


class TestCursor:
    @pytest.mark.parametrize("query", QUERIES, ids=str)
    def test_cursor_has_no_personal_data(self, scim: Endpoint, users: list[Json], query: Json) -> None:
        cursor = fetch_page(scim, cursor="", count=3, **query)["nextCursor"]

        decoded = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        assert cursor.replace("-", "").replace("_", "").isalnum()
        assert cursor.isascii()
        assert len(cursor) < 250
        assert not [
            value
            for value in ("user", "d user", "E", "2026", "lastModified")
            if value.encode() in decoded[4:-16] and len(value) > 1
        ]

    def test_cursor_stores_nothing(self, scim: Endpoint, users: list[Json], items: Any) -> None:
        before = items()
        pages = list(fetch_all_pages(scim, count=3, sortBy="userName"))

        assert (len(pages), items()) == (3, before)

    @pytest.mark.parametrize(
        ("query", "first", "following"),
        [({}, 2, 1), ({"sortBy": "userName"}, 3, 3), ({"filter": 'externalId eq "E"'}, 3, 2)],
        ids=str,
    )
    def test_cursor_page_costs_as_documented(
        self, scim: Endpoint, users: list[Json], log: Log, query: Json, first: int, following: int
    ) -> None:
        calls = [log.last["dynamodb_calls"] for _ in fetch_all_pages(scim, count=3, **query)]

        assert calls[0] <= first
        assert max(calls[1:]) <= following

    def test_service_provider_config_has_both_paging_methods(self, scim: Endpoint) -> None:
        """RFC 9865, section 4."""
        assert scim.request("GET", "/ServiceProviderConfig").json()["pagination"] == {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": 200,
            "maxPageSize": 200,
            "cursorTimeout": 3_600,
        }
