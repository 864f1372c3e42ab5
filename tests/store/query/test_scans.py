"""Scans: what they return while others write, and what they read for it."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from scim.protocol.errors import ExpiredCursor, TooMany
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.messages import SearchRequest
from scim.protocol.schema import load_user_type
from scim.service.deadline import Deadline
from scim.service.model.query import CursorPosition, Query, QueryResult, StartIndexPosition
from scim.service.model.stored_resource import StoredResource, encode_json
from scim.service.model.tenant import Tenant
from scim.service.resources.rendering import ResourceRenderer
from scim.service.resources.search import parse_query
from scim.store import keys
from scim.store.query.reader import ResourceReader
from scim.store.resources import DynamoDBResourceStore
from scim.store.table import Table
from scim.wiring.scim_api import ScimApiAdapters
from tests.store.test_resources import CHANGE

USERS = "U#"
TIMES = 'meta.lastModified ge "2000-01-01T00:00:00Z"'


def number(each: int) -> str:
    """Ids in the order of numbers."""
    return str(uuid.UUID(int=each << 96 | 4 << 76))


def user(each: int, version: int = 1, **attributes: Any) -> StoredResource:
    """User number ``each``, last changed at second ``each`` of the year."""
    resource = {"schemas": [], "id": number(each), "userName": f"user-{each:03}", "active": True} | attributes
    at = f"2026-01-01T00:{each // 60:02}:{each % 60:02}.000Z"
    return StoredResource(number(each), version, at, at, encode_json(resource))


def changed(stored: StoredResource, **attributes: Any) -> StoredResource:
    modified = attributes.pop("modified", stored.modified)
    return StoredResource(
        stored.id, stored.version + 1, stored.created, modified, encode_json(stored.resource | attributes)
    )


def query(filter: str | None = None, sort: str | None = None, order: str = "ascending") -> Query:  # noqa: A002
    request = SearchRequest.model_validate({"filter": filter, "sortby": sort, "sortorder": order})
    return parse_query(
        request, load_user_type(), LeniencyTracker(), ResourceRenderer(load_user_type(), "https://scim.example.com")
    )


class Pages:
    """Reads pages of a query from a store."""

    def __init__(self, store: DynamoDBResourceStore, asked: Query) -> None:
        self.store = store
        self.asked = asked

    def at(self, index: int, count: int) -> QueryResult:
        return self._find(StartIndexPosition(index, "client"), count)

    def at_cursor(self, start: CursorPosition, count: int) -> QueryResult:
        return self._find(start, count)

    def first(self, count: int) -> QueryResult:
        return self.at_cursor(CursorPosition(), count)

    def _find(self, start: Any, count: int) -> QueryResult:
        asked = self.asked
        return self.store.find(
            Query(start, count, asked.filter, asked.matches, asked.order, asked.canonical_text, asked.needs_meta)
        )


class Calls:
    """Records the calls of a request. Each function of ``before`` is called before one call of an operation."""

    def __init__(self, request_table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
        self.operations: list[str] = []
        self.before: dict[str, list[Callable[[], None]]] = {}
        read = request_table._call_with_retries  # noqa: SLF001  # where all reads come by

        def seen(call: Callable[..., Any], **arguments: Any) -> Any:
            name = call.__name__
            self.operations.append(name)
            if waiting := self.before.get(name):
                waiting.pop(0)()
            return read(call, **arguments)

        monkeypatch.setattr(request_table, "_call_with_retries", seen)


@pytest.fixture
def calls(request_table: Table, monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(request_table, monkeypatch)


@pytest.fixture
def people(store: DynamoDBResourceStore) -> list[StoredResource]:
    """Nine, of whom the numbers, names, display names and times are in one order; all of one externalId."""
    people = [user(each, displayName=f"d{each}", externalId="E") for each in range(9)]
    for each in people:
        store.write(None, each, CHANGE)
    return people


def numbers(found: QueryResult | Sequence[StoredResource]) -> list[int]:
    page = found.page if isinstance(found, QueryResult) else found
    return [uuid.UUID(each.id).int >> 96 for each in page]


QUERIES = {
    "ids": query(),
    "names": query(sort="userName"),
    "names sw": query('userName sw "user"'),
    "times": query(TIMES),
    "points": query('externalId eq "E"'),
    "scan": query("active eq true"),
    "sorted": query(sort="displayName"),
    "sorted names": query('userName sw "user"', "displayName"),
    "sorted times": query(TIMES, "displayName"),
    "sorted points": query('externalId eq "E"', "displayName"),
}
EVERY_QUERY = pytest.mark.parametrize("asked", QUERIES.values(), ids=QUERIES)


# Pages


@EVERY_QUERY
def test_every_index_and_cursor_returns_its_slice(
    store: DynamoDBResourceStore, people: list[StoredResource], asked: Query
) -> None:
    pages = Pages(store, asked)

    for count in (2, 9):
        assert [numbers(pages.at(index, count)) for index in (1, 3, 6, 9, 10)] == [
            list(range(9))[index - 1 : index - 1 + count] for index in (1, 3, 6, 9, 10)
        ]
        found, seen = pages.first(count), []
        while found.next_boundaries:
            seen.append(numbers(found))
            assert found.total == 9
            found = pages.at_cursor(CursorPosition(found.next_boundaries, total=found.total), count)
        seen.append(numbers(found))
        assert [each for page in seen for each in page] == list(range(9))
        back = [numbers(found)]
        while found.previous_boundaries:
            found = pages.at_cursor(
                CursorPosition(found.previous_boundaries, is_backwards=True, total=found.total), count
            )
            back.append(numbers(found))
        assert back == seen[::-1]


@EVERY_QUERY
def test_descending_order_is_reversed(store: DynamoDBResourceStore, people: list[StoredResource], asked: Query) -> None:
    sort = str(asked.order.path) if asked.order else "id"
    text = str(asked.filter) if asked.filter else None

    found = Pages(store, query(text, sort, "descending")).at(1, 9)

    assert numbers(found) == list(range(9))[::-1]


# Users that move while a page is read


def rename(store: DynamoDBResourceStore, stored: StoredResource, name: str) -> Callable[[], None]:
    return lambda: store.write(stored, changed(stored, userName=name), CHANGE)


def test_id_that_is_given_twice_is_read_once(people: list[StoredResource], request_table: Table) -> None:
    """As one is that moves while keys are read: DynamoDB refuses a batch that names an item twice."""
    one, two = people[0].id, people[1].id

    found = ResourceReader(request_table, keys.resource_partition("acme"), "").read_resources([one, two, one])

    assert found == {one: people[0], two: people[1]}


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_user_who_moves_during_a_sorted_page_hides_no_other(
    store: DynamoDBResourceStore, people: list[StoredResource], calls: Calls, count: int
) -> None:
    """The page is filled from those that follow, and still knows that more do."""
    calls.before["batch_get_item"] = [lambda: store.write(people[0], changed(people[0], displayName="z"), CHANGE)]
    pages = Pages(store, query(sort="displayName"))
    found, seen = pages.first(count), list[int]()
    while True:
        seen += numbers(found)
        if found.next_boundaries is None:
            break
        found = pages.at_cursor(CursorPosition(found.next_boundaries, total=found.total), count)

    assert [each for each in seen if each] == list(range(1, 9))


# Boundaries


@pytest.mark.parametrize("name", ["names", "times", "sorted"])
def test_cursor_is_valid_while_one_of_five_boundaries_has_its_key(
    store: DynamoDBResourceStore, people: list[StoredResource], name: str
) -> None:
    pages = Pages(store, QUERIES[name])
    found = pages.first(6)
    for each in people[2:6]:
        moved = changed(each, userName=f"z{each.id}", displayName="z", modified="2026-02-01T00:00:00.000Z")
        store.write(each, moved, CHANGE)

    following = pages.at_cursor(CursorPosition(found.next_boundaries or (), total=9), 3)

    assert numbers(following) == [6, 7, 8]
    store.write(people[1], None, CHANGE)
    with pytest.raises(ExpiredCursor):
        pages.at_cursor(CursorPosition(found.next_boundaries or (), total=9), 3)


@pytest.mark.parametrize("name", ["ids", "points", "scan"])
def test_cursor_in_the_order_of_ids_outlives_its_user(
    store: DynamoDBResourceStore, people: list[StoredResource], name: str
) -> None:
    pages = Pages(store, QUERIES[name])
    found = pages.first(3)
    for each in people[:3]:
        store.write(each, None, CHANGE)

    assert numbers(pages.at_cursor(CursorPosition(found.next_boundaries or (), total=9), 3)) == [3, 4, 5]


# Budgets


class Hurry:
    """A deadline that leaves time for some looks at it, and then too little for another page."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def remaining_s(self) -> float:
        self.looks -= 1
        return 29.0 if self.looks >= 0 else 4.5


