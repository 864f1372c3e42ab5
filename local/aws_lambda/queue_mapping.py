"""What Lambda does between an SQS queue and a function: an event source mapping.

By "Using Lambda with Amazon SQS" in the AWS Lambda developer guide: its pages on parameters, batching, scaling and
error handling. Where they leave open what Lambda does, this takes what is worse for the function.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.api_gateway.app import FunctionError
from local.aws_lambda.stream_mapping import Invoke
from local.constants import REGION
from local.errors import LocalRunError
from local.services.queue_config import queue_arn
from local.services.queue_store import StoredMessage
from local.services.queues import Queues
from local.services.sqs import md5_of_body, system_attributes
from local.validation.sqs import MAX_ENTRIES

_POLL_S = 0.1
_MAX_EVENT_BYTES = 6 * 1024 * 1024
_POLLERS = 4  # Lambda begins with 5; a function has no more execution environments here


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
        """How many batches are processed at the same time."""
        return min(_POLLERS, self.max_concurrency or _POLLERS)


def parse_queue_mapping(queue: str, properties: Mapping[str, Any]) -> QueueMapping:
    """Return the mapping of an ``SQS`` event of a SAM template; raise ``LocalRunError`` if Lambda refuses it."""
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
        raise LocalRunError(f"the mapping of {queue}: MaximumConcurrency is from 2 to 1000")
    return mapping


async def consume(mapping: QueueMapping, queues: Queues, invoke: Invoke) -> None:
    """Bring what arrives in the queue to the function, several batches at the same time, until it is cancelled."""

    async def poll() -> None:
        while True:
            if not await consume_batch(mapping, queues, invoke):
                await asyncio.sleep(_POLL_S)

    await asyncio.gather(*(poll() for _ in range(mapping.pollers)))


async def consume_batch(mapping: QueueMapping, queues: Queues, invoke: Invoke) -> int:
    """Invoke the function with one batch, and delete the messages that it processed; return the size of the batch.

    A message that failed stays invisible until the queue's visibility timeout is over.
    """
    batch = await asyncio.to_thread(_receive, mapping, queues)
    if batch:
        for message in await _process(mapping, batch, invoke):
            await asyncio.to_thread(queues.delete, mapping.queue, message.receipt_handle)
    return len(batch)


def _receive(mapping: QueueMapping, queues: Queues) -> list[StoredMessage]:
    """Return a batch: it is complete when it is full, too large for one more, or its window is over."""
    batch = list(queues.receive(mapping.queue, mapping.batch_size, wait=0))
    until = time.monotonic() + mapping.window
    size = sum(map(_size, batch))
    while batch and len(batch) < mapping.batch_size and size < _MAX_EVENT_BYTES / 2:
        left = until - time.monotonic()
        more = queues.receive(mapping.queue, mapping.batch_size - len(batch), wait=max(left, 0)) if left > 0 else ()
        if not more:
            break
        batch += more
        size += sum(map(_size, more))
    return batch


def _size(message: StoredMessage) -> int:
    return len(json.dumps(message.body))


async def _process(mapping: QueueMapping, batch: Sequence[StoredMessage], invoke: Invoke) -> Sequence[StoredMessage]:
    """Return the messages that the function has processed."""
    event = {"Records": [build_record(message) for message in batch]}
    try:
        failed = _failed(await invoke(event), batch) if mapping.partial_responses else await _succeed(invoke, event)
    except FunctionError:
        return ()
    return [message for message in batch if message.id not in failed]


async def _succeed(invoke: Invoke, event: dict[str, Any]) -> frozenset[str]:
    await invoke(event)
    return frozenset()


def _failed(response: object, batch: Sequence[StoredMessage]) -> frozenset[str]:
    """Return the ids of the messages that failed; an answer that names none of the batch fails all of them."""
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
    """Return a message as Lambda hands it over (AWS Lambda developer guide, "Using Lambda with Amazon SQS")."""
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": system_attributes(message),
        "messageAttributes": {name: _attribute(value) for name, value in message.attributes.items()},
        "md5OfBody": md5_of_body(message),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn(message.queue),
        "awsRegion": REGION,
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if value.get("BinaryValue"):
        return described | {"binaryValue": value["BinaryValue"]}
    return described | {"stringValue": value.get("StringValue")}
