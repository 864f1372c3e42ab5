"""Cursors over HTTP: RFC 9865."""

import base64
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.endpoint import Answer, Endpoint
from tests.handlers.conftest import Log

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
NAMES = [f"user-{number}" for number in range(7)]

Json = dict[str, Any]


@pytest.fixture
def people(scim: Endpoint) -> list[Json]:
    """Seven, in the order of their names."""
    return [scim.create(userName=name, displayName=f"d {name}", externalId="E") for name in NAMES]


def ask(scim: Endpoint, **parameters: Any) -> Answer:
    return scim.request("GET", f"/Users?{urlencode(parameters)}")


def page(scim: Endpoint, **parameters: Any) -> Json:
    answer = ask(scim, **parameters)
    assert answer.status == 200, answer.body
    found: Json = answer.json()
    return found


def names(found: Json) -> list[str]:
    return [user["userName"] for user in found["Resources"]]


def walk(scim: Endpoint, **parameters: Any) -> Iterator[Json]:
    cursor: str | None = ""
    while cursor is not None:
        found = page(scim, cursor=cursor, **parameters)
        yield found
        cursor = found.get("nextCursor")


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


# The way there and back


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_cursors_page_forward_and_back(scim: Endpoint, people: list[Json], query: Json) -> None:
    pages = list(walk(scim, count=3, **query))
    everyone = page(scim, count=200, **query)["Resources"]

    assert [found["itemsPerPage"] for found in pages] == [3, 3, 1]
    assert [user for found in pages for user in found["Resources"]] == everyone
    assert [("nextCursor" in found, "previousCursor" in found) for found in pages] == [
        (True, False),
        (True, True),
        (False, True),
    ]
    middle = page(scim, cursor=pages[2]["previousCursor"], count=3, **query)
    first = page(scim, cursor=middle["previousCursor"], count=3, **query)
    assert (middle["Resources"], first["Resources"]) == (pages[1]["Resources"], pages[0]["Resources"])
    assert "previousCursor" not in first
    assert page(scim, cursor=first["nextCursor"], count=3, **query)["Resources"] == pages[1]["Resources"]


def test_blank_cursor_requests_the_first_page(scim: Endpoint, people: list[Json]) -> None:
    with_sign = scim.request("GET", "/Users?cursor=&count=2").json()
    bare = scim.request("GET", "/Users?cursor&count=2").json()

    assert with_sign["Resources"] == bare["Resources"] != []
    assert "nextCursor" in with_sign
    assert "nextCursor" in bare


def test_cursor_page_has_total_and_no_start_index(scim: Endpoint, people: list[Json]) -> None:
    for found in walk(scim, count=3):
        assert set(found) - {"nextCursor", "previousCursor"} == {
            "schemas",
            "totalResults",
            "itemsPerPage",
            "Resources",
        }
        assert found["totalResults"] == 7


def test_index_paging_is_the_default(scim: Endpoint, people: list[Json]) -> None:
    found = page(scim, count=3)

    assert found["startIndex"] == 1
    assert not {"nextCursor", "previousCursor"} & set(found)


def test_search_by_post_accepts_cursors(scim: Endpoint, people: list[Json]) -> None:
    def search(path: str, **members: Any) -> Json:
        found: Json = scim.request("POST", path, {"schemas": [SEARCH], "count": 4, **members}).json()
        return found

    first = search("/Users/.search", cursor="")
    second = search("/.search", cursor=first["nextCursor"])

    assert sorted(names(first) + names(second)) == NAMES
    assert "nextCursor" not in second
    assert page(scim, cursor=first["nextCursor"], count=4)["Resources"] == second["Resources"]


def test_count_is_optional_after_the_first_page(scim: Endpoint, people: list[Json]) -> None:
    first = page(scim, cursor="", count=3)

    assert page(scim, cursor=first["nextCursor"])["itemsPerPage"] == 3


def test_count_of_zero_returns_the_total_only(scim: Endpoint, people: list[Json]) -> None:
    found = page(scim, cursor="", count=0)

    assert (found["totalResults"], found["Resources"]) == (7, [])
    assert not {"nextCursor", "previousCursor"} & set(found)


def test_projection_may_change_from_page_to_page(scim: Endpoint, people: list[Json]) -> None:
    first = page(scim, cursor="", count=3, attributes="userName")

    second = page(scim, cursor=first["nextCursor"], count=3, excludedAttributes="meta")

    assert "meta" not in second["Resources"][0]


def test_cursor_can_be_used_again(scim: Endpoint, people: list[Json]) -> None:
    cursor = page(scim, cursor="", count=3)["nextCursor"]

    assert page(scim, cursor=cursor, count=3)["Resources"] == page(scim, cursor=cursor, count=3)["Resources"]


def test_tenant_without_users_has_one_empty_page(scim: Endpoint) -> None:
    (found,) = walk(scim)

    assert (found["totalResults"], found["Resources"]) == (0, [])


