"""Validate requests to standard queues of Amazon SQS.

Sources: Amazon SQS API reference (SendMessage, SendMessageBatch, ReceiveMessage, DeleteMessageBatch,
ChangeMessageVisibility) and developer guide ("Amazon SQS message metadata").
"""

import base64
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from local.validation import Violation

Json = Mapping[str, Any]

MAX_BYTES = 1_048_576  # of a message, and of all messages of a batch
MAX_ENTRIES = 10
_MAX_ATTRIBUTES = 10
_TEXT = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_GROUP = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ATTRIBUTE_NAME = re.compile(r"(?!aws\.|amazon\.)(?!\.)(?!.*\.\.)[a-z0-9_.-]{1,256}(?<!\.)", re.IGNORECASE)
_ATTRIBUTE_TYPE = re.compile(r"(String|Number|Binary)(\..+)?", re.DOTALL)


def _reject(reason: str) -> Violation:
    return Violation("InvalidParameterValue", reason)


def _check_range(request: Json, name: str, first: int, last: int) -> Iterator[Violation]:
    value = request.get(name)
    if value is not None and not first <= value <= last:
        yield _reject(f"Value {value} for parameter {name} is invalid. Reason: Must be between {first} and {last}.")


def check_message(message: Json, max_bytes: int = MAX_BYTES) -> Iterator[Violation]:
    """Yield the errors in one message: a SendMessage request or an entry of a SendMessageBatch request."""
    body = message.get("MessageBody")
    if not body:
        yield Violation("MissingParameter", "The request must contain the parameter MessageBody.")
        return
    attributes = message.get("MessageAttributes") or {}
    texts = [body, *(value["StringValue"] for value in attributes.values() if value.get("StringValue"))]
    if not all(map(_TEXT.fullmatch, texts)):
        yield Violation("InvalidMessageContents", "Invalid characters found. Valid are #x9 | #xA | #xD | #x20 and up.")
    elif count_bytes(message) > max_bytes:
        yield _reject(f"One or more parameters are invalid. Reason: Message must be shorter than {max_bytes} bytes.")
    yield from _check_range(message, "DelaySeconds", 0, 900)
    group = message.get("MessageGroupId")
    if group is not None and not _GROUP.fullmatch(group):
        yield _reject("MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
    if "MessageDeduplicationId" in message:
        yield _reject("The request includes a parameter that is not valid for this queue type: MessageDeduplicationId")
    yield from _check_attributes(attributes)


def _check_attributes(attributes: Json) -> Iterator[Violation]:
    if len(attributes) > _MAX_ATTRIBUTES:
        yield _reject(f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [10].")
    for name, value in attributes.items():
        if not _ATTRIBUTE_NAME.fullmatch(name):
            yield _reject(f"The message attribute name '{name}' is invalid.")
        if not _ATTRIBUTE_TYPE.fullmatch(value.get("DataType", "")):
            yield _reject(f"The type of message attribute '{name}' is invalid: it is String, Number or Binary.")
        elif not value.get("BinaryValue" if value["DataType"].startswith("Binary") else "StringValue"):
            yield _reject(f"The message attribute '{name}' must contain a non-empty value of its type.")


def count_bytes(message: Json) -> int:
    """Return the size of a message: its body, and the names, types and values of its attributes."""
    size = len(message.get("MessageBody", "").encode(errors="surrogatepass"))
    for name, value in (message.get("MessageAttributes") or {}).items():
        texts = (name, value.get("DataType", ""), value.get("StringValue") or "")
        size += sum(len(text.encode(errors="surrogatepass")) for text in texts)
        size += len(base64.b64decode(value.get("BinaryValue") or ""))
    return size


def _check_batch(request: Json) -> Iterator[Violation]:
    entries: Sequence[Json] = request.get("Entries") or []
    if not entries:
        yield _reject_batch("EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(entries) > MAX_ENTRIES:
        message = f"Maximum number of entries per request are {MAX_ENTRIES}. You have sent {len(entries)}."
        yield _reject_batch("TooManyEntriesInBatchRequest", message)
    ids = Counter(entry.get("Id", "") for entry in entries)
    if not all(map(_ENTRY_ID.fullmatch, ids)):
        yield _reject_batch("InvalidBatchEntryId", "An entry id has 1 to 80 letters, digits, hyphens, underscores.")
    if repeated := [name for name, count in ids.items() if count > 1]:
        yield _reject_batch("BatchEntryIdsNotDistinct", f"Id {repeated[0]} repeated.")


def _reject_batch(code: str, message: str) -> Violation:
    return Violation(f"AWS.SimpleQueueService.{code}", message)


def _check_send_batch(request: Json) -> Iterator[Violation]:
    yield from _check_batch(request)
    size = sum(map(count_bytes, request.get("Entries") or []))
    if size > MAX_BYTES:
        message = f"Batch requests cannot be longer than {MAX_BYTES} bytes. You have sent {size} bytes."
        yield _reject_batch("BatchRequestTooLong", message)


def _check_receive(request: Json) -> Iterator[Violation]:
    yield from _check_range(request, "MaxNumberOfMessages", 1, MAX_ENTRIES)
    yield from _check_range(request, "WaitTimeSeconds", 0, 20)
    yield from _check_range(request, "VisibilityTimeout", 0, 43_200)


def _check_visibility(request: Json) -> Iterator[Violation]:
    if "VisibilityTimeout" not in request:
        yield Violation("MissingParameter", "The request must contain the parameter VisibilityTimeout.")
    yield from _check_range(request, "VisibilityTimeout", 0, 43_200)


_RULES: Mapping[str, Callable[[Json], Iterator[Violation]]] = {
    "SendMessage": check_message,
    "SendMessageBatch": _check_send_batch,
    "ReceiveMessage": _check_receive,
    "DeleteMessageBatch": _check_batch,
    "ChangeMessageVisibility": _check_visibility,
}


def check_request(operation: str, request: Json) -> Iterator[Violation]:
    """Yield the errors for which SQS rejects the whole request; see :func:`check_message` for entries of a batch."""
    if check := _RULES.get(operation):
        yield from check(request)
