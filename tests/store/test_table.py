"""Queries that read ahead: the calls that they make, and when."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from scim.aws.errors import AwsError, ErrorResponse, NoResponse
from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline
from scim.store.keys import KeyRange
from scim.store.table import Item, Table

ITEMS_PER_CALL = 3
KEY_RANGE = KeyRange("a", "z")
THROTTLED = ErrorResponse("Query", "ThrottlingException", "", status=400)
REJECTED = ErrorResponse("Query", "ValidationException", "", status=400)


class PagedClient:
    """A client whose Query returns three items in each call. It raises the error of a call, by its number from 0."""

    def __init__(self, number_of_items: int, errors: dict[int, AwsError] | None = None) -> None:
        self._items = [{"sk": {"S": f"{number:03}"}} for number in range(number_of_items)]
        self._errors = errors or {}
        self.starts: list[str] = []
        self.limits: list[int | None] = []
        self.has_begun = [threading.Event() for _ in range(20)]

    def query(self, **arguments: Any) -> dict[str, Any]:
        number = len(self.starts)
        after = arguments.get("ExclusiveStartKey", {}).get("sk", {}).get("S", "")
        self.starts.append(after)
        self.limits.append(arguments.get("Limit"))
        self.has_begun[number].set()
        if number in self._errors:
            raise self._errors[number]
        rest = [item for item in self._items if item["sk"]["S"] > after]
        page, is_last = rest[:ITEMS_PER_CALL], len(rest) <= ITEMS_PER_CALL
        return {"Items": page, "Count": len(page)} | ({} if is_last else {"LastEvaluatedKey": page[-1]})


class Clock:
    """The time that remains, and the pauses."""

    def __init__(self) -> None:
        self.remaining_s = 30.0
        self.deadline = Deadline(lambda: self.remaining_s, lambda _: None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def read_ahead(client: Any, clock: Clock, unused: list[int], limit: int | None = None) -> Any:
    return Table(client, "t", clock.deadline).query("pk", KEY_RANGE, charge_unused=unused.append, limit=limit)


def list_keys(found_items: Iterator[Item]) -> list[str]:
    return [item["sk"]["S"] for item in found_items]


def count_threads() -> int:
    return threading.active_count()


def test_next_call_begins_before_the_items_are_consumed(clock: Clock) -> None:
    client, unused = PagedClient(8), list[int]()
    found_items = read_ahead(client, clock, unused)
    assert next(found_items)["sk"]["S"] == "000"
    assert client.has_begun[1].wait(10)
    assert not client.has_begun[2].is_set()
    assert list_keys(found_items) == [f"{number:03}" for number in range(1, 8)]
    assert client.starts == ["", "002", "005"]
    assert unused == []


def test_query_reads_only_one_call_ahead(clock: Clock) -> None:
    client, unused, threads = PagedClient(30), list[int](), count_threads()
    found_items = read_ahead(client, clock, unused)
    for _ in range(4):
        next(found_items)
    found_items.close()
    assert client.starts == ["", "002", "005"]
    assert unused == [3]
    assert count_threads() == threads


def test_query_that_is_not_to_read_ahead_makes_no_call_in_vain(clock: Clock) -> None:
    client = PagedClient(30)
    found_items = Table(client, "t", clock.deadline).query("pk", KEY_RANGE)  # type: ignore[arg-type]  # a fake
    for _ in range(4):
        next(found_items)
    found_items.close()
    assert client.starts == ["", "002"]


def test_calls_with_a_limit_are_not_made_ahead(clock: Clock) -> None:
    """A page of a client usually needs only one of them."""
    client, unused = PagedClient(30), list[int]()
    found_items = read_ahead(client, clock, unused, limit=100)
    for _ in range(4):
        next(found_items)
    assert client.limits == [100, 400]
    for _ in range(3):
        next(found_items)
    assert client.has_begun[3].wait(10)
    found_items.close()
    assert client.limits == [100, 400, 1_600, None]
    assert unused == [3]


def test_call_ahead_needs_time(clock: Clock) -> None:
    client, unused = PagedClient(30), list[int]()
    found_items = read_ahead(client, clock, unused)
    clock.remaining_s = 4.0
    next(found_items)
    clock.remaining_s = 3.9
    for _ in range(3):
        next(found_items)
    assert client.starts == ["", "002"]
    with pytest.raises(Unavailable):
        list(found_items)


@pytest.mark.parametrize("error", [THROTTLED, NoResponse("Query", "ReadTimeoutError", "")])
def test_failed_call_ahead_is_repeated(clock: Clock, error: AwsError) -> None:
    client, unused = PagedClient(8, {1: error, 2: error}), list[int]()
    table = Table(client, "t", clock.deadline)  # type: ignore[arg-type]  # a fake
    found_items = table.query("pk", KEY_RANGE, charge_unused=unused.append)
    assert list_keys(found_items) == [f"{number:03}" for number in range(8)]
    assert client.starts == ["", "002", "002", "002", "005"]
    assert len(clock.deadline.retry_causes) == 2
    assert table.calls == 5


def test_call_ahead_fails_when_its_items_are_needed(clock: Clock) -> None:
    found_items = read_ahead(PagedClient(8, {1: REJECTED}), clock, [])
    for _ in range(ITEMS_PER_CALL):
        next(found_items)
    with pytest.raises(ErrorResponse, match="ValidationException"):
        next(found_items)


def test_failed_call_ahead_that_is_not_needed_is_ignored(clock: Clock) -> None:
    client, unused = PagedClient(8, {1: REJECTED}), list[int]()
    found_items = read_ahead(client, clock, unused)
    next(found_items)
    found_items.close()
    assert client.starts == ["", "002"]
    assert unused == []
    assert clock.deadline.retry_causes == []