# What is refused


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json().get("scimType", "")


def test_cursor_with_start_index_is_400(scim: Endpoint, people: list[Json]) -> None:
    answer = ask(scim, cursor="", startIndex=1)

    assert refused(answer) == (400, "invalidValue")
    assert "startIndex" in answer.json()["detail"]


@pytest.mark.parametrize("count", [-1, 201, "x", 10**12])
def test_invalid_count_with_cursor_is_400(scim: Endpoint, people: list[Json], count: Any) -> None:
    cursor = page(scim, cursor="", count=3)["nextCursor"]

    assert refused(ask(scim, cursor="", count=count)) == (400, "invalidCount")
    assert refused(ask(scim, cursor=cursor, count=count)) == (400, "invalidCount")


def test_changed_count_is_400(scim: Endpoint, people: list[Json]) -> None:
    cursor = page(scim, cursor="", count=3)["nextCursor"]

    assert refused(ask(scim, cursor=cursor, count=4)) == (400, "invalidCount")


def test_changed_cursor_is_400(scim: Endpoint, people: list[Json]) -> None:
    cursor = page(scim, cursor="", count=3)["nextCursor"]
    flipped = [cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in range(len(cursor) - 1)]
    cut = [cursor[:length] for length in range(1, len(cursor))]

    for wrong in (*flipped[::3], *cut[::3], cursor + "AAAA", "x", "é", "=", "A" * 3_000, cursor * 2):
        assert refused(ask(scim, cursor=wrong, count=3)) == (400, "invalidCursor")


def test_cursor_of_another_tenant_is_400(scim: Endpoint, connect: Any, people: list[Json]) -> None:
    assert refused(ask(connect(), cursor=page(scim, cursor="", count=3)["nextCursor"])) == (400, "invalidCursor")


@pytest.mark.parametrize("other", QUERIES[1:], ids=str)
def test_cursor_of_another_query_is_400(scim: Endpoint, people: list[Json], other: Json) -> None:
    cursor = page(scim, cursor="", count=3)["nextCursor"]

    assert refused(ask(scim, cursor=cursor, **other)) == (400, "invalidCursor")


@pytest.mark.parametrize(("later", "answered"), [(3_599, (200, "")), (3_602, (400, "expiredCursor"))])
def test_cursor_expires_after_an_hour(
    scim: Endpoint,
    people: list[Json],
    monkeypatch: pytest.MonkeyPatch,
    later: float,
    answered: tuple[int, str],
) -> None:
    cursor = page(scim, cursor="", count=3)["nextCursor"]
    signer = load_adapters().cursor_signer
    monkeypatch.setattr(signer, "_now", lambda: time.time() + later)

    assert refused(ask(scim, cursor=cursor)) == answered


def load_adapters() -> Any:
    from handlers import users  # its environment is moto's

    return users.handler._adapters  # noqa: SLF001


def test_cursor_expires_when_all_its_users_moved(scim: Endpoint, people: list[Json]) -> None:
    cursor = page(scim, cursor="", count=2, sortBy="userName")["nextCursor"]
    for each in people[:2]:
        scim.patch(each["id"], {"op": "replace", "path": "userName", "value": f"z{each['userName']}"})

    assert refused(ask(scim, cursor=cursor, sortBy="userName")) == (400, "expiredCursor")


# What a cursor is


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_cursor_has_no_personal_data(scim: Endpoint, people: list[Json], query: Json) -> None:
    cursor = page(scim, cursor="", count=3, **query)["nextCursor"]

    decoded = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert cursor.isascii()
    assert len(cursor) < 250
    assert not [
        value
        for value in ("user", "d user", "E", "2026", "lastModified")
        if value.encode() in decoded[4:-16] and len(value) > 1
    ]


def test_cursor_stores_nothing(scim: Endpoint, people: list[Json], items: Any) -> None:
    before = items()
    pages = list(walk(scim, count=3, sortBy="userName"))

    assert (len(pages), items()) == (3, before)


@pytest.mark.parametrize(
    ("query", "first", "following"),
    [({}, 2, 1), ({"sortBy": "userName"}, 3, 3), ({"filter": 'externalId eq "E"'}, 3, 2)],
    ids=str,
)
def test_cursor_page_costs_as_documented(
    scim: Endpoint, people: list[Json], log: Log, query: Json, first: int, following: int
) -> None:
    calls = [log.last["dynamodb_calls"] for _ in walk(scim, count=3, **query)]

    assert calls[0] <= first
    assert max(calls[1:]) <= following


def test_service_provider_config_has_both_paging_methods(scim: Endpoint) -> None:
    """RFC 9865, section 4."""
    assert scim.request("GET", "/ServiceProviderConfig").json()["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 200,
        "maxPageSize": 200,
        "cursorTimeout": 3_600,
    }
