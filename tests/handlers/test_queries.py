"""Queries over HTTP: RFC 7644, sections 3.4.2 and 3.4.3."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.cpu_time import check_cpu_units
from tests.endpoint import ENTERPRISE, Endpoint
from tests.handlers.conftest import Log

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"

Users = Mapping[str, dict[str, Any]]


@pytest.fixture
def users(scim: Endpoint) -> Users:
    """Create five users with different attributes."""
    bodies: list[dict[str, Any]] = [
        {"userName": "ann", "displayName": "delta", "title": "Chef", "emails": [{"value": "ann@example.com"}]},
        {"userName": "Bob", "displayName": "Charlie", "externalId": "E-2", "active": False},
        {"userName": "cid", "displayName": "bravo", "emails": [{"value": "CID@example.com", "type": "work"}]},
        {"userName": "Dee", ENTERPRISE: {"department": "Kitchen"}},
        {"userName": "eve", "displayName": "Alpha", "emails": [{"value": "ann@example.com"}]},
    ]
    return {body["userName"]: scim.create(**body) for body in bodies}


def get_names(response: dict[str, Any]) -> list[str]:
    return [user["userName"] for user in response["Resources"]]


def search(scim: Endpoint, **parameters: Any) -> dict[str, Any]:
    response = scim.request("GET", f"/Users?{urlencode(parameters)}")
    assert response.status == 200, response.body
    results: dict[str, Any] = response.json()
    return results


class TestNamesThatNoUserHas:
    """A filter on a name that no user can have finds no one, and costs no scan."""

    @pytest.mark.parametrize("comparison", ["eq", "sw", "ge"])
    @pytest.mark.parametrize(
        "name",
        [
            pytest.param("x" * 5_000, id="5,000 letters"),
            pytest.param("€" * 400, id="1,200 bytes"),
            pytest.param("€" * 600, id="600 characters"),
            *("\ufffe", "x\u0000", " zed", "\u3000", "\u2800", "\U0010ffff"),
        ],
        ids=ascii,
    )
    def test_list_is_empty(self, scim: Endpoint, users: Users, log: Log, comparison: str, name: str) -> None:
        text = f"userName {comparison} {json.dumps(name)}"
        results = search(scim, filter=text if comparison != "ge" else f'{text} and userName le "{name[:1]}"')

        assert (results["totalResults"], results["Resources"]) == (0, [])
        line = log.last
        assert line["plan"] in ("index:userName", "names")
        assert line["dynamodb_calls"] <= 1


class TestResponse:
    @pytest.mark.parametrize(
        "query",
        [
            {},
            {"filter": 'userName eq "ANN"'},
            {"filter": "displayName pr and not (active eq false)", "sortBy": "displayName", "sortOrder": "descending"},
            {"startIndex": 2, "count": 2},
            {"count": 0},
            {"filter": 'title eq "o\'clock"'},
            {"sortBy": "userName", "startIndex": 4, "count": 10, "attributes": ["userName", "emails.value"]},
            {"excludedAttributes": ["meta", "emails"]},
        ],
        ids=json.dumps,
    )
    def test_get_and_post_queries_are_equal(self, scim: Endpoint, users: Users, query: dict[str, Any]) -> None:
        parameters = {name: ",".join(value) if isinstance(value, list) else value for name, value in query.items()}

        responses = [
            scim.request("GET", f"/Users?{urlencode(parameters)}"),
            scim.request("GET", f"/?{urlencode(parameters)}"),
            scim.request("POST", "/Users/.search", {"schemas": [SEARCH]} | query),
            scim.request("POST", "/.search", {"schemas": [SEARCH]} | query),
        ]

        assert [(response.status, response.json()) for response in responses] == [(200, responses[0].json())] * 4
        assert responses[0].json()["totalResults"] <= len(users)

    def test_list_has_the_same_users_as_get(self, scim: Endpoint, users: Users) -> None:
        results = search(scim)

        assert results == {
            "schemas": [LIST],
            "totalResults": 5,
            "startIndex": 1,
            "itemsPerPage": 5,
            "Resources": sorted(users.values(), key=lambda user: user["id"]),
        }

    def test_tenant_without_users_has_an_empty_list(self, scim: Endpoint) -> None:
        assert search(scim) == {
            "schemas": [LIST],
            "totalResults": 0,
            "startIndex": 1,
            "itemsPerPage": 0,
            "Resources": [],
        }


@pytest.mark.parametrize("parameter", ["attributes", "excludedAttributes"])
def test_long_list_of_names_is_400_at_once(scim: Endpoint, parameter: str) -> None:
    """Each name would be parsed. 170,000 of them fit into a request body."""
    body = json.dumps({"schemas": [SEARCH], parameter: [f"{number:x}" for number in range(110_000)]})
    assert 700_000 < len(body) < 1_048_576

    status, _, content = check_cpu_units(lambda: scim.send("POST", "/Users/.search", {}, body), 30)

    assert status == 400
    assert json.loads(content)["detail"] == f"{parameter} lists 110,000 names. It can have at most 1,000."


class TestPages:
    @pytest.mark.parametrize("ordered", [{}, {"sortBy": "userName"}, {"filter": "userName pr"}])
    @pytest.mark.parametrize(
        ("start_index", "count", "expected"),
        [
            (None, None, (1, 5)),
            (1, 2, (1, 2)),
            (4, 2, (4, 2)),
            (5, 2, (5, 1)),
            (6, 2, (6, 0)),
            (1_000_000_000_000, 2, (1_000_000_000_000, 0)),
            (0, 2, (1, 2)),
            (-7, 2, (1, 2)),
            (1, 0, (1, 0)),
            (1, -1, (1, 0)),
            (1, 201, (1, 5)),
            (2, 1_000_000_000_000, (2, 4)),
        ],
    )
    def test_page_has_start_index_count_and_total(
        self,
        scim: Endpoint,
        users: Users,
        ordered: dict[str, str],
        start_index: int | None,
        count: int | None,
        expected: tuple[int, int],
    ) -> None:
        parameters = {"startIndex": start_index, "count": count}

        results = search(scim, **{name: value for name, value in parameters.items() if value is not None}, **ordered)

        first = expected[0] - 1
        all_users = search(scim, **ordered)["Resources"]
        assert results["totalResults"] == len(users)
        assert (results["startIndex"], results["itemsPerPage"]) == expected
        assert results["Resources"] == all_users[first : first + expected[1]]

    @pytest.mark.parametrize(
        "query",
        [
            {},
            {"sortBy": "userName"},
            {"sortBy": "title"},
            {"filter": "userName pr"},
            {"filter": 'userName eq "ann"'},
            {"filter": 'emails.value eq "ann@example.com"'},
            {"filter": 'userName sw "a"'},
            {"filter": 'meta.lastModified gt "2020-01-01T00:00:00Z"'},
        ],
        ids=json.dumps,
    )
    @pytest.mark.parametrize("start_index", [2**31 - 1, 2**31, 2**63, 10**400], ids=lambda index: str(index)[:10])
    def test_start_index_beyond_the_end(
        self, scim: Endpoint, users: Users, query: dict[str, str], start_index: int
    ) -> None:
        """DynamoDB reads at most 2,147,483,647 items in a call."""
        body = {"schemas": [SEARCH], "startIndex": start_index, "count": start_index}
        response = scim.request("POST", "/.search", body | query)

        assert (response.status, response.json()["Resources"]) == (200, [])
        assert search(scim, startIndex=start_index, count=start_index, **query) == response.json()

    @pytest.mark.parametrize(
        ("text", "start_index"),
        [("+2", 2), ("-0", 1), ("-" + "9" * 5_000, 1), ("0" * 5_000 + "2", 2), ("9" * 5_000, 2**53)],
        ids=["plus", "minus", "negative", "zeros", "huge"],
    )
    def test_start_index_is_an_integer_of_any_length(
        self, scim: Endpoint, users: Users, text: str, start_index: int
    ) -> None:
        results = search(scim, startIndex=text)

        assert (results["startIndex"], results["totalResults"]) == (start_index, len(users))

    @pytest.mark.parametrize("text", ["1e3", "1.0", "٣", "२", "1_000", "0x10", "--1", "+", "1 2", "NaN", "²"])
    @pytest.mark.parametrize("name", ["startIndex", "count"])
    def test_other_number_is_400(self, scim: Endpoint, name: str, text: str) -> None:
        response = scim.request("GET", f"/Users?{urlencode({name: text})}")

        assert (response.status, response.json()["scimType"]) == (400, "invalidValue")
        assert response.json()["detail"] == f"{name} must be an integer, such as 1."

    def test_total_follows_creates_and_deletes(self, scim: Endpoint) -> None:
        user_id = scim.create()["id"]
        totals = [search(scim)["totalResults"]]
        scim.create()
        totals += [search(scim)["totalResults"]]
        scim.patch(user_id, {"op": "replace", "path": "active", "value": False})
        totals += [search(scim)["totalResults"]]
        scim.request("DELETE", f"/Users/{user_id}")
        totals += [search(scim)["totalResults"]]

        assert totals == [1, 2, 2, 1]


class TestSort:
    @pytest.mark.parametrize(
        ("sort", "expected"),
        [
            ({"sortBy": "userName"}, ["ann", "Bob", "cid", "Dee", "eve"]),
            ({"sortBy": "USERNAME", "sortOrder": "Descending"}, ["eve", "Dee", "cid", "Bob", "ann"]),
            ({"sortBy": "displayName"}, ["eve", "cid", "Bob", "ann", "Dee"]),
            ({"sortBy": "displayName", "sortOrder": "descending"}, ["Dee", "ann", "Bob", "cid", "eve"]),
            ({"sortBy": "displayName", "filter": "displayName pr", "count": "2"}, ["eve", "cid"]),
            ({"sortBy": "meta.created"}, ["ann", "Bob", "cid", "Dee", "eve"]),
        ],
    )
    def test_sort_puts_users_without_value_last(
        self, scim: Endpoint, users: Users, sort: dict[str, str], expected: list[str]
    ) -> None:
        """RFC 7644, section 3.4.2.3."""
        assert get_names(search(scim, **sort)) == expected

    @pytest.mark.parametrize(("attribute", "present"), [("title", "ann"), (f"{ENTERPRISE}:department", "Dee")])
    def test_sort_puts_the_user_with_value_first(
        self, scim: Endpoint, users: Users, attribute: str, present: str
    ) -> None:
        assert get_names(search(scim, sortBy=attribute))[0] == present
        assert get_names(search(scim, sortBy=attribute, sortOrder="descending"))[-1] == present

    @pytest.mark.parametrize(
        ("page", "expected"),
        [({"count": 0}, (5, 0)), ({"startIndex": 2}, (5, 4)), ({"count": 2}, (5, 2)), ({}, (5, 5))],
    )
    def test_unknown_ids_are_not_counted(self, scim: Endpoint, page: dict[str, int], expected: tuple[int, int]) -> None:
        for _ in range(5):
            scim.create(externalId="E")

        results = search(scim, filter=f'id eq "{UNKNOWN_ID}" or externalId eq "E"', **page)
        unknown = search(scim, filter=f'id eq "{UNKNOWN_ID}"', **page)

        assert (results["totalResults"], len(results["Resources"])) == expected
        assert (unknown["totalResults"], unknown["Resources"]) == (0, [])


class TestFilters:
    @pytest.mark.parametrize(
        ("text", "expected", "plan", "calls"),
        [
            ('userName eq "BOB"', ["Bob"], "index:userName", 2),
            ('userName eq "unknown"', [], "index:userName", 1),
            ('externalId eq "E-2"', ["Bob"], "index:externalId", 2),
            ('externalId eq "e-2"', [], "index:externalId", 1),
            ('emails.value eq "cid@EXAMPLE.com"', ["cid"], "index:emails.value", 2),
            ('emails eq "cid@example.com"', ["cid"], "index:emails.value", 2),
            ('emails[type eq "work" and value eq "cid@example.com"]', ["cid"], "index:emails.value", 2),
            ('emails[type eq "work"].value eq "cid@example.com"', ["cid"], "index:emails.value", 2),
            ('emails.value eq "ann@example.com"', ["ann", "eve"], "index:emails.value", 3),
            ('emails.value eq "ann@example.com" and title pr', ["ann"], "index:emails.value", 2),
            ('userName eq "ann" or externalId eq "E-2"', ["Bob", "ann"], "index:externalId,userName", 4),
            (f'id eq "{UNKNOWN_ID}"', [], "index:id", 1),
            ('id eq "7"', [], "index:id", 0),
            ('userName eq "ann" and title eq "Cook"', [], "index:userName", 2),
            ('userName sw "b"', ["Bob"], "names", 3),
            ('userName sw "b" and active eq true', [], "names", 2),
            ('userName ge "b" and userName lt "dee"', ["Bob", "cid"], "names", 3),
            ('userName ge "z" and userName le "a"', [], "names", 0),
            ('userName gt "b" and userName lt "a" and active eq true', [], "names", 0),
            ('userName sw "b" and userName sw "a"', [], "names", 0),
            ('meta.lastModified ge "2026-01-01T00:00:00Z" and title pr', ["ann"], "times", 3),
            (
                'meta.lastModified ge "2026-01-01T00:00:00Z" and meta.lastModified lt "2025-01-01T00:00:00Z"',
                [],
                "times",
                0,
            ),
            ('meta.lastModified gt "9998-01-01T00:00:00Z"', [], "times", 1),
            ('meta.lastModified lt "2026-01-01T00:00:00Z"', [], "scan", 1),
            ("active eq false", ["Bob"], "scan", 2),
            ('userName eq "ann" or title pr', ["ann"], "scan", 2),
        ],
    )
    def test_filter_has_results_plan_and_cost(
        self, scim: Endpoint, users: Users, log: Log, text: str, expected: list[str], plan: str, calls: int
    ) -> None:
        results = search(scim, filter=text)

        assert (sorted(get_names(results)), results["totalResults"]) == (expected, len(expected))
        assert (log.last["plan"], log.last["dynamodb_calls"] <= calls) == (plan, True)

    @pytest.mark.parametrize("page", [{"count": 0}, {"startIndex": 2}, {"cursor": ""}])
    def test_empty_range_returns_no_users(self, scim: Endpoint, users: Users, page: dict[str, Any]) -> None:
        results = search(scim, filter='userName ge "z" and userName le "a"', **page)

        assert (results["totalResults"], results["Resources"]) == (0, [])

    def test_lookup_by_id_costs_one_call(self, scim: Endpoint, users: Users, log: Log) -> None:
        response = search(scim, filter=f'id eq "{users["cid"]["id"]}"')

        assert (get_names(response), log.last["plan"], log.last["dynamodb_calls"]) == (["cid"], "index:id", 1)

    @pytest.mark.parametrize(
        "page", [{}, {"startIndex": 3, "count": 2}, {"startIndex": 5}, {"count": 0}, {"startIndex": 9}]
    )
    def test_page_by_id_costs_at_most_three_calls(
        self, scim: Endpoint, users: Users, log: Log, page: dict[str, int]
    ) -> None:
        search(scim, **page)

        assert (log.last["plan"], log.last["dynamodb_calls"] <= 3) == ("ids", True)

    @pytest.mark.parametrize("attribute", ["userName", "externalId", "emails.value"])
    def test_query_finds_new_values_only(self, scim: Endpoint, attribute: str) -> None:
        user = scim.create(userName="old", externalId="old", emails=[{"value": "old", "type": "work"}])
        path = 'emails[type eq "work"].value' if attribute == "emails.value" else attribute

        def find_ids(value: str) -> list[str]:
            return [user["id"] for user in search(scim, filter=f'{attribute} eq "{value}"')["Resources"]]

        before = find_ids("old")
        scim.patch(user["id"], {"op": "replace", "path": path, "value": "new"})
        between = find_ids("old"), find_ids("new")
        scim.request("DELETE", f"/Users/{user['id']}")

        assert (before, between, find_ids("new")) == ([user["id"]], ([], [user["id"]]), [])

    def test_values_with_key_separators_match_exactly(self, scim: Endpoint) -> None:
        values = [
            "a",
            "a#b",
            "a%23b",
            "a%",
            "#",
            "I#externalId#a#",
            'a"b',
            "a\\b",
            "a b",
            "ä",
            "x" * 2_000,
            "x" * 2_001,
        ]
        users = [scim.create(externalId=value) for value in values]

        results = [search(scim, filter=f"externalId eq {json.dumps(value)}")["Resources"] for value in values]

        assert results == [[user] for user in users]
