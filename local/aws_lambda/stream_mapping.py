"""What Lambda does between a stream and a function: an event source mapping.

By "Using AWS Lambda with Amazon DynamoDB" in the AWS Lambda developer guide, its pages on batching, partial batch
responses and discarded records. Where they leave open how Lambda goes on, this takes what is worse for the function.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.api_gateway.app import FunctionError

Record = Mapping[str, Any]
Invoke = Callable[[dict[str, Any]], Awaitable[object]]
Discard = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class StreamMapping:
    """The properties of a mapping. ``filters`` are patterns of which one has to match; none lets everything pass.

    ``failure_queue`` is the name of the queue that is told of records that were given up.
    """

    batch_size: int = 100
    filters: Sequence[Any] = field(default_factory=tuple)
    partial_responses: bool = False
    bisect: bool = False
    retries: int = 10_000
    failure_queue: str | None = None

    def wants(self, record: Record) -> bool:
        return not self.filters or any(_matches(pattern, record) for pattern in self.filters)


def _matches(pattern: Any, value: Any) -> bool:
    """As much of EventBridge's patterns as the template uses: equality and prefixes."""
    if isinstance(pattern, dict):
        return isinstance(value, Mapping) and all(_matches(each, value.get(name)) for name, each in pattern.items())
    return any(
        isinstance(value, str) and value.startswith(rule["prefix"]) if isinstance(rule, dict) else value == rule
        for rule in pattern
    )


async def deliver(
    mapping: StreamMapping,
    shard: str,
    records: Sequence[Record],
    invoke: Invoke,
    discard: Discard,
    wait: Callable[[int], Awaitable[None]],
) -> None:
    """Bring the records of a shard to a function, batch after batch.

    ``discard`` gets the message to the destination for failures; ``wait`` is called before each repetition, with its
    number.
    """
    wanted = [record for record in records if mapping.wants(record)]
    for start in range(0, len(wanted), mapping.batch_size):
        waiting = [wanted[start : start + mapping.batch_size]]
        while waiting:
            waiting = await _attempts(mapping, shard, waiting[0], invoke, discard, wait) + waiting[1:]


async def _attempts(
    mapping: StreamMapping,
    shard: str,
    batch: list[Record],
    invoke: Invoke,
    discard: Discard,
    wait: Callable[[int], Awaitable[None]],
) -> list[list[Record]]:
    """Invoke until the batch is done with; the halves of it, if it is to be halved, which is no repetition."""
    for attempt in range(mapping.retries + 1):
        if attempt:
            await wait(attempt)
        try:
            failed = _first_failed(await invoke({"Records": batch}), batch) if batch else None
        except FunctionError:
            if mapping.bisect and len(batch) > 1:
                return [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
            continue
        if failed is None or not mapping.partial_responses:
            return []
        batch = batch[failed:]
    discard(_notice(shard, batch, mapping.retries + 1))
    return []


def _first_failed(response: object, batch: Sequence[Record]) -> int | None:
    """From where on records have to come again. A response that names nothing of the batch is a failure of all."""
    failures = response.get("batchItemFailures") if isinstance(response, dict) else None
    if not failures:
        return None
    numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
    try:
        return min(numbers.index(failure["itemIdentifier"]) for failure in failures)
    except (KeyError, TypeError, ValueError) as error:
        raise FunctionError("the response names no record of the batch") from error


def _notice(shard: str, batch: Sequence[Record], invocations: int) -> dict[str, Any]:
    """Which records were given up. Their contents are not in it."""
    return {
        "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": invocations},
        "version": "1.0",
        "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": batch[0]["dynamodb"]["SequenceNumber"],
            "endSequenceNumber": batch[-1]["dynamodb"]["SequenceNumber"],
            "batchSize": len(batch),
        },
    }


def parse_stream_mapping(properties: Mapping[str, Any], failure_queue: str | None = None) -> StreamMapping:
    """The mapping that a function's ``DynamoDB`` event in a SAM template makes."""
    filters = properties.get("FilterCriteria", {}).get("Filters", [])
    return StreamMapping(
        batch_size=properties.get("BatchSize", StreamMapping.batch_size),
        filters=tuple(json.loads(each["Pattern"]) for each in filters),
        partial_responses="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
        bisect=properties.get("BisectBatchOnFunctionError", False),
        retries=properties.get("MaximumRetryAttempts", StreamMapping.retries),
        failure_queue=failure_queue,
    )
