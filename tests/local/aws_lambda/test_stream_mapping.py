"""An event source mapping does with a stream what Lambda's does."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from local.api_gateway.app import FunctionError
from local.aws_lambda.stream_mapping import StreamMapping, deliver, parse_stream_mapping

RECORDS = [{"eventName": "INSERT", "dynamodb": {"SequenceNumber": f"{n:03}"}} for n in range(10)]
PARTIAL = StreamMapping(batch_size=10, partial_responses=True, retries=2)

Batch = list[str]


class Function:
    """Remembers its batches; answers what it is told to, or fails."""

    def __init__(self, answer: Callable[[Batch], object]) -> None:
        self.batches: list[Batch] = []
        self._answer = answer

    async def __call__(self, event: dict[str, Any]) -> object:
        batch = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        self.batches.append(batch)
        return self._answer(batch)


def use(mapping: StreamMapping, answer: Callable[[Batch], object]) -> tuple[list[Batch], list[dict[str, Any]]]:
    """The batches that a function got, and the notices of what was given up."""
    function = Function(answer)
    notices: list[dict[str, Any]] = []

    async def wait(attempt: int) -> None:
        assert 0 < attempt <= mapping.retries

    asyncio.run(deliver(mapping, "shard", RECORDS, function, notices.append, wait))
    return function.batches, notices


def fail(*numbers: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers]}


def crash_on(number: str) -> Callable[[Batch], object]:
    def answer(batch: Batch) -> object:
        if number in batch:
            raise FunctionError("timed out")
        return None

    return answer


def test_records_come_in_batches_in_order() -> None:
    batches, _ = use(StreamMapping(batch_size=4), lambda _: None)
    assert batches == [["000", "001", "002", "003"], ["004", "005", "006", "007"], ["008", "009"]]


def test_a_filtered_record_never_comes() -> None:
    pattern = {"dynamodb": {"SequenceNumber": [{"prefix": "00"}, "7"]}, "eventName": ["INSERT"]}
    assert use(StreamMapping(filters=(pattern,)), lambda _: None)[0] == [[f"{n:03}" for n in range(10)]]
    assert use(StreamMapping(filters=({"eventName": ["REMOVE"]},)), lambda _: None)[0] == []
    assert use(StreamMapping(filters=({"dynamodb": {"NewImage": {"a": ["b"]}}},)), lambda _: None)[0] == []


@pytest.mark.parametrize("response", [None, {}, {"batchItemFailures": None}, fail()])
def test_a_response_without_failures_is_success(response: object) -> None:
    batches, notices = use(PARTIAL, lambda _: response)
    assert (len(batches), notices) == (1, [])


def test_what_follows_the_lowest_failure_comes_again() -> None:
    responses = iter([fail("007", "003")])
    batches, notices = use(PARTIAL, lambda _: next(responses, None))
    assert batches[1:] == [["003", "004", "005", "006", "007", "008", "009"]]
    assert notices == []


def test_a_partial_response_is_ignored_unless_it_was_asked_for() -> None:
    assert len(use(StreamMapping(), lambda _: fail("003"))[0]) == 1


@pytest.mark.parametrize("response", [fail(""), fail("999"), {"batchItemFailures": [{"wrong": "003"}]}])
def test_a_response_that_names_no_record_fails_the_whole_batch(response: object) -> None:
    responses = iter([response])
    batches, _ = use(PARTIAL, lambda _: next(responses, None))
    assert batches[0] == batches[1]


def test_retries_are_finite_and_then_the_rest_of_the_batch_is_given_up() -> None:
    batches, notices = use(PARTIAL, lambda _: fail("003"))
    assert [batch[0] for batch in batches] == ["000", "003", "003"]
    (notice,) = notices
    assert notice["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert notice["DDBStreamBatchInfo"] == {
        "shardId": "shard",
        "startSequenceNumber": "003",
        "endSequenceNumber": "009",
        "batchSize": 7,
    }


def test_a_batch_that_crashes_is_halved_until_the_culprit_is_alone() -> None:
    mapping = StreamMapping(batch_size=10, bisect=True, retries=1)
    batches, notices = use(mapping, crash_on("006"))
    assert [notice["DDBStreamBatchInfo"]["startSequenceNumber"] for notice in notices] == ["006"]
    assert notices[0]["DDBStreamBatchInfo"]["batchSize"] == 1
    done = [number for batch in batches if "006" not in batch for number in batch]
    assert sorted(done) == [f"{n:03}" for n in range(10) if n != 6]
    assert batches.count(["006"]) == 2  # halving is no repetition


def test_without_bisecting_a_crash_takes_its_batch_along() -> None:
    _, notices = use(StreamMapping(batch_size=5, retries=1), crash_on("006"))
    assert [notice["DDBStreamBatchInfo"]["batchSize"] for notice in notices] == [5]


def test_a_mapping_is_read_from_sams_properties_and_has_lambdas_defaults() -> None:
    properties = {
        "BatchSize": 7,
        "FilterCriteria": {"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 3,
    }
    assert parse_stream_mapping(properties) == StreamMapping(7, ({"eventName": ["INSERT"]},), True, True, 3)
    assert parse_stream_mapping({}) == StreamMapping(100, (), False, False, 10_000)
