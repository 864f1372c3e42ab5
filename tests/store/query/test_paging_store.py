"""Counters after every kind of write, and bookmarks, which help and never harm."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from scim.service.model.stored_resource import NotUnique
from scim.settings import Settings
from scim.store import keys
from scim.store.query.paging_store import BOOKMARK_TTL_S, PageStart, PagingStore, build_bookmark_id
from scim.store.resources import DynamoDBResourceStore
from scim.store.table import Table
from scim.wiring import runtime
from tests.store.test_resources import CHANGE, ONE, TWO, user

PARTITION = keys.paging_partition("acme")
BOOKMARK = build_bookmark_id("User all", "client")
NOW = 1_800_000_000.0

Items = Callable[[], dict[str, dict[str, Any]]]
Open = Callable[..., PagingStore]


@pytest.fixture
def open_store(request_table: Table) -> Open:
    """Return a function that opens the store for a request, ``later`` in seconds."""
    return lambda later=0.0: PagingStore(request_table, PARTITION, lambda: NOW + later)


def page_start(start_index: int, total: int = 9) -> PageStart:
    return PageStart(start_index, f"key {start_index}", total)


# Bookmarks


def test_bookmark_is_found_by_its_query_client_and_index_only(open_store: Open) -> None:
    assert open_store().write_bookmark(BOOKMARK, page_start(3), is_first=True)

    state = open_store().read_state()

    assert state.find_start(BOOKMARK, 3) == page_start(3)
    assert state.find_start(BOOKMARK, 4) is None
    assert state.find_start(build_bookmark_id("User all", "another client"), 3) is None
    assert state.find_start(build_bookmark_id("User others", "client"), 3) is None


def test_query_and_client_are_separated_in_the_bookmark_id() -> None:
    assert build_bookmark_id("a\nb", "c") != build_bookmark_id("a", "b\nc")


def write(paging_store: PagingStore, start_index: int) -> None:
    paging_store.read_state()
    assert paging_store.write_bookmark(BOOKMARK, page_start(start_index), is_first=False)


def test_bookmark_keeps_the_last_four_page_starts(open_store: Open) -> None:
    for start_index in range(1, 7):
        write(open_store(), start_index)

    state = open_store().read_state()

    assert [each for each in range(1, 7) if state.find_start(BOOKMARK, each)] == [3, 4, 5, 6]


def test_page_that_is_requested_repeatedly_keeps_its_start(open_store: Open) -> None:
    write(open_store(), 3)
    for _ in range(9):
        write(open_store(), 5)

    assert open_store().read_state().find_start(BOOKMARK, 3) == page_start(3)


def test_first_page_begins_a_new_bookmark(open_store: Open) -> None:
    write(open_store(), 3)
    paging_store = open_store()
    paging_store.read_state()
    paging_store.write_bookmark(BOOKMARK, page_start(2), is_first=True)

    state = open_store().read_state()

    assert (state.find_start(BOOKMARK, 3), state.find_start(BOOKMARK, 2)) == (None, page_start(2))


def test_page_that_is_requested_twice_has_the_newer_start(open_store: Open) -> None:
    write(open_store(), 3)
    paging_store = open_store()
    paging_store.read_state()
    newer = PageStart(3, "another key", 10)
    paging_store.write_bookmark(BOOKMARK, newer, is_first=False)

    assert open_store().read_state().find_start(BOOKMARK, 3) == newer


@pytest.mark.parametrize(
    ("later", "is_found"),
    [(BOOKMARK_TTL_S - 1, True), (BOOKMARK_TTL_S, False), (BOOKMARK_TTL_S + 1, False)],
)
def test_bookmark_lives_for_an_hour(open_store: Open, later: float, is_found: bool) -> None:
    open_store().write_bookmark(BOOKMARK, page_start(3), is_first=True)

    assert (open_store(later).read_state().find_start(BOOKMARK, 3) is not None) is is_found


def test_expired_bookmarks_are_removed_by_the_next_write(open_store: Open, items: Items) -> None:
    for client in range(30):
        open_store().write_bookmark(build_bookmark_id("q", str(client)), page_start(3), is_first=True)

    paging_store = open_store(BOOKMARK_TTL_S)
    assert len(paging_store.read_state().expired_sort_keys) == 30
    assert paging_store.write_bookmark(BOOKMARK, page_start(3), is_first=True)

    assert len(items()) == 30 - 24 + 1  # BatchWriteItem takes 25
    assert keys.bookmark_key(BOOKMARK) in items()


def test_expired_bookmark_that_is_written_again_is_not_removed(open_store: Open) -> None:
    open_store().write_bookmark(BOOKMARK, page_start(3), is_first=True)
    later = open_store(BOOKMARK_TTL_S)
    later.read_state()

    assert later.write_bookmark(BOOKMARK, page_start(2), is_first=True)

    assert open_store(BOOKMARK_TTL_S).read_state().find_start(BOOKMARK, 2) == page_start(2)


class Failing:
    """A client whose batches fail, or are not carried out."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    def batch_write_item(self, **_: Any) -> Any:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "BatchWriteItem")


