"""The event source mapping of a stream behaves as in Lambda."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from local.aws_lambda.invocation import FunctionError
from local.aws_lambda.stream_mapping import StreamMapping, deliver, parse_stream_mapping

RECORDS = [{"eventName": "INSERT", "dynamodb": {"SequenceNumber": f"{n:03}"}} for n in range(10)]
PARTIAL = StreamMapping(batch_size=10, partial_responses=True, retries=2)

Batch = list[str]
Message = dict[str, Any]


class Function:
    """A function that records its batches; ``respond`` returns its response or raises."""

    def __init__(self, respond: Callable[[Batch], object]) -> None:
        self.batches: list[Batch] = []
        self._respond = respond

    async def __call__(self, event: dict[str, Any]) -> object:
        batch = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        self.batches.append(batch)
        return self._respond(batch)


def deliver_records(mapping: StreamMapping, respond: Callable[[Batch], object]) -> tuple[list[Batch], list[Message]]:
    """Return the batches that the function got, and the messages about discarded records."""
    function = Function(respond)
    messages: list[Message] = []

    async def wait(attempt: int) -> None:
        assert 0 < attempt <= mapping.retries

    asyncio.run(deliver(mapping, "shard", RECORDS, function, messages.append, wait))
    return function.batches, messages


def build_failures(*numbers: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers]}


def raise_for(number: str) -> Callable[[Batch], object]:
    def respond(batch: Batch) -> object:
        if number in batch:
            raise FunctionError("timed out")
        return None

    return respond


def test_records_are_batched_in_order() -> None:
    batches, _ = deliver_records(StreamMapping(batch_size=4), lambda _: None)
    assert batches == [["000", "001", "002", "003"], ["004", "005", "006", "007"], ["008", "009"]]


def test_filters_select_records() -> None:
    pattern = {"dynamodb": {"SequenceNumber": [{"prefix": "00"}, "7"]}, "eventName": ["INSERT"]}
    assert deliver_records(StreamMapping(filters=(pattern,)), lambda _: None)[0] == [[f"{n:03}" for n in range(10)]]
    assert deliver_records(StreamMapping(filters=({"eventName": ["REMOVE"]},)), lambda _: None)[0] == []
    assert deliver_records(StreamMapping(filters=({"dynamodb": {"NewImage": {"a": ["b"]}}},)), lambda _: None)[0] == []


@pytest.mark.parametrize("response", [None, {}, {"batchItemFailures": None}, build_failures()])
def test_response_without_failures_is_success(response: object) -> None:
    batches, messages = deliver_records(PARTIAL, lambda _: response)
    assert (len(batches), messages) == (1, [])


def test_records_from_first_failure_are_retried() -> None:
    responses = iter([build_failures("007", "003")])
    batches, messages = deliver_records(PARTIAL, lambda _: next(responses, None))
    assert batches[1:] == [["003", "004", "005", "006", "007", "008", "009"]]
    assert messages == []


def test_partial_response_is_ignored_unless_configured() -> None:
    assert len(deliver_records(StreamMapping(), lambda _: build_failures("003"))[0]) == 1


@pytest.mark.parametrize(
    "response", [build_failures(""), build_failures("999"), {"batchItemFailures": [{"wrong": "003"}]}]
)
def test_response_with_unknown_record_fails_batch(response: object) -> None:
    responses = iter([response])
    batches, _ = deliver_records(PARTIAL, lambda _: next(responses, None))
    assert batches[0] == batches[1]


def test_batch_is_discarded_after_retries() -> None:
    batches, messages = deliver_records(PARTIAL, lambda _: build_failures("003"))
    assert [batch[0] for batch in batches] == ["000", "003", "003"]
    (message,) = messages
    assert message["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert message["DDBStreamBatchInfo"] == {
        "shardId": "shard",
        "startSequenceNumber": "003",
        "endSequenceNumber": "009",
        "batchSize": 7,
    }


def test_failing_batch_is_bisected_to_single_record() -> None:
    mapping = StreamMapping(batch_size=10, bisect=True, retries=1)
    batches, messages = deliver_records(mapping, raise_for("006"))
    assert [message["DDBStreamBatchInfo"]["startSequenceNumber"] for message in messages] == ["006"]
    assert messages[0]["DDBStreamBatchInfo"]["batchSize"] == 1
    done = [number for batch in batches if "006" not in batch for number in batch]
    assert sorted(done) == [f"{n:03}" for n in range(10) if n != 6]
    assert batches.count(["006"]) == 2  # bisecting is no retry


def test_whole_batch_is_discarded_without_bisecting() -> None:
    _, messages = deliver_records(StreamMapping(batch_size=5, retries=1), raise_for("006"))
    assert [message["DDBStreamBatchInfo"]["batchSize"] for message in messages] == [5]


def test_mapping_is_parsed_with_lambda_defaults() -> None:
    properties = {
        "BatchSize": 7,
        "FilterCriteria": {"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 3,
    }
    assert parse_stream_mapping(properties) == StreamMapping(7, ({"eventName": ["INSERT"]},), True, True, 3)
    assert parse_stream_mapping({}) == StreamMapping(100, (), False, False, 10_000)
