"""Counters after each kind of write, and bookmarks."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from scim.aws.errors import AwsError, ErrorResponse, NoResponse
from scim.service.model.query import PageBoundary
from scim.service.model.stored_resource import NotUnique
from scim.settings import Settings
from scim.store import keys
from scim.store.query.paging_store import BOOKMARK_TTL_S, PageStart, PagingStore, build_bookmark_id
from scim.store.resources import DynamoDBResourceStore
from scim.store.table import Table
from scim.wiring import runtime
from tests.store.test_resources import CHANGE, ONE, TWO, build_user

PARTITION = keys.paging_partition("acme")
BOOKMARK = build_bookmark_id("User all", "client")
NOW = 1_800_000_000.0

Items = Callable[[], dict[str, dict[str, Any]]]
OpenStore = Callable[..., PagingStore]


@pytest.fixture
def open_store(request_table: Table) -> OpenStore:
    """Return a function that opens the store for a request ``later_s`` seconds after NOW."""
    return lambda later_s=0.0: PagingStore(request_table, PARTITION, lambda: NOW + later_s)


def build_page_start(start_index: int, total: int = 9) -> PageStart:
    return PageStart(start_index, total, f"key {start_index}")


def write_bookmark(paging_store: PagingStore, start_index: int) -> None:
    paging_store.read_state()
    assert paging_store.write_bookmark(BOOKMARK, build_page_start(start_index), is_first=False)


class FailingClient:
    """A client whose batches fail or remain unprocessed."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    def batch_write_item(self, **_: Any) -> Any:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def build_error(code: str) -> AwsError:
    return ErrorResponse("BatchWriteItem", code)


class TestBookmarks:
    def test_bookmark_belongs_to_query_client_and_index(self, open_store: OpenStore) -> None:
        assert open_store().write_bookmark(BOOKMARK, build_page_start(3), is_first=True)

        state = open_store().read_state()

        assert state.find_start(BOOKMARK, 3) == build_page_start(3)
        assert state.find_start(BOOKMARK, 4) is None
        assert state.find_start(build_bookmark_id("User all", "another client"), 3) is None
        assert state.find_start(build_bookmark_id("User others", "client"), 3) is None

    def test_bookmark_id_separates_query_and_client(self) -> None:
        assert build_bookmark_id("a\nb", "c") != build_bookmark_id("a", "b\nc")

    def test_bookmark_keeps_last_four_page_starts(self, open_store: OpenStore) -> None:
        for start_index in range(1, 7):
            write_bookmark(open_store(), start_index)

        state = open_store().read_state()

        assert [index for index in range(1, 7) if state.find_start(BOOKMARK, index)] == [3, 4, 5, 6]

    def test_repeated_page_keeps_earlier_page_starts(self, open_store: OpenStore) -> None:
        write_bookmark(open_store(), 3)
        for _ in range(9):
            write_bookmark(open_store(), 5)

        assert open_store().read_state().find_start(BOOKMARK, 3) == build_page_start(3)

    def test_first_page_starts_new_bookmark(self, open_store: OpenStore) -> None:
        write_bookmark(open_store(), 3)
        paging_store = open_store()
        paging_store.read_state()
        paging_store.write_bookmark(BOOKMARK, build_page_start(2), is_first=True)

        state = open_store().read_state()

        assert (state.find_start(BOOKMARK, 3), state.find_start(BOOKMARK, 2)) == (None, build_page_start(2))

    def test_repeated_page_has_its_newer_start(self, open_store: OpenStore) -> None:
        write_bookmark(open_store(), 3)
        paging_store = open_store()
        paging_store.read_state()
        newer = PageStart(3, 10, "another key")
        paging_store.write_bookmark(BOOKMARK, newer, is_first=False)

        assert open_store().read_state().find_start(BOOKMARK, 3) == newer

    @pytest.mark.parametrize(
        ("later_s", "is_found"),
        [(BOOKMARK_TTL_S - 1, True), (BOOKMARK_TTL_S, False), (BOOKMARK_TTL_S + 1, False)],
    )
    def test_bookmark_expires_after_an_hour(self, open_store: OpenStore, later_s: float, is_found: bool) -> None:
        open_store().write_bookmark(BOOKMARK, build_page_start(3), is_first=True)

        assert (open_store(later_s).read_state().find_start(BOOKMARK, 3) is not None) is is_found

    def test_next_write_removes_expired_bookmarks(self, open_store: OpenStore, items: Items) -> None:
        for client in range(30):
            open_store().write_bookmark(build_bookmark_id("q", str(client)), build_page_start(3), is_first=True)

        paging_store = open_store(BOOKMARK_TTL_S)
        assert len(paging_store.read_state().expired_sort_keys) == 30
        assert paging_store.write_bookmark(BOOKMARK, build_page_start(3), is_first=True)

        assert len(items()) == 30 - 24 + 1  # BatchWriteItem takes 25
        assert keys.bookmark_key(BOOKMARK) in items()

    def test_expired_bookmark_can_be_written_again(self, open_store: OpenStore) -> None:
        open_store().write_bookmark(BOOKMARK, build_page_start(3), is_first=True)
        paging_store = open_store(BOOKMARK_TTL_S)
        paging_store.read_state()

        assert paging_store.write_bookmark(BOOKMARK, build_page_start(2), is_first=True)

        assert open_store(BOOKMARK_TTL_S).read_state().find_start(BOOKMARK, 2) == build_page_start(2)

    @pytest.mark.parametrize(
        "outcome",
        [
            build_error("ProvisionedThroughputExceededException"),
            build_error("AccessDeniedException"),
            build_error("InternalServerError"),
            NoResponse("BatchWriteItem", "ReadTimeoutError"),
            {"UnprocessedItems": {"muster": [{"PutRequest": {"Item": {}}}]}},
        ],
        ids=str,
    )
    def test_failed_write_of_bookmark_returns_false(self, outcome: Any) -> None:
        client: Any = FailingClient(outcome)
        request_table = Table(client, "muster", runtime.create_deadline(29))

        assert (
            PagingStore(request_table, PARTITION, lambda: NOW).write_bookmark(
                BOOKMARK, build_page_start(3), is_first=True
            )
            is False
        )
        assert request_table.calls == 1

    def test_failed_removal_of_bookmark_is_no_failure(self) -> None:
        client: Any = FailingClient({"UnprocessedItems": {"muster": [{"DeleteRequest": {"Key": {}}}]}})

        assert PagingStore(Table(client, "muster", runtime.create_deadline(29)), PARTITION, lambda: NOW).write_bookmark(
            BOOKMARK, build_page_start(3), is_first=True
        )

    def test_bookmark_keeps_boundaries(self, open_store: OpenStore) -> None:
        start = PageStart(2, 3, None, (PageBoundary(ONE, b"12345678"), PageBoundary(TWO)), PageBoundary(TWO, b"\0"))
        open_store().write_bookmark(BOOKMARK, start, is_first=True)

        assert open_store().read_state().find_start(BOOKMARK, 2) == start

    def test_bookmark_of_earlier_release_is_ignored(self, open_store: OpenStore, request_table: Table) -> None:
        places = {"places": {"S": '[[3, "N#bob", 9]]'}, "ttl": {"N": str(int(NOW) + 60)}}
        request_table.write_all(put=[keys.primary_key(PARTITION, keys.bookmark_key(BOOKMARK)) | places])

        assert open_store().read_state().find_start(BOOKMARK, 3) is None