@pytest.mark.parametrize(
    "outcome",
    [
        refused("ProvisionedThroughputExceededException"),
        refused("AccessDeniedException"),
        refused("InternalServerError"),
        ReadTimeoutError(endpoint_url="http://127.0.0.1"),
        {"UnprocessedItems": {"muster": [{"PutRequest": {"Item": {}}}]}},
    ],
    ids=str,
)
def test_bookmark_that_can_not_be_written_returns_false(outcome: Any) -> None:
    client: Any = Failing(outcome)
    request_table = Table(client, "muster", runtime.create_deadline(29))

    assert (
        PagingStore(request_table, PARTITION, lambda: NOW).write_bookmark(BOOKMARK, page_start(3), is_first=True)
        is False
    )
    assert request_table.calls == 1


def test_expired_bookmark_that_is_not_removed_is_no_failure() -> None:
    client: Any = Failing({"UnprocessedItems": {"muster": [{"DeleteRequest": {"Key": {}}}]}})

    assert PagingStore(Table(client, "muster", runtime.create_deadline(29)), PARTITION, lambda: NOW).write_bookmark(
        BOOKMARK, page_start(3), is_first=True
    )


def test_bookmark_keeps_any_key(open_store: Open) -> None:
    key = json.dumps([[False, 'Zoë "#"\x00\U0010ffff'], "id"])
    open_store().write_bookmark(BOOKMARK, PageStart(2, key, 3), is_first=True)

    assert open_store().read_state().find_start(BOOKMARK, 2) == PageStart(2, key, 3)


# Counters


def test_total_follows_creation_rename_deactivation_and_deletion(
    store: DynamoDBResourceStore, open_store: Open, items: Items
) -> None:
    def counted() -> tuple[int, int]:
        active = sum(int(item["active"]["N"]) for sort, item in items().items() if sort.startswith(keys.COUNTER_PREFIX))
        return open_store().count_resources(), active

    seen = [counted()]
    for before, after in [
        (None, user()),
        (None, user(TWO, userName="Ann", active=False)),
        (user(), user(version=2, userName="Rob")),
        (user(version=2, userName="Rob"), user(version=3, userName="Rob", active=False)),
        (user(TWO, userName="Ann", active=False), user(TWO, version=2, userName="Ann")),
        (user(version=3, userName="Rob", active=False), None),
        (user(TWO, version=2, userName="Ann"), None),
    ]:
        store.write(before, after, CHANGE)
        seen.append(counted())

    assert seen == [(0, 0), (1, 1), (2, 1), (2, 1), (2, 0), (2, 1), (1, 1), (0, 0)]


def test_write_that_fails_counts_nothing(store: DynamoDBResourceStore, open_store: Open) -> None:
    store.write(None, user(), CHANGE)
    with pytest.raises(NotUnique):
        store.write(None, user(TWO), CHANGE)

    assert open_store().count_resources() == 1


def test_counters_and_bookmarks_are_read_by_one_call(
    store: DynamoDBResourceStore, open_store: Open, request_table: Table
) -> None:
    for resource_id in (ONE, TWO):
        store.write(None, user(resource_id, userName=resource_id), CHANGE)
    open_store().write_bookmark(BOOKMARK, page_start(2), is_first=True)
    before, paging_store = request_table.calls, open_store()

    assert (
        paging_store.count_resources(),
        paging_store.read_state().find_start(BOOKMARK, 2),
        request_table.calls - before,
    ) == (2, page_start(2), 1)


def test_tenants_have_counters_of_their_own(store: DynamoDBResourceStore, request_table: Table) -> None:
    store.write(None, user(), CHANGE)

    assert PagingStore(request_table, keys.paging_partition("acme-2"), lambda: NOW).count_resources() == 0


def test_counters_and_users_are_in_different_partitions(store: DynamoDBResourceStore, settings: Settings) -> None:
    """IAM tells partitions apart, and bookmarks are all that may be written outside of transactions."""
    store.write(None, user(), CHANGE)
    client = boto3.client("dynamodb")

    found = client.scan(TableName=settings.table_name)["Items"]

    assert {item["sk"]["S"][0] for item in found if item["pk"]["S"] == PARTITION} == {"K"}
    assert "K" not in {item["sk"]["S"][0] for item in found if item["pk"]["S"] != PARTITION}
