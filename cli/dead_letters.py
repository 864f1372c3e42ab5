"""Parse the messages of both dead-letter queues, and split records into batches for an invocation.

The dead-letter queue of the stream has records, link tasks that could not be sent, and Lambda's notices of records that
it discarded. The dead-letter queue of the links queue has link tasks: with a reason, or as SQS moved them.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from scim.events.link_message import MalformedTask, parse_task

_SEQUENCE_NUMBERS = ("startSequenceNumber", "endSequenceNumber")
"""The members of a notice that identify its records within the shard."""


class LetterQueue(StrEnum):
    """A dead-letter queue, named after what its function processes."""

    CHANGES = "changes"
    LINKS = "links"


class LetterKind(StrEnum):
    """The kinds of messages in a dead-letter queue."""

    RECORD = "record"
    TASK = "task"
    NOTICE = "notice"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class DeadLetter:
    """A message in a dead-letter queue.

    Only ``content`` may contain personal data. ``sent_at`` is in seconds since 1970.
    """

    id: str
    queue: LetterQueue
    kind: LetterKind
    reason: str
    sent_at: float
    tenant_id: str = ""
    user_id: str = ""
    sequence: int | None = None
    content: Any = field(default=None, repr=False)
    receipt_handle: str = field(default="", repr=False)


def parse_letter(queue: LetterQueue, message: Mapping[str, Any]) -> DeadLetter:
    """Parse a message from the response of ReceiveMessage.

    A body that cannot be parsed raises no error, because it must not hide the other messages.
    """
    attributes = message.get("Attributes", {})
    kind, reason, content = _parse_content(message["Body"], attributes)
    return DeadLetter(
        message["MessageId"],
        queue,
        kind,
        reason,
        int(attributes.get("SentTimestamp", 0)) / 1_000,
        **_find_subject(kind, content),
        content=content,
        receipt_handle=message["ReceiptHandle"],
    )


def _parse_content(body: str, attributes: Mapping[str, Any]) -> tuple[LetterKind, str, Any]:
    document = _parse_json(body)
    if isinstance(document, dict):
        reason = str(document.get("reason", ""))
        if "record" in document:
            return LetterKind.RECORD, reason, document["record"]
        if "task" in document:
            return _parse_task(json.dumps(document["task"]), reason)
        if "message" in document:
            return _parse_task(document["message"], reason)
        if "DDBStreamBatchInfo" in document:
            return _parse_notice(document)
    receive_count = attributes.get("ApproximateReceiveCount", "?")
    return _parse_task(body, f"failed {receive_count} times")


def _parse_notice(notice: Mapping[str, Any]) -> tuple[LetterKind, str, Any]:
    context, info = notice.get("requestContext"), notice["DDBStreamBatchInfo"]
    reason = f"Lambda discarded the batch: {context.get('condition', '') if isinstance(context, dict) else ''}"
    has_records = isinstance(info, dict) and isinstance(info.get("shardId"), str)
    has_records = has_records and all(str(info.get(name)).isdecimal() for name in _SEQUENCE_NUMBERS)
    return LetterKind.NOTICE if has_records else LetterKind.UNKNOWN, reason, notice


def _parse_task(body: Any, reason: str) -> tuple[LetterKind, str, Any]:
    try:
        parse_task(body)
    except (MalformedTask, TypeError):
        return LetterKind.UNKNOWN, reason, body
    return LetterKind.TASK, reason, body


def _find_subject(kind: LetterKind, content: Any) -> dict[str, Any]:
    """Return the fields of a dead letter that say which change it is about: tenant, user and sequence."""
    if kind is LetterKind.TASK:
        task = parse_task(content)
        return {"tenant_id": task.tenant_id, "user_id": task.user_id, "sequence": task.sequence}
    if kind is LetterKind.RECORD:
        keys = find_keys(content)
        parts = keys.get("sk", "").split("#")
        if len(parts) > 2 and parts[2].isdecimal():
            return {"tenant_id": keys.get("pk", "").partition("#")[2], "user_id": parts[1], "sequence": int(parts[2])}
    return {}


def find_keys(record: Any) -> dict[str, str]:
    """Return the keys of a stream record. Return an empty mapping if it has none."""
    stream = record.get("dynamodb") if isinstance(record, dict) else None
    keys = stream.get("Keys") if isinstance(stream, dict) else None
    values = keys.items() if isinstance(keys, dict) else ()
    texts = {name: value.get("S") for name, value in values if isinstance(value, dict)}
    return {name: text for name, text in texts.items() if isinstance(text, str) and text}


def has_image(record: Any) -> bool:
    """Return whether a stream record is complete. A record that was too large for a message has only its keys."""
    stream = record.get("dynamodb") if isinstance(record, dict) else None
    return isinstance(stream, dict) and "NewImage" in stream


def _parse_json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def split_records(records: list[Any], max_records: int = 100, max_bytes: int = 4_000_000) -> Iterator[list[Any]]:
    """Yield batches of records that fit into one invocation (AWS Lambda developer guide, "Lambda quotas": 6 MB)."""
    batch: list[Any] = []
    size = 0
    for record in records:
        record_size = len(json.dumps(record))
        if batch and (len(batch) == max_records or size + record_size > max_bytes):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += record_size
    if batch:
        yield batch
