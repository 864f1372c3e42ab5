"""The use case of searches, on a store in memory."""

import json
from typing import Any

import pytest

from scim.protocol.errors import InvalidFilter, InvalidValue
from scim.protocol.messages import SearchRequest, parse_message
from scim.protocol.schema import load_user_type
from scim.service.model.query import Query, StartIndexPosition
from scim.service.model.stored_resource import StoredResource, UnreadableResource, encode_json
from scim.service.resources.rendering import ResourceRenderer
from scim.service.resources.search import ResourceSearch
from tests.endpoint import CORE, ENTERPRISE
from tests.service.fakes import BASE_URL, NOW, MemoryStore, build_context, build_user

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


def search(store: MemoryStore, **members: Any) -> dict[str, Any]:
    service_context = build_context()
    request = parse_message(SearchRequest, {"schemas": [SEARCH]} | members, service_context.leniencies)
    response: dict[str, Any] = json.loads(ResourceSearch(load_user_type(), store, service_context).run(request).body)
    return response


def build_query(**members: Any) -> Query:
    """Return the query that the store receives."""
    store = MemoryStore()
    search(store, **members)
    (query,) = store.queries
    return query


@pytest.mark.parametrize(("sent", "expected"), [(None, 1), (1, 1), (7, 7), (0, 1), (-3, 1)])
def test_start_index_below_1_is_1(sent: int | None, expected: int) -> None:
    assert build_query(**({} if sent is None else {"startIndex": sent})).start == StartIndexPosition(expected)


@pytest.mark.parametrize(("sent", "expected"), [(None, 200), (0, 0), (-3, 0), (7, 7), (200, 200), (201, 200)])
def test_count_is_between_0_and_200(sent: int | None, expected: int) -> None:
    assert build_query(**({} if sent is None else {"count": sent})).count == expected


def test_query_without_filter_and_sort() -> None:
    query = build_query()

    assert (query.start, query.count, query.filter, query.matches, query.order) == (
        StartIndexPosition(1),
        200,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(("order", "descending"), [("ascending", False), ("descending", True), ("Descending", True)])
def test_order_is_ascending_by_default(order: str, descending: bool) -> None:
    sorting = build_query(sortBy="userName", sortOrder=order).order

    assert sorting is not None
    assert sorting.is_descending is descending


def test_result_is_a_list_response() -> None:
    users = [build_user(f"user-{number}") for number in range(5)]

    response = search(MemoryStore(*users), startIndex=2, count=2)

    assert response == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 5,
        "startIndex": 2,
        "itemsPerPage": 2,
        "Resources": [render(user) for user in users[1:3]],
    }


def render(stored: StoredResource) -> dict[str, Any]:
    meta = {
        "resourceType": "User",
        "created": stored.created,
        "lastModified": stored.modified,
        "location": f"{BASE_URL}/Users/{stored.id}",
        "version": 'W/"1"',
    }
    return dict(stored.resource) | {"meta": meta}


def test_filter_and_sort_by_meta() -> None:
    alice, bob = build_user("alice"), build_user("bob")
    store = MemoryStore(alice, bob)

    response = search(store, filter=f'meta.location ew "{bob.id}"', sortBy="meta.lastModified")

    assert [resource["userName"] for resource in response["Resources"]] == ["bob"]


@pytest.mark.parametrize(
    ("members", "needs_item"),
    [
        ({}, False),
        ({"filter": 'userName eq "meta" or displayName co "meta.created"'}, False),
        ({"filter": f'{ENTERPRISE}:department eq "meta"', "sortBy": "userName"}, False),
        ({"filter": f'schemas eq "{ENTERPRISE}"'}, False),
        ({"filter": 'emails[value co "meta"]'}, False),
        ({"filter": 'meta.created gt "2026-01-01T00:00:00Z"'}, True),
        ({"filter": f"{CORE}:META.location pr"}, True),
        ({"filter": 'not (meta.location co "x") and title pr'}, True),
        ({"filter": 'title pr or (active eq true and meta.version eq "x")'}, True),
        ({"sortBy": "meta.lastModified"}, True),
        ({"filter": f"{ENTERPRISE}:manager.$ref pr"}, True),
        ({"filter": f'title pr and not ({ENTERPRISE}:manager.$REF eq "x")'}, True),
        ({"sortBy": f"{ENTERPRISE}:manager.$ref"}, True),
        ({"filter": f'{ENTERPRISE}:manager.value eq "$ref"'}, False),
        ({"filter": "title pr", "sortBy": "meta.created"}, True),
    ],
)
def test_query_needs_item(members: dict[str, Any], needs_item: bool) -> None:
    assert build_query(**members).needs_item is needs_item


def test_projection_applies_to_all_resources() -> None:
    users = [build_user("alice", title="Chef"), build_user("bob", title="Cook")]

    response = search(MemoryStore(*users), attributes=["userName"])

    assert response["Resources"] == [
        {"schemas": user.resource["schemas"], "id": user.id, "userName": user.resource["userName"]} for user in users
    ]


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"filter": "userName eq"}, InvalidFilter),
        ({"filter": ""}, InvalidFilter),
        ({"sortBy": "nothing.known"}, InvalidValue),
        ({"sortBy": "name"}, InvalidValue),
        ({"attributes": ["user name"]}, InvalidValue),
    ],
)
def test_invalid_query_does_not_reach_the_store(members: dict[str, Any], error: type[Exception]) -> None:
    store = MemoryStore(build_user())

    with pytest.raises(error):
        search(store, **members)

    assert store.queries == []


def test_result_has_the_plan_of_the_store() -> None:
    assert ResourceSearch(load_user_type(), MemoryStore(), build_context()).run(SearchRequest()).plan == "memory"


def test_conforming_document_is_not_parsed() -> None:
    """Parsing documents is most of the cost of a page. Text that is not JSON shows whether a document was parsed."""
    documents = [{"id": "urn:x:whole", "attributes": [{"name": "a", "type": "string"}]}]
    documents += [{"id": "urn:x:part", "attributes": [{"name": "a", "type": "string"}]}]
    resource_type = load_user_type().with_extensions(documents, frozenset({"urn:x:part"}))
    render_json = ResourceRenderer(resource_type, BASE_URL).compile_json_renderer()

    def render_unread(*urns: str) -> str:
        return render_json(StoredResource("1", 1, NOW, NOW, f'{{"schemas":{encode_json([CORE, *urns])},unread}}'))

    for urns in ((), (ENTERPRISE,), ("urn:x:whole",), (ENTERPRISE, "urn:x:whole")):
        assert render_unread(*urns).startswith(f'{{"schemas":{encode_json([CORE, *urns])},unread,"meta":')
    for urns in (("urn:x:part",), ("urn:x:removed",), ("URN:x:whole",), (ENTERPRISE, "urn:x:removed")):
        with pytest.raises(UnreadableResource):
            render_unread(*urns)
