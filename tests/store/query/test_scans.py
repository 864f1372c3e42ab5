"""Scans: what they return while other requests write, and how much they read."""

import uuid
from collections.abc import Callable
from dataclasses import replace
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

TIMES = 'meta.lastModified ge "2000-01-01T00:00:00Z"'


def build_id(number: int) -> str:
    """Return an id. The ids are in the order of the numbers."""
    return str(uuid.UUID(int=number << 96 | 4 << 76))


def build_user(number: int, version: int = 1, **attributes: Any) -> StoredResource:
    """Return a user that was last changed at second ``number`` of the year."""
    resource = {"schemas": [], "id": build_id(number), "userName": f"user-{number:03}", "active": True} | attributes
    at = f"2026-01-01T00:{number // 60:02}:{number % 60:02}.000Z"
    return StoredResource(build_id(number), version, at, at, encode_json(resource))


def change_user(stored: StoredResource, **attributes: Any) -> StoredResource:
    modified = attributes.pop("modified", stored.modified)
    return StoredResource(
        stored.id, stored.version + 1, stored.created, modified, encode_json(stored.resource | attributes)
    )


def build_query(filter: str | None = None, sort: str | None = None, order: str = "ascending") -> Query:  # noqa: A002
    request = SearchRequest.from_members({"filter": filter, "sortby": sort, "sortorder": order})
    return parse_query(
        request, load_user_type(), LeniencyTracker(), ResourceRenderer(load_user_type(), "https://scim.example.com")
    )


class PageReader:
    """Reads pages of a query from a store."""

    def __init__(self, store: DynamoDBResourceStore, query: Query) -> None:
        self.store = store
        self.query = query

    def read_at(self, index: int, count: int) -> QueryResult:
        return self._find(StartIndexPosition(index, "client"), count)

    def read_at_cursor(self, start: CursorPosition, count: int) -> QueryResult:
        return self._find(start, count)

    def read_first(self, count: int) -> QueryResult:
        return self.read_at_cursor(CursorPosition(), count)

    def _find(self, start: Any, count: int) -> QueryResult:
        return self.store.find(replace(self.query, start=start, count=count))


class CallRecorder:
    """Records the calls of a request. Runs one function of ``before[operation]`` before each call of the operation."""

    def __init__(self, request_table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
        self.operations: list[str] = []
        self.before: dict[str, list[Callable[[], None]]] = {}
        read = request_table._call_with_retries  # noqa: SLF001  # all reads use it

        def record(call: Callable[..., Any], **arguments: Any) -> Any:
            name = call.__name__
            self.operations.append(name)
            if functions := self.before.get(name):
                functions.pop(0)()
            return read(call, **arguments)

        monkeypatch.setattr(request_table, "_call_with_retries", record)


@pytest.fixture
def calls(request_table: Table, monkeypatch: pytest.MonkeyPatch) -> CallRecorder:
    return CallRecorder(request_table, monkeypatch)


@pytest.fixture
def users(store: DynamoDBResourceStore) -> list[StoredResource]:
    """Create nine users. Their ids, names, display names and times are in one order. All have the same externalId."""
    users = [build_user(number, displayName=f"d{number}", externalId="E") for number in range(9)]
    for user in users:
        store.write(None, user, CHANGE)
    return users


def list_numbers(result: QueryResult) -> list[int]:
    return [uuid.UUID(user.id).int >> 96 for user in result.page]


QUERIES = {
    "ids": build_query(),
    "names": build_query(sort="userName"),
    "names sw": build_query('userName sw "user"'),
    "times": build_query(TIMES),
    "points": build_query('externalId eq "E"'),
    "scan": build_query("active eq true"),
    "sorted": build_query(sort="displayName"),
    "sorted names": build_query('userName sw "user"', "displayName"),
    "sorted times": build_query(TIMES, "displayName"),
    "sorted points": build_query('externalId eq "E"', "displayName"),
}
ALL_QUERIES = pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)


