"""The messages of both dead-letter queues: parse them, and split records into invocations.

A message in the dead-letter queue of the stream is a record, a link task that could not be sent, or Lambda's notice of
records that it discarded. A message in that of the links queue is a link task, with a reason or as SQS moved it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from scim.events.link_message import MalformedTask, parse_task

_NUMBERS = ("startSequenceNumber", "endSequenceNumber")
"""The members of a notice that, with the shard, identify its records."""


class Queue(StrEnum):
    """A dead-letter queue, named after what its function processes."""

    CHANGES = "changes"
    LINKS = "links"


class Kind(StrEnum):
    """What a message contains."""

    RECORD = "record"
    TASK = "task"
    NOTICE = "notice"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class DeadLetter:
    """A message. Only ``content`` may have personal data. ``sent_at`` is in seconds since 1970."""

    id: str
    queue: Queue
    kind: Kind
    reason: str
    sent_at: float
    tenant: str = ""
    user_id: str = ""
    sequence: int | None = None
    content: Any = field(default=None, repr=False)
    receipt: str = field(default="", repr=False)


def parse(queue: Queue, message: Mapping[str, Any]) -> DeadLetter:
    """Parse a message of SQS's ReceiveMessage.

    No body raises an error: a message that cannot be parsed must not hide the others.
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
        receipt=message["ReceiptHandle"],
    )


def _parse_content(body: str, attributes: Mapping[str, Any]) -> tuple[Kind, str, Any]:
    letter = _parse_json(body)
    if isinstance(letter, dict):
        reason = str(letter.get("reason", ""))
        if "record" in letter:
            return Kind.RECORD, reason, letter["record"]
        if "task" in letter:
            return _parse_task(json.dumps(letter["task"]), reason)
        if "message" in letter:
            return _parse_task(letter["message"], reason)
        if "DDBStreamBatchInfo" in letter:
            return _parse_notice(letter)
    times = attributes.get("ApproximateReceiveCount", "?")
    return _parse_task(body, f"received {times} times without success")


def _parse_notice(letter: Mapping[str, Any]) -> tuple[Kind, str, Any]:
    context, info = letter.get("requestContext"), letter["DDBStreamBatchInfo"]
    reason = f"Lambda gave up: {context.get('condition', '') if isinstance(context, dict) else ''}"
    has_records = isinstance(info, dict) and isinstance(info.get("shardId"), str)
    has_records = has_records and all(str(info.get(name)).isdecimal() for name in _NUMBERS)
    return Kind.NOTICE if has_records else Kind.UNKNOWN, reason, letter


def _parse_task(body: Any, reason: str) -> tuple[Kind, str, Any]:
    try:
        parse_task(body)
    except (MalformedTask, TypeError):
        return Kind.UNKNOWN, reason, body
    return Kind.TASK, reason, body


def _find_subject(kind: Kind, content: Any) -> dict[str, Any]:
    """Return the tenant, the user's id and the sequence of the change in a message, as fields of a dead letter."""
    if kind is Kind.TASK:
        task = parse_task(content)
        return {"tenant": task.tenant_id, "user_id": task.user_id, "sequence": task.sequence}
    if kind is Kind.RECORD:
        keys = find_keys(content)
        parts = keys.get("sk", "").split("#")
        if len(parts) > 2 and parts[2].isdecimal():
            return {"tenant": keys.get("pk", "").partition("#")[2], "user_id": parts[1], "sequence": int(parts[2])}
    return {}


def find_keys(record: Any) -> dict[str, str]:
    """Return the keys of a stream record in the table; empty if it has none."""
    stream = record.get("dynamodb") if isinstance(record, dict) else None
    keys = stream.get("Keys") if isinstance(stream, dict) else None
    values = keys.items() if isinstance(keys, dict) else ()
    texts = {name: value.get("S") for name, value in values if isinstance(value, dict)}
    return {name: text for name, text in texts.items() if isinstance(text, str) and text}


def has_image(record: Any) -> bool:
    """Return whether a stream record is complete: one that was too large for a message has only its keys."""
    stream = record.get("dynamodb") if isinstance(record, dict) else None
    return isinstance(stream, dict) and "NewImage" in stream


def _parse_json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def split_records(records: list[Any], max_records: int = 100, max_bytes: int = 4_000_000) -> Iterator[list[Any]]:
    """Yield records in batches that fit into one invocation (AWS Lambda developer guide, "Lambda quotas": 6 MB)."""
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
