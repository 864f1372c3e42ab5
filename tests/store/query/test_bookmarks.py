"""What a ledger holds: counters after every kind of write, and bookmarks that help and never harm."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from scim.service.model.stored_resource import NotUnique
from scim.settings import Settings
from scim.store import keys
from scim.store.query.bookmarks import BOOKMARK_S, Bookmarks, PageStart, digest
from scim.store.resources import DynamoDBResourceStore
from scim.store.table import Table
from scim.wiring import runtime
from tests.store.test_resources import CHANGE, ONE, TWO, user

PARTITION = keys.paging_partition("acme")
WALK = digest("User all", "client")
NOW = 1_800_000_000.0

Items = Callable[[], dict[str, dict[str, Any]]]
Open = Callable[..., Bookmarks]


@pytest.fixture
def open_ledger(dynamo: Table) -> Open:
    """The ledger as a request finds it that comes ``later``, in seconds."""
    return lambda later=0.0: Bookmarks(dynamo, PARTITION, lambda: NOW + later)


def place(start_index: int, total: int = 9) -> PageStart:
    return PageStart(start_index, f"key {start_index}", total)


# Bookmarks


def test_bookmark_that_was_left_is_found_by_its_walk_and_index_only(open_ledger: Open) -> None:
    assert open_ledger().leave(WALK, place(3), first=True)

    reading = open_ledger().read()

    assert reading.place(WALK, 3) == place(3)
    assert reading.place(WALK, 4) is None
    assert reading.place(digest("User all", "another client"), 3) is None
    assert reading.place(digest("User others", "client"), 3) is None


def test_query_and_client_can_not_be_shifted_into_each_other() -> None:
    assert digest("a\nb", "c") != digest("a", "b\nc")


def leave(ledger: Bookmarks, start_index: int) -> None:
    ledger.read()
    assert ledger.leave(WALK, place(start_index), first=False)


def test_last_four_places_are_kept_for_pages_that_are_asked_for_again(open_ledger: Open) -> None:
    for start_index in range(1, 7):
        leave(open_ledger(), start_index)

    reading = open_ledger().read()

    assert [each for each in range(1, 7) if reading.place(WALK, each)] == [3, 4, 5, 6]


def test_page_that_is_asked_for_again_and_again_keeps_its_own_place(open_ledger: Open) -> None:
    leave(open_ledger(), 3)
    for _ in range(9):
        leave(open_ledger(), 5)

    assert open_ledger().read().place(WALK, 3) == place(3)


def test_first_page_begins_anew(open_ledger: Open) -> None:
    leave(open_ledger(), 3)
    ledger = open_ledger()
    ledger.read()
    ledger.leave(WALK, place(2), first=True)

    reading = open_ledger().read()

    assert (reading.place(WALK, 3), reading.place(WALK, 2)) == (None, place(2))


def test_page_that_is_asked_for_twice_has_the_newer_place(open_ledger: Open) -> None:
    leave(open_ledger(), 3)
    ledger = open_ledger()
    ledger.read()
    newer = PageStart(3, "another key", 10)
    ledger.leave(WALK, newer, first=False)

    assert open_ledger().read().place(WALK, 3) == newer


@pytest.mark.parametrize(("later", "is_found"), [(BOOKMARK_S - 1, True), (BOOKMARK_S, False), (BOOKMARK_S + 1, False)])
def test_bookmark_lives_for_an_hour(open_ledger: Open, later: float, is_found: bool) -> None:
    open_ledger().leave(WALK, place(3), first=True)

    assert (open_ledger(later).read().place(WALK, 3) is not None) is is_found


def test_expired_bookmarks_are_removed_by_the_next_write(open_ledger: Open, items: Items) -> None:
    for client in range(30):
        open_ledger().leave(digest("q", str(client)), place(3), first=True)

    ledger = open_ledger(BOOKMARK_S)
    assert len(ledger.read().expired) == 30
    assert ledger.leave(WALK, place(3), first=True)

    assert len(items()) == 30 - 24 + 1  # BatchWriteItem takes 25
    assert keys.bookmark_key(WALK) in items()


def test_bookmark_that_has_expired_is_written_anew_and_not_removed(open_ledger: Open) -> None:
    open_ledger().leave(WALK, place(3), first=True)
    later = open_ledger(BOOKMARK_S)
    later.read()

    assert later.leave(WALK, place(2), first=True)

    assert open_ledger(BOOKMARK_S).read().place(WALK, 2) == place(2)


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
def test_bookmark_that_can_not_be_left_is_told_and_raises_nothing(outcome: Any) -> None:
    client: Any = Failing(outcome)
    dynamo = Table(client, "muster", runtime.create_deadline(29))

    assert Bookmarks(dynamo, PARTITION, lambda: NOW).leave(WALK, place(3), first=True) is False
    assert dynamo.calls == 1


def test_expired_bookmark_that_was_not_removed_fails_nothing() -> None:
    client: Any = Failing({"UnprocessedItems": {"muster": [{"DeleteRequest": {"Key": {}}}]}})

    assert Bookmarks(Table(client, "muster", runtime.create_deadline(29)), PARTITION, lambda: NOW).leave(
        WALK, place(3), first=True
    )


def test_bookmark_keeps_any_key(open_ledger: Open) -> None:
    key = json.dumps([[False, 'Zoë "#"\x00\U0010ffff'], "id"])
    open_ledger().leave(WALK, PageStart(2, key, 3), first=True)

    assert open_ledger().read().place(WALK, 2) == PageStart(2, key, 3)


# Counters


def test_total_follows_creation_rename_deactivation_and_deletion(
    store: DynamoDBResourceStore, open_ledger: Open, items: Items
) -> None:
    def counted() -> tuple[int, int]:
        active = sum(int(item["active"]["N"]) for sort, item in items().items() if sort.startswith(keys.COUNTER_PREFIX))
        return open_ledger().total(), active

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


def test_write_that_fails_counts_nothing(store: DynamoDBResourceStore, open_ledger: Open) -> None:
    store.write(None, user(), CHANGE)
    with pytest.raises(NotUnique):
        store.write(None, user(TWO), CHANGE)

    assert open_ledger().total() == 1


def test_ledger_is_one_call_for_counters_and_bookmarks_together(
    store: DynamoDBResourceStore, open_ledger: Open, dynamo: Table
) -> None:
    for resource_id in (ONE, TWO):
        store.write(None, user(resource_id, userName=resource_id), CHANGE)
    open_ledger().leave(WALK, place(2), first=True)
    before, ledger = dynamo.calls, open_ledger()

    assert (ledger.total(), ledger.read().place(WALK, 2), dynamo.calls - before) == (2, place(2), 1)


def test_tenants_have_ledgers_of_their_own(store: DynamoDBResourceStore, dynamo: Table) -> None:
    store.write(None, user(), CHANGE)

    assert Bookmarks(dynamo, keys.paging_partition("acme-2"), lambda: NOW).total() == 0


def test_ledger_and_users_are_different_partitions(store: DynamoDBResourceStore, settings: Settings) -> None:
    """IAM tells partitions apart, and bookmarks are all that may be written outside of transactions."""
    store.write(None, user(), CHANGE)
    client = boto3.client("dynamodb")

    found = client.scan(TableName=settings.table_name)["Items"]

    assert {item["sk"]["S"][0] for item in found if item["pk"]["S"] == PARTITION} == {"K"}
    assert "K" not in {item["sk"]["S"][0] for item in found if item["pk"]["S"] != PARTITION}
