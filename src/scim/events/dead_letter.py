"""The dead-letter queue: records and messages that cannot be processed, with the reason.

A message is ASCII JSON and never over SQS's limit (docs/operations.md, "Dead-letter queues"). The reason names kinds of
errors, attributes and places in the code, never the text of an error: that may hold personal data.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from typing import Any

from scim.events.batching import SendResult
from scim.events.message_queue import MAX_MESSAGE_BYTES, MessageQueue, QueueMessage

_MAX_KEYS_BYTES = 8_192
"""DynamoDB's keys have at most 2,048 and 1,024 bytes, a byte at most six characters of JSON."""
_MAX_REASON = 1_000


class DeadLetterQueue:
    def __init__(self, queue: MessageQueue) -> None:
        self._queue = queue

    def send(self, letters: Mapping[int, Mapping[str, Any]]) -> SendResult:
        """Send dead letters, as :func:`wrap_record` and its like make them."""
        messages = {number: QueueMessage(json.dumps(letter)) for number, letter in letters.items()}
        return self._queue.send(messages)


def wrap_record(record: Any, reason: str) -> dict[str, Any]:
    """Return the dead letter of a stream record: the record whole, or where to find it if it is too large."""
    letter = {"reason": reason[:_MAX_REASON], "record": record}
    if len(json.dumps(letter)) <= MAX_MESSAGE_BYTES:
        return letter
    return {"reason": letter["reason"], "record": _without_image(record), "isCut": True}


def wrap_task(task: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """Return the dead letter of a link task that the links queue did not take."""
    return {"reason": reason[:_MAX_REASON], "task": task}


def wrap_message(body: Any, reason: str) -> dict[str, Any]:
    """Return the dead letter of a message from the links queue."""
    letter = {"reason": reason[:_MAX_REASON], "message": body}
    if len(json.dumps(letter)) <= MAX_MESSAGE_BYTES:
        return letter
    return {"reason": letter["reason"], "message": "", "isCut": True}


def describe_fault_location(fault: Exception) -> str:
    """Return the kind of an error and where in the code it was raised."""
    frames = traceback.extract_tb(fault.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno} {frames[-1].name}" if frames else ""
    return f"{type(fault).__name__}{place}"


def _without_image(record: Any) -> dict[str, Any]:
    """Return what leads to a record: its keys in the table, and its number in the stream."""
    members = record if isinstance(record, Mapping) else {}
    stream = members.get("dynamodb")
    stream = stream if isinstance(stream, Mapping) else {}
    kept = {name: stream[name] for name in ("Keys", "SequenceNumber", "ApproximateCreationDateTime") if name in stream}
    outer = {name: members[name] for name in ("eventID", "eventName", "eventSourceARN", "awsRegion") if name in members}
    found = {**outer, "dynamodb": kept}
    return found if len(json.dumps(found)) <= _MAX_KEYS_BYTES else {}
