"""Lambda's event source mapping from an SQS queue to a function.

It follows the AWS Lambda developer guide, "Using Lambda with Amazon SQS" (parameters, batching, scaling, error
handling). If the guide does not describe a case, the code chooses the behavior that is harder for the function.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.aws_lambda.invocation import FunctionError
from local.aws_lambda.stream_mapping import Invoke
from local.constants import REGION
from local.errors import LocalRunError
from local.services.queue_config import build_queue_arn
from local.services.queue_store import StoredMessage
from local.services.queues import Queues
from local.services.sqs import build_system_attributes, compute_body_md5
from local.validation.sqs import MAX_ENTRIES

_POLL_S = 0.1
_MAX_EVENT_BYTES = 6 * 1024 * 1024
_POLLERS = 4  # Lambda starts with 5; here a function has only 4 execution environments


@dataclass(frozen=True)
class QueueMapping:
    """The properties of a mapping; times are in seconds."""

    queue: str
    batch_size: int = 10
    window: float = 0
    partial_responses: bool = False
    max_concurrency: int | None = None

    @property
    def pollers(self) -> int:
        """The number of batches that are processed at the same time."""
        return min(_POLLERS, self.max_concurrency or _POLLERS)


def parse_queue_mapping(queue: str, properties: Mapping[str, Any]) -> QueueMapping:
    """Return the mapping of an ``SQS`` event of a SAM template; raise ``LocalRunError`` if Lambda rejects it."""
    mapping = QueueMapping(
        queue,
        batch_size=properties.get("BatchSize", QueueMapping.batch_size),
        window=properties.get("MaximumBatchingWindowInSeconds", QueueMapping.window),
        partial_responses="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
        max_concurrency=properties.get("ScalingConfig", {}).get("MaximumConcurrency"),
    )
    if mapping.batch_size > MAX_ENTRIES and mapping.window < 1:
        raise LocalRunError(
            f"the mapping of {queue}: a BatchSize over 10 needs MaximumBatchingWindowInSeconds of at least 1"
        )
    if mapping.max_concurrency is not None and not 2 <= mapping.max_concurrency <= 1_000:
        raise LocalRunError(f"the mapping of {queue}: MaximumConcurrency must be from 2 to 1000")
    return mapping


async def consume(mapping: QueueMapping, queues: Queues, invoke: Invoke) -> None:
    """Invoke the function with the messages of a queue, several batches at the same time, until cancelled."""

    async def poll() -> None:
        while True:
            if not await consume_batch(mapping, queues, invoke):
                await asyncio.sleep(_POLL_S)

    await asyncio.gather(*(poll() for _ in range(mapping.pollers)))


async def consume_batch(mapping: QueueMapping, queues: Queues, invoke: Invoke) -> int:
    """Invoke the function with one batch and delete the processed messages; return the size of the batch.

    A failed message stays invisible until the queue's visibility timeout ends.
    """
    batch = await asyncio.to_thread(_receive, mapping, queues)
    if batch:
        for message in await _process(mapping, batch, invoke):
            await asyncio.to_thread(queues.delete, mapping.queue, message.receipt_handle)
    return len(batch)


def _receive(mapping: QueueMapping, queues: Queues) -> list[StoredMessage]:
    """Return a batch. It is complete when it is full, has half of the maximum size, or its window has ended."""
    batch = list(queues.receive(mapping.queue, mapping.batch_size, wait=0))
    deadline = time.monotonic() + mapping.window
    size = sum(map(_measure, batch))
    while batch and len(batch) < mapping.batch_size and size < _MAX_EVENT_BYTES / 2:
        remaining = deadline - time.monotonic()
        more = queues.receive(mapping.queue, mapping.batch_size - len(batch), wait=remaining) if remaining > 0 else ()
        if not more:
            break
        batch += more
        size += sum(map(_measure, more))
    return batch


def _measure(message: StoredMessage) -> int:
    return len(json.dumps(message.body))


async def _process(mapping: QueueMapping, batch: Sequence[StoredMessage], invoke: Invoke) -> Sequence[StoredMessage]:
    """Invoke the function and return the messages that it processed."""
    event = {"Records": [build_record(message) for message in batch]}
    try:
        response = await invoke(event)
        failed = _parse_failures(response, batch) if mapping.partial_responses else frozenset()
    except FunctionError:
        return ()
    return [message for message in batch if message.id not in failed]


def _parse_failures(response: object, batch: Sequence[StoredMessage]) -> frozenset[str]:
    """Return the ids of the failed messages.

    Raise ``FunctionError``, so that the whole batch fails, if the response names a message that is not in it.
    """
    failures = response.get("batchItemFailures") if isinstance(response, dict) else None
    if not failures:
        return frozenset()
    try:
        failed = frozenset(failure["itemIdentifier"] for failure in failures)
    except (KeyError, TypeError) as error:
        raise FunctionError("the response does not name the messages that failed") from error
    if not failed <= {message.id for message in batch}:
        raise FunctionError("the response names a message that is not in the batch")
    return failed


def build_record(message: StoredMessage) -> dict[str, Any]:
    """Return a message as a record of Lambda's event (AWS Lambda developer guide, "Using Lambda with Amazon SQS")."""
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": build_system_attributes(message),
        "messageAttributes": {name: _build_attribute(value) for name, value in message.attributes.items()},
        "md5OfBody": compute_body_md5(message),
        "eventSource": "aws:sqs",
        "eventSourceARN": build_queue_arn(message.queue),
        "awsRegion": REGION,
    }


def _build_attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    attribute: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if value.get("BinaryValue"):
        return attribute | {"binaryValue": value["BinaryValue"]}
    return attribute | {"stringValue": value.get("StringValue")}
