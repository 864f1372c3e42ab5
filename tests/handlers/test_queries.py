"""Queries over HTTP: RFC 7644, sections 3.4.2 and 3.4.3."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.endpoint import ENTERPRISE, Endpoint
from tests.handlers.conftest import Log

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
NEVER = "00000000-0000-4000-8000-000000000000"

People = Mapping[str, dict[str, Any]]


@pytest.fixture
def people(scim: Endpoint) -> People:
    """Five users; what each of them lacks, another one has."""
    sent: list[dict[str, Any]] = [
        {"userName": "ann", "displayName": "delta", "title": "Chef", "emails": [{"value": "ann@example.com"}]},
        {"userName": "Bob", "displayName": "Charlie", "externalId": "E-2", "active": False},
        {"userName": "cid", "displayName": "bravo", "emails": [{"value": "CID@example.com", "type": "work"}]},
        {"userName": "Dee", ENTERPRISE: {"department": "Kitchen"}},
        {"userName": "eve", "displayName": "Alpha", "emails": [{"value": "ann@example.com"}]},
    ]
    return {each["userName"]: scim.create(**each) for each in sent}


def names(answer: dict[str, Any]) -> list[str]:
    return [user["userName"] for user in answer["Resources"]]


def find(scim: Endpoint, **parameters: Any) -> dict[str, Any]:
    answer = scim.request("GET", f"/Users?{urlencode(parameters)}")
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    return found


# One query, four ways to ask it


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"filter": 'userName eq "ANN"'},
        {"filter": "displayName pr and not (active eq false)", "sortBy": "displayName", "sortOrder": "descending"},
        {"startIndex": 2, "count": 2},
        {"count": 0},
        {"filter": 'title eq "nobody\'s"'},
        {"sortBy": "userName", "startIndex": 4, "count": 10, "attributes": ["userName", "emails.value"]},
        {"excludedAttributes": ["meta", "emails"]},
    ],
    ids=json.dumps,
)
def test_get_and_post_queries_are_equal(scim: Endpoint, people: People, query: dict[str, Any]) -> None:
    parameters = {name: ",".join(value) if isinstance(value, list) else value for name, value in query.items()}

    answers = [
        scim.request("GET", f"/Users?{urlencode(parameters)}"),
        scim.request("GET", f"/?{urlencode(parameters)}"),
        scim.request("POST", "/Users/.search", {"schemas": [SEARCH]} | query),
        scim.request("POST", "/.search", {"schemas": [SEARCH]} | query),
    ]

    assert [(answer.status, answer.json()) for answer in answers] == [(200, answers[0].json())] * 4
    assert answers[0].json()["totalResults"] <= len(people)


def test_list_has_users_as_get_returns_them(scim: Endpoint, people: People) -> None:
    found = find(scim)

    assert found == {
        "schemas": [LIST],
        "totalResults": 5,
        "startIndex": 1,
        "itemsPerPage": 5,
        "Resources": sorted(people.values(), key=lambda user: user["id"]),
    }


def test_tenant_without_users_has_an_empty_list(scim: Endpoint) -> None:
    assert find(scim) == {"schemas": [LIST], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": []}


# Pages


@pytest.mark.parametrize("ordered", [{}, {"sortBy": "userName"}, {"filter": "userName pr"}])
@pytest.mark.parametrize(
    ("start_index", "count", "answered"),
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
    scim: Endpoint,
    people: People,
    ordered: dict[str, str],
    start_index: int | None,
    count: int | None,
    answered: tuple[int, int],
) -> None:
    asked = {"startIndex": start_index, "count": count}

    found = find(scim, **{name: value for name, value in asked.items() if value is not None}, **ordered)

    first = answered[0] - 1
    everyone = find(scim, **ordered)["Resources"]
    assert found["totalResults"] == len(people)
    assert (found["startIndex"], found["itemsPerPage"]) == answered
    assert found["Resources"] == everyone[first : first + answered[1]]


def test_start_index_beyond_the_end(scim: Endpoint, people: People) -> None:
    for query in ({}, {"sortBy": "userName"}, {"filter": "userName pr"}, {"filter": 'userName eq "ann"'}):
        answer = scim.request("POST", "/.search", {"schemas": [SEARCH], "startIndex": 10**30} | query)

        assert (answer.status, answer.json()["Resources"]) == (200, [])


def test_total_follows_every_change(scim: Endpoint) -> None:
    user_id = scim.create()["id"]
    totals = [find(scim)["totalResults"]]
    scim.create()
    totals += [find(scim)["totalResults"]]
    scim.patch(user_id, {"op": "replace", "path": "active", "value": False})
    totals += [find(scim)["totalResults"]]
    scim.request("DELETE", f"/Users/{user_id}")
    totals += [find(scim)["totalResults"]]

    assert totals == [1, 2, 2, 1]


# Order


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
    scim: Endpoint, people: People, sort: dict[str, str], expected: list[str]
) -> None:
    """RFC 7644, section 3.4.2.3."""
    assert names(find(scim, **sort)) == expected


@pytest.mark.parametrize(("attribute", "present"), [("title", "ann"), (f"{ENTERPRISE}:department", "Dee")])
def test_sort_puts_the_user_with_value_first(scim: Endpoint, people: People, attribute: str, present: str) -> None:
    assert names(find(scim, sortBy=attribute))[0] == present
    assert names(find(scim, sortBy=attribute, sortOrder="descending"))[-1] == present


@pytest.mark.parametrize(
    ("page", "answered"), [({"count": 0}, (5, 0)), ({"startIndex": 2}, (5, 4)), ({"count": 2}, (5, 2)), ({}, (5, 5))]
)
def test_ids_that_nobody_has_are_not_counted(scim: Endpoint, page: dict[str, int], answered: tuple[int, int]) -> None:
    for _ in range(5):
        scim.create(externalId="E")

    found = find(scim, filter=f'id eq "{NEVER}" or externalId eq "E"', **page)
    nobody = find(scim, filter=f'id eq "{NEVER}"', **page)

    assert (found["totalResults"], len(found["Resources"])) == answered
    assert (nobody["totalResults"], nobody["Resources"]) == (0, [])


# Filters: who is found, by which plan, at what cost


@pytest.mark.parametrize(
    ("text", "found", "plan", "calls"),
    [
        ('userName eq "BOB"', ["Bob"], "index:userName", 2),
        ('userName eq "nobody"', [], "index:userName", 1),
        ('externalId eq "E-2"', ["Bob"], "index:externalId", 2),
        ('externalId eq "e-2"', [], "index:externalId", 1),
        ('emails.value eq "cid@EXAMPLE.com"', ["cid"], "index:emails.value", 2),
        ('emails eq "cid@example.com"', ["cid"], "index:emails.value", 2),
        ('emails[type eq "work" and value eq "cid@example.com"]', ["cid"], "index:emails.value", 2),
        ('emails[type eq "work"].value eq "cid@example.com"', ["cid"], "index:emails.value", 2),
        ('emails.value eq "ann@example.com"', ["ann", "eve"], "index:emails.value", 3),
        ('emails.value eq "ann@example.com" and title pr', ["ann"], "index:emails.value", 2),
        ('userName eq "ann" or externalId eq "E-2"', ["Bob", "ann"], "index:externalId,userName", 4),
        (f'id eq "{NEVER}"', [], "index:id", 1),
        ('id eq "7"', [], "index:id", 0),
        ('userName eq "ann" and title eq "Cook"', [], "index:userName", 2),
        ('userName sw "b"', ["Bob"], "names", 3),
        ('userName sw "b" and active eq true', [], "names", 2),
        ('userName ge "b" and userName lt "dee"', ["Bob", "cid"], "names", 3),
        ('userName ge "z" and userName le "a"', [], "names", 0),
        ('userName gt "b" and userName lt "a" and active eq true', [], "names", 0),
        ('userName sw "b" and userName sw "a"', [], "names", 0),
        ('meta.lastModified ge "2026-01-01T00:00:00Z" and title pr', ["ann"], "times", 3),
        ('meta.lastModified ge "2026-01-01T00:00:00Z" and meta.lastModified lt "2025-01-01T00:00:00Z"', [], "times", 0),
        ('meta.lastModified gt "9998-01-01T00:00:00Z"', [], "times", 1),
        ('meta.lastModified lt "2026-01-01T00:00:00Z"', [], "scan", 1),
        ("active eq false", ["Bob"], "scan", 2),
        ('userName eq "ann" or title pr', ["ann"], "scan", 2),
    ],
)
def test_lookups_scan_only_for_the_rest(
    scim: Endpoint, people: People, log: Log, text: str, found: list[str], plan: str, calls: int
) -> None:
    answer = find(scim, filter=text)

    assert (sorted(names(answer)), answer["totalResults"]) == (found, len(found))
    assert (log.last["plan"], log.last["dynamodb_calls"] <= calls) == (plan, True)


@pytest.mark.parametrize("page", [{"count": 0}, {"startIndex": 2}, {"cursor": ""}])
def test_empty_range_returns_no_users(scim: Endpoint, people: People, page: dict[str, Any]) -> None:
    found = find(scim, filter='userName ge "z" and userName le "a"', **page)

    assert (found["totalResults"], found["Resources"]) == (0, [])


def test_look_up_by_id_finds_the_user(scim: Endpoint, people: People, log: Log) -> None:
    answer = find(scim, filter=f'id eq "{people["cid"]["id"]}"')

    assert (names(answer), log.last["plan"], log.last["dynamodb_calls"]) == (["cid"], "index:id", 1)


@pytest.mark.parametrize(
    "page", [{}, {"startIndex": 3, "count": 2}, {"startIndex": 5}, {"count": 0}, {"startIndex": 9}]
)
def test_page_by_id_costs_at_most_three_calls(scim: Endpoint, people: People, log: Log, page: dict[str, int]) -> None:
    find(scim, **page)

    assert (log.last["plan"], log.last["dynamodb_calls"] <= 3) == ("ids", True)


@pytest.mark.parametrize("attribute", ["userName", "externalId", "emails.value"])
def test_query_after_write_uses_new_values_only(scim: Endpoint, attribute: str) -> None:
    user = scim.create(userName="old", externalId="old", emails=[{"value": "old", "type": "work"}])
    path = 'emails[type eq "work"].value' if attribute == "emails.value" else attribute

    def found(value: str) -> list[str]:
        return [each["id"] for each in find(scim, filter=f'{attribute} eq "{value}"')["Resources"]]

    before = found("old")
    scim.patch(user["id"], {"op": "replace", "path": path, "value": "new"})
    between = found("old"), found("new")
    scim.request("DELETE", f"/Users/{user['id']}")

    assert (before, between, found("new")) == ([user["id"]], ([], [user["id"]]), [])


def test_key_separators_in_values_match_their_user_only(scim: Endpoint) -> None:
    values = ["a", "a#b", "a%23b", "a%", "#", "I#externalId#a#", 'a"b', "a\\b", "a b", "ä", "x" * 2_000, "x" * 2_001]
    users = [scim.create(externalId=value) for value in values]

    found = [find(scim, filter=f"externalId eq {json.dumps(value)}")["Resources"] for value in values]

    assert found == [[user] for user in users]