TOO_MANY = "Filter by one of id, userName, externalId, emails.value with eq, or by meta.lastModified with gt"


@pytest.mark.parametrize(
    ("asked", "index", "count"),
    [
        (query("active eq true"), 1, 2),
        (query("active eq true"), 5, 2),
        (query("active eq true"), 1, 0),
        (query(sort="displayName"), 1, 2),
        (query(sort="displayName"), 1, 0),
        (query('userName sw "user"'), 1, 0),
        (query('userName sw "user"'), 8, 1),
        (query(sort="userName"), 8, 1),
        (query(TIMES), 1, 0),
        (query(TIMES), 8, 1),
        (query('externalId eq "E"'), 1, 0),
        (query('externalId eq "E"'), 8, 1),
    ],
    ids=lambda each: each.canonical_text if isinstance(each, Query) else str(each),
)
def test_expensive_queries_end_in_time_and_suggest_filters(
    adapters: ScimApiAdapters, people: list[StoredResource], asked: Query, index: int, count: int
) -> None:
    hurried = adapters.open_table(Deadline(Hurry(1).remaining_s, lambda _: None))
    store = adapters.build_resource_store(hurried, Tenant("acme"), load_user_type())

    with pytest.raises(TooMany, match=TOO_MANY):
        Pages(store, asked).at(index, count)


