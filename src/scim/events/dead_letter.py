"""Build and send dead letters: records and messages that cannot be processed, with the reason.

A dead letter is ASCII JSON, and never larger than an SQS message (docs/operate/dead-letter-queues.md). Its reason names
classes of errors, attributes and lines of code. It never contains the message of an error, which may contain personal
data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from scim.events.batching import SendResult
from scim.events.message_queue import MAX_MESSAGE_BYTES, MessageQueue, QueueMessage
from scim.tracebacks import format_frames

_MAX_KEYS_BYTES = 8_192
"""The maximum size of a record without its image. DynamoDB's keys have at most 2,048 and 1,024 bytes."""
_MAX_REASON_LENGTH = 1_000


class DeadLetterQueue:
    """A dead-letter queue. An instance serves one batch of records or messages."""

    def __init__(self, queue: MessageQueue) -> None:
        self._queue = queue

    def send(self, dead_letters: Mapping[int, Mapping[str, Any]]) -> SendResult:
        """Send dead letters that the functions of this module have built."""
        messages = {number: QueueMessage(json.dumps(letter)) for number, letter in dead_letters.items()}
        return self._queue.send(messages)


def build_record_dead_letter(record: Any, reason: str) -> dict[str, Any]:
    """Return the dead letter of a stream record. If the record is too large, include only its keys (``isCut``)."""
    letter = {"reason": reason[:_MAX_REASON_LENGTH], "record": record}
    if len(json.dumps(letter)) <= MAX_MESSAGE_BYTES:
        return letter
    return {"reason": letter["reason"], "record": _remove_image(record), "isCut": True}


def build_task_dead_letter(task: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """Return the dead letter of a link task that could not be sent to the links queue."""
    return {"reason": reason[:_MAX_REASON_LENGTH], "task": task}


def build_message_dead_letter(body: Any, reason: str) -> dict[str, Any]:
    """Return the dead letter of a message from the links queue. If the message is too large, omit it (``isCut``)."""
    letter = {"reason": reason[:_MAX_REASON_LENGTH], "message": body}
    if len(json.dumps(letter)) <= MAX_MESSAGE_BYTES:
        return letter
    return {"reason": letter["reason"], "message": "", "isCut": True}


def describe_fault_location(fault: Exception) -> str:
    """Return the class of an error and the line of code that raised it."""
    frames = format_frames(fault)
    location = f" at {frames[-1]}" if frames else ""
    return f"{type(fault).__name__}{location}"


def _remove_image(record: Any) -> dict[str, Any]:
    """Return a stream record without its image: its keys in the table, and its sequence number in the stream."""
    members = record if isinstance(record, Mapping) else {}
    stream = members.get("dynamodb")
    stream = stream if isinstance(stream, Mapping) else {}
    reduced_stream = {
        name: stream[name] for name in ("Keys", "SequenceNumber", "ApproximateCreationDateTime") if name in stream
    }
    event_members = {
        name: members[name] for name in ("eventID", "eventName", "eventSourceARN", "awsRegion") if name in members
    }
    reduced = {**event_members, "dynamodb": reduced_stream}
    return reduced if len(json.dumps(reduced)) <= _MAX_KEYS_BYTES else {}
