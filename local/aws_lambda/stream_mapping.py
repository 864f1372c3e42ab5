"""Lambda's event source mapping from a DynamoDB stream to a function.

It follows the AWS Lambda developer guide, "Using AWS Lambda with Amazon DynamoDB" (batching, partial batch responses,
discarded records). If the guide does not describe a case, the code chooses the behavior that is harder for the
function.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.aws_lambda.invocation import FunctionError
from local.errors import LocalRunError

Record = Mapping[str, Any]
Invoke = Callable[[dict[str, Any]], Awaitable[object]]
Discard = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class StreamMapping:
    """The properties of a mapping.

    ``filters`` are event patterns: a record must match one of them, if there are any. ``failure_queue`` is the name of
    the on-failure destination, the queue that is notified of discarded records.
    """

    batch_size: int = 100
    filters: Sequence[Any] = field(default_factory=tuple)
    partial_responses: bool = False
    bisect: bool = False
    retries: int = 10_000
    failure_queue: str | None = None

    def accepts(self, record: Record) -> bool:
        """Return whether the filters let a record pass."""
        return not self.filters or any(_matches(pattern, record) for pattern in self.filters)


def _matches(pattern: Any, value: Any) -> bool:
    """Return whether a value matches an event pattern. Only equality, prefixes and ``anything-but`` are supported."""
    if isinstance(pattern, dict):
        return isinstance(value, Mapping) and all(_matches(nested, value.get(name)) for name, nested in pattern.items())
    return any(_matches_rule(rule, value) for rule in pattern)


def _matches_rule(rule: Any, value: Any) -> bool:
    match rule:
        case {"prefix": prefix}:
            return isinstance(value, str) and value.startswith(prefix)
        case {"anything-but": excluded}:
            return isinstance(value, str) and value not in excluded
        case dict():
            raise LocalRunError(f"template.yaml: the local run does not support the rule {rule} in an event pattern")
    return bool(value == rule)


async def deliver(
    mapping: StreamMapping,
    shard: str,
    records: Sequence[Record],
    invoke: Invoke,
    discard: Discard,
    wait: Callable[[int], Awaitable[None]],
) -> None:
    """Invoke a function with the records of a shard, batch by batch.

    ``discard`` is called with the message for the on-failure destination. ``wait`` is called before each retry, with
    its number.
    """
    accepted = [record for record in records if mapping.accepts(record)]
    for start in range(0, len(accepted), mapping.batch_size):
        pending = [accepted[start : start + mapping.batch_size]]
        while pending:
            pending = await _process(mapping, shard, pending[0], invoke, discard, wait) + pending[1:]


async def _process(
    mapping: StreamMapping,
    shard: str,
    batch: list[Record],
    invoke: Invoke,
    discard: Discard,
    wait: Callable[[int], Awaitable[None]],
) -> list[list[Record]]:
    """Invoke the function until the batch is processed or discarded.

    Return its halves if Lambda bisects the batch, else nothing. Bisecting does not count as a retry.
    """
    for attempt in range(mapping.retries + 1):
        if attempt:
            await wait(attempt)
        try:
            failed = _find_first_failure(await invoke({"Records": batch}), batch) if batch else None
        except FunctionError:
            if mapping.bisect and len(batch) > 1:
                return [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
            continue
        if failed is None or not mapping.partial_responses:
            return []
        batch = batch[failed:]
    discard(_build_notice(shard, batch, mapping.retries + 1))
    return []


def _find_first_failure(response: object, batch: Sequence[Record]) -> int | None:
    """Return the index of the first record to retry, or None.

    Raise ``FunctionError``, so that the whole batch is retried, if the response names a record that is not in it.
    """
    failures = response.get("batchItemFailures") if isinstance(response, dict) else None
    if not failures:
        return None
    numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
    try:
        return min(numbers.index(failure["itemIdentifier"]) for failure in failures)
    except (KeyError, TypeError, ValueError) as error:
        raise FunctionError("the response names a record that is not in the batch") from error


def _build_notice(shard: str, batch: Sequence[Record], invocations: int) -> dict[str, Any]:
    """Return the message about discarded records. It contains their sequence numbers, but not the records."""
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
    """Return the mapping of a ``DynamoDB`` event of a SAM template."""
    filters = properties.get("FilterCriteria", {}).get("Filters", [])
    return StreamMapping(
        batch_size=properties.get("BatchSize", StreamMapping.batch_size),
        filters=tuple(json.loads(criterion["Pattern"]) for criterion in filters),
        partial_responses="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
        bisect=properties.get("BisectBatchOnFunctionError", False),
        retries=properties.get("MaximumRetryAttempts", StreamMapping.retries),
        failure_queue=failure_queue,
    )