@pytest.mark.parametrize("name", ["scan", "sorted", "sorted names", "sorted times", "sorted points"])
def test_scan_reads_no_more_users_than_its_budget(
    store: DynamoDBResourceStore, people: list[StoredResource], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("scim.store.query.reader.MAX_RESOURCES_READ", 8)

    with pytest.raises(TooMany, match=TOO_MANY):
        Pages(store, QUERIES[name]).at(1, 2)


@pytest.mark.parametrize("name", ["ids", "names", "names sw", "times", "points"])
def test_page_of_keys_reads_a_page_and_counts_those_before_it(
    store: DynamoDBResourceStore, people: list[StoredResource], calls: Calls, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("scim.store.query.reader.MAX_RESOURCES_READ", 3)
    monkeypatch.setattr("scim.store.query.reader._MAX_KEYS_SKIPPED", 2)

    found = Pages(store, QUERIES[name]).at(7, 2)

    assert (numbers(found), found.total) == ([6, 7], 9)
    assert len(calls.operations) <= 5


@pytest.mark.parametrize("name", ["names", "names sw", "times"])
@pytest.mark.parametrize(("index", "expected"), [(4, [3, 4]), (9, [8]), (10, []), (11, []), (10_000, [])])
def test_jump_past_counted_keys_returns_its_slice(
    store: DynamoDBResourceStore,
    people: list[StoredResource],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    index: int,
    expected: list[int],
) -> None:
    monkeypatch.setattr("scim.store.query.reader._MAX_KEYS_SKIPPED", 2)

    found = Pages(store, QUERIES[name]).at(index, 2)

    assert (numbers(found), found.total) == (expected, 9)