@pytest.mark.usefixtures("users")
class TestPages:
    @ALL_QUERIES
    def test_index_and_cursor_return_their_page(self, store: DynamoDBResourceStore, query: Query) -> None:
        pages = PageReader(store, query)

        for count in (2, 9):
            assert [list_numbers(pages.read_at(index, count)) for index in (1, 3, 6, 9, 10)] == [
                list(range(9))[index - 1 : index - 1 + count] for index in (1, 3, 6, 9, 10)
            ]
            result, pages_read = pages.read_first(count), []
            while result.next_boundaries:
                pages_read.append(list_numbers(result))
                assert result.total == 9
                result = pages.read_at_cursor(CursorPosition(result.next_boundaries, total=result.total), count)
            pages_read.append(list_numbers(result))
            assert [number for page in pages_read for number in page] == list(range(9))
            backwards = [list_numbers(result)]
            while result.previous_boundaries:
                result = pages.read_at_cursor(
                    CursorPosition(result.previous_boundaries, is_backwards=True, total=result.total), count
                )
                backwards.append(list_numbers(result))
            assert backwards == pages_read[::-1]

    @ALL_QUERIES
    def test_descending_order_is_reversed(self, store: DynamoDBResourceStore, query: Query) -> None:
        sort = str(query.order.path) if query.order else "id"
        text = str(query.filter) if query.filter else None

        result = PageReader(store, build_query(text, sort, "descending")).read_at(1, 9)

        assert list_numbers(result) == list(range(9))[::-1]


def rename(store: DynamoDBResourceStore, stored: StoredResource, name: str) -> Callable[[], None]:
    return lambda: store.write(stored, change_user(stored, userName=name), CHANGE)


class TestMovingUsers:
    def test_repeated_id_is_read_once(self, users: list[StoredResource], request_table: Table) -> None:
        """A user can move while keys are read. DynamoDB rejects a batch that names an item twice."""
        one, two = users[0].id, users[1].id

        result = ResourceReader(request_table, keys.resource_partition("acme"), "").read_resources([one, two, one])

        assert result == {one: users[0], two: users[1]}

    @pytest.mark.parametrize("count", [1, 2, 3, 8])
    def test_moving_user_hides_no_other_user(
        self, store: DynamoDBResourceStore, users: list[StoredResource], calls: CallRecorder, count: int
    ) -> None:
        """The page is filled with the users that follow, and still has a cursor for the next page."""
        calls.before["batch_get_item"] = [lambda: store.write(users[0], change_user(users[0], displayName="z"), CHANGE)]
        pages = PageReader(store, build_query(sort="displayName"))
        result, numbers = pages.read_first(count), list[int]()
        while True:
            numbers += list_numbers(result)
            if result.next_boundaries is None:
                break
            result = pages.read_at_cursor(CursorPosition(result.next_boundaries, total=result.total), count)

        assert [number for number in numbers if number] == list(range(1, 9))


class TestBoundaries:
    @pytest.mark.parametrize("name", ["names", "times", "sorted"])
    def test_cursor_is_valid_while_a_boundary_exists(
        self, store: DynamoDBResourceStore, users: list[StoredResource], name: str
    ) -> None:
        pages = PageReader(store, QUERIES[name])
        result = pages.read_first(6)
        for user in users[2:6]:
            moved = change_user(user, userName=f"z{user.id}", displayName="z", modified="2026-02-01T00:00:00.000Z")
            store.write(user, moved, CHANGE)

        following = pages.read_at_cursor(CursorPosition(result.next_boundaries or (), total=9), 3)

        assert list_numbers(following) == [6, 7, 8]
        store.write(users[1], None, CHANGE)
        with pytest.raises(ExpiredCursor):
            pages.read_at_cursor(CursorPosition(result.next_boundaries or (), total=9), 3)

    @pytest.mark.parametrize("name", ["ids", "points", "scan"])
    def test_cursor_of_deleted_user_is_valid(
        self, store: DynamoDBResourceStore, users: list[StoredResource], name: str
    ) -> None:
        pages = PageReader(store, QUERIES[name])
        result = pages.read_first(3)
        for user in users[:3]:
            store.write(user, None, CHANGE)

        assert list_numbers(pages.read_at_cursor(CursorPosition(result.next_boundaries or (), total=9), 3)) == [3, 4, 5]