class TestCounters:
    def test_counters_follow_each_kind_of_write(
        self, store: DynamoDBResourceStore, open_store: OpenStore, items: Items
    ) -> None:
        def count() -> tuple[int, int]:
            active = sum(
                int(item["active"]["N"]) for sort, item in items().items() if sort.startswith(keys.COUNTER_PREFIX)
            )
            return open_store().count_resources(), active

        counts = [count()]
        for before, after in [
            (None, build_user()),
            (None, build_user(TWO, userName="Ann", active=False)),
            (build_user(), build_user(version=2, userName="Rob")),
            (build_user(version=2, userName="Rob"), build_user(version=3, userName="Rob", active=False)),
            (build_user(TWO, userName="Ann", active=False), build_user(TWO, version=2, userName="Ann")),
            (build_user(version=3, userName="Rob", active=False), None),
            (build_user(TWO, version=2, userName="Ann"), None),
        ]:
            store.write(before, after, CHANGE)
            counts.append(count())

        assert counts == [(0, 0), (1, 1), (2, 1), (2, 1), (2, 0), (2, 1), (1, 1), (0, 0)]

    def test_failed_write_counts_nothing(self, store: DynamoDBResourceStore, open_store: OpenStore) -> None:
        store.write(None, build_user(), CHANGE)
        with pytest.raises(NotUnique):
            store.write(None, build_user(TWO), CHANGE)

        assert open_store().count_resources() == 1

    def test_one_call_reads_counters_and_bookmarks(
        self, store: DynamoDBResourceStore, open_store: OpenStore, request_table: Table
    ) -> None:
        for resource_id in (ONE, TWO):
            store.write(None, build_user(resource_id, userName=resource_id), CHANGE)
        open_store().write_bookmark(BOOKMARK, build_page_start(2), is_first=True)
        before, paging_store = request_table.calls, open_store()

        assert (
            paging_store.count_resources(),
            paging_store.read_state().find_start(BOOKMARK, 2),
            request_table.calls - before,
        ) == (2, build_page_start(2), 1)

    def test_tenants_have_separate_counters(self, store: DynamoDBResourceStore, request_table: Table) -> None:
        store.write(None, build_user(), CHANGE)

        assert PagingStore(request_table, keys.paging_partition("acme-2"), lambda: NOW).count_resources() == 0

    def test_counters_and_users_are_in_different_partitions(
        self, store: DynamoDBResourceStore, settings: Settings
    ) -> None:
        """IAM distinguishes partitions. Only bookmarks may be written outside of transactions."""
        store.write(None, build_user(), CHANGE)
        client = boto3.client("dynamodb")

        items = client.scan(TableName=settings.table_name)["Items"]

        assert {item["sk"]["S"][0] for item in items if item["pk"]["S"] == PARTITION} == {"K"}
        assert "K" not in {item["sk"]["S"][0] for item in items if item["pk"]["S"] != PARTITION}
