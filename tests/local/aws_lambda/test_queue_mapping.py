"""The event source mapping of a queue behaves as in Lambda."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws_lambda.invocation import FunctionError
from local.aws_lambda.queue_mapping import QueueMapping, consume, consume_batch, parse_queue_mapping
from local.errors import LocalRunError
from local.services.queue_config import QueueConfig
from local.services.queues import Queues
from tests.local.messaging import Clock

QUEUES = [QueueConfig("work", visibility_timeout=60, dead_letter_queue="dead", max_receives=3), QueueConfig("dead")]
PARTIAL = QueueMapping("work", batch_size=10, partial_responses=True)

Batch = list[str]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queues(tmp_path: Path, clock: Clock) -> Iterator[Queues]:
    queues = Queues(tmp_path / "queues.db", QUEUES, tmp_path / "log", ["work"], clock)
    yield queues
    queues.close()


class Function:
    """A function that records the bodies of each batch; ``respond`` returns its response or raises."""

    def __init__(self, respond: Callable[[list[dict[str, Any]]], object] = lambda _: None) -> None:
        self.batches: list[Batch] = []
        self.records: list[dict[str, Any]] = []
        self._respond = respond

    async def __call__(self, event: dict[str, Any]) -> object:
        self.records = event["Records"]
        self.batches.append([record["body"] for record in self.records])
        return self._respond(self.records)


def report_failures(*bodies: str) -> Callable[[list[dict[str, Any]]], object]:
    def respond(records: list[dict[str, Any]]) -> object:
        return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in records if r["body"] in bodies]}

    return respond


def send(queues: Queues, *bodies: str) -> None:
    for body in bodies:
        queues.send("work", body)


def process_batch(mapping: QueueMapping, queues: Queues, function: Function) -> int:
    return asyncio.run(consume_batch(mapping, queues, function))


def test_processed_messages_are_deleted(queues: Queues) -> None:
    send(queues, "a", "b")
    function = Function()
    assert process_batch(QueueMapping("work"), queues, function) == 2
    assert (function.batches, queues.count("work")) == ([["a", "b"]], (0, 0, 0))
    assert process_batch(QueueMapping("work"), queues, function) == 0


def test_record_has_lambda_format(queues: Queues, clock: Clock) -> None:
    attributes = {"kind": {"DataType": "String", "StringValue": "x"}}
    message_id = queues.send("work", "zoë", "acme", attributes)
    function = Function()
    process_batch(QueueMapping("work"), queues, function)
    (record,) = function.records
    assert record.pop("receiptHandle")
    time = str(int(clock.now * 1_000))
    assert record == {
        "messageId": message_id,
        "body": "zoë",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "ApproximateFirstReceiveTimestamp": time,
            "SenderId": "000000000000",
            "SentTimestamp": time,
            "MessageGroupId": "acme",
        },
        "messageAttributes": {
            "kind": {"stringValue": "x", "stringListValues": [], "binaryListValues": [], "dataType": "String"}
        },
        "md5OfBody": hashlib.md5("zoë".encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:work",
        "awsRegion": "us-east-1",
    }
    json.dumps(record)


def test_failed_message_reappears_after_visibility_timeout(queues: Queues, clock: Clock) -> None:
    send(queues, "a", "b", "c")
    function = Function(report_failures("b"))
    process_batch(PARTIAL, queues, function)
    assert queues.count("work") == (0, 1, 0)
    assert process_batch(PARTIAL, queues, function) == 0
    clock.now += 60
    process_batch(PARTIAL, queues, function)
    assert function.batches == [["a", "b", "c"], ["b"]]
    assert function.records[0]["attributes"]["ApproximateReceiveCount"] == "2"


def test_exhausted_message_moves_to_dead_letter_queue(queues: Queues, clock: Clock) -> None:
    send(queues, "bad", "good")
    function = Function(report_failures("bad"))
    for _ in range(4):
        process_batch(PARTIAL, queues, function)
        clock.now += 60
    assert function.batches == [["bad", "good"], ["bad"], ["bad"]]
    assert (queues.count("work"), queues.count("dead")) == ((0, 0, 0), (1, 0, 0))


def test_exception_fails_batch(queues: Queues) -> None:
    def respond(_: object) -> object:
        raise FunctionError("timed out")

    send(queues, "a", "b")
    process_batch(PARTIAL, queues, Function(respond))
    assert queues.count("work") == (0, 2, 0)


@pytest.mark.parametrize("response", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}])
def test_response_without_failures_is_success(response: object, queues: Queues) -> None:
    send(queues, "a")
    process_batch(PARTIAL, queues, Function(lambda _: response))
    assert queues.count("work") == (0, 0, 0)


@pytest.mark.parametrize(
    "failure", [{"itemIdentifier": ""}, {"itemIdentifier": None}, {"wrong": "x"}, {"itemIdentifier": "x"}]
)
def test_response_with_unknown_message_fails_batch(failure: object, queues: Queues) -> None:
    send(queues, "a", "b")
    process_batch(PARTIAL, queues, Function(lambda _: {"batchItemFailures": [failure]}))
    assert queues.count("work") == (0, 2, 0)


def test_partial_response_is_ignored_unless_configured(queues: Queues) -> None:
    send(queues, "a")
    process_batch(QueueMapping("work"), queues, Function(report_failures("a")))
    assert queues.count("work") == (0, 0, 0)


def test_batch_is_collected_within_window(queues: Queues) -> None:
    send(queues, *map(str, range(25)))
    function = Function()
    process_batch(QueueMapping("work", batch_size=20, window=1), queues, function)
    assert len(function.batches[0]) == 20
    process_batch(QueueMapping("work", batch_size=20, window=0.2), queues, function)
    assert len(function.batches[1]) == 5


def test_concurrency_is_limited(queues: Queues) -> None:
    send(queues, *map(str, range(12)))
    running = peak = 0
    done = asyncio.Event()

    async def invoke(event: dict[str, Any]) -> object:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0.05)
        running -= 1
        if queues.count("work")[0] == 0 and not running:
            done.set()
        return None

    async def scenario() -> None:
        consumer = asyncio.ensure_future(consume(QueueMapping("work", batch_size=1, max_concurrency=2), queues, invoke))
        await asyncio.wait_for(done.wait(), 20)
        consumer.cancel()
        await asyncio.gather(consumer, return_exceptions=True)

    asyncio.run(scenario())
    assert peak == 2


def test_mapping_is_parsed_with_lambda_defaults() -> None:
    properties = {
        "BatchSize": 20,
        "MaximumBatchingWindowInSeconds": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 5},
    }
    assert parse_queue_mapping("work", properties) == QueueMapping("work", 20, 1, True, 5)
    assert parse_queue_mapping("work", {}) == QueueMapping("work", 10, 0, False, None)


@pytest.mark.parametrize("properties", [{"BatchSize": 11}, {"ScalingConfig": {"MaximumConcurrency": 1}}])
def test_mapping_that_lambda_rejects_is_error(properties: Any) -> None:
    with pytest.raises(LocalRunError, match="the mapping of work"):
        parse_queue_mapping("work", properties)