class ExpiringDeadline:
    """A deadline that has time for a number of checks, and then too little for another page."""

    def __init__(self, checks: int) -> None:
        self.checks = checks

    def remaining_s(self) -> float:
        self.checks -= 1
        return 29.0 if self.checks >= 0 else 4.5


TOO_MANY = "Filter by one of id, userName, externalId, emails.value with eq, or by meta.lastModified with gt"


@pytest.mark.usefixtures("users")
class TestBudgets:
    @pytest.mark.parametrize(
        ("query", "index", "count"),
        [
            (build_query("active eq true"), 1, 2),
            (build_query("active eq true"), 5, 2),
            (build_query("active eq true"), 1, 0),
            (build_query(sort="displayName"), 1, 2),
            (build_query(sort="displayName"), 1, 0),
            (build_query('userName sw "user"'), 1, 0),
            (build_query('userName sw "user"'), 8, 1),
            (build_query(sort="userName"), 8, 1),
            (build_query(TIMES), 1, 0),
            (build_query(TIMES), 8, 1),
            (build_query('externalId eq "E"'), 1, 0),
            (build_query('externalId eq "E"'), 8, 1),
        ],
        ids=lambda value: value.canonical_text if isinstance(value, Query) else str(value),
    )
    def test_expensive_query_ends_in_time(
        self, adapters: ScimApiAdapters, monkeypatch: pytest.MonkeyPatch, query: Query, index: int, count: int
    ) -> None:
        monkeypatch.setattr("scim.store.query.reader.MIN_ENTRIES_OF_EXPENSIVE_QUERY", 1)
        expiring = adapters.open_table(Deadline(ExpiringDeadline(1).remaining_s, lambda _: None))
        store = adapters.build_resource_store(expiring, Tenant("acme"), load_user_type())

        with pytest.raises(TooMany, match=TOO_MANY):
            PageReader(store, query).read_at(index, count)

    @pytest.mark.parametrize("name", ["scan", "sorted", "sorted names", "sorted times", "sorted points"])
    def test_number_of_scanned_users_is_limited(
        self, store: DynamoDBResourceStore, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setattr("scim.store.query.reader.MAX_RESOURCES_READ", 8)

        with pytest.raises(TooMany, match=TOO_MANY):
            PageReader(store, QUERIES[name]).read_at(1, 2)

    @pytest.mark.parametrize("name", ["ids", "names", "names sw", "times", "points"])
    def test_indexed_page_reads_only_its_users(
        self,
        store: DynamoDBResourceStore,
        calls: CallRecorder,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
    ) -> None:
        monkeypatch.setattr("scim.store.query.reader.MAX_RESOURCES_READ", 3)
        monkeypatch.setattr("scim.store.query.reader._MAX_KEYS_SKIPPED", 2)

        result = PageReader(store, QUERIES[name]).read_at(7, 2)

        assert (list_numbers(result), result.total) == ([6, 7], 9)
        assert len(calls.operations) <= 5

    @pytest.mark.parametrize("name", ["names", "names sw", "times"])
    @pytest.mark.parametrize(("index", "expected"), [(4, [3, 4]), (9, [8]), (10, []), (11, []), (10_000, [])])
    def test_skipped_keys_are_counted(
        self,
        store: DynamoDBResourceStore,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        index: int,
        expected: list[int],
    ) -> None:
        monkeypatch.setattr("scim.store.query.reader._MAX_KEYS_SKIPPED", 2)

        result = PageReader(store, QUERIES[name]).read_at(index, 2)

        assert (list_numbers(result), result.total) == (expected, 9)
