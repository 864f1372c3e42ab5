"""Send messages to an SQS queue.

Messages are ASCII, because SQS rejects some characters that attributes of users may contain, such as U+FFFE. Sources:
Amazon SQS API reference, "SendMessageBatch"; developer guide, "Amazon SQS message quotas".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scim.aws.errors import (
    THROTTLING_CODES,
    AwsError,
    ErrorResponse,
    NoResponse,
    is_outcome_unknown,
    is_refused_for_now,
)
from scim.events.batching import NO_RESPONSE_CODE, Rejection, SendResult, send_in_batches
from scim.service.deadline import Deadline

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef as Entry

MAX_MESSAGE_BYTES = 1_048_576
"""The maximum size of one message, and of all messages in one call."""

_THROTTLING_CODES = THROTTLING_CODES | {"RequestThrottled", "KmsThrottled", "KMS.ThrottlingException"}
# SQS's error codes for an invalid message, in the result of the message or of the whole call.
_INVALID_MESSAGE_CODES = frozenset(
    {
        "InvalidMessageContents",
        "InvalidParameterValue",
        "MessageTooLong",
        "BatchRequestTooLong",
        "InvalidAttributeValue",
    }
)


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """A message. ``group`` is the tenant id, as message group: SQS's fair queues keep tenants from delaying others."""

    body: str
    group: str = ""


class MessageQueue:
    """An SQS queue. An instance serves one batch of records or messages."""

    def __init__(self, client: SQSClient, url: str, deadline: Deadline) -> None:
        self._client = client
        self._url = url
        self._deadline = deadline

    def send(self, messages: Mapping[int, QueueMessage]) -> SendResult:
        """Send messages until each is accepted or rejected, or the deadline passes.

        If the queue or a permission is missing, no error is raised. The messages are unsent, and the caller decides
        what to do.
        """
        return send_in_batches(messages, _count_bytes, MAX_MESSAGE_BYTES, self._send, self._deadline)

    def _send(self, messages: Sequence[QueueMessage]) -> list[Rejection | None]:
        entries = [_build_entry(index, message) for index, message in enumerate(messages)]
        try:
            response = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        except (ErrorResponse, NoResponse) as error:
            return self._handle_failed_call(error, messages)
        rejections = {
            failure["Id"]: Rejection(failure["Code"], _is_invalid(failure)) for failure in response.get("Failed", [])
        }
        return [rejections.get(entry["Id"]) for entry in entries]

    def _handle_failed_call(self, error: AwsError, messages: Sequence[QueueMessage]) -> list[Rejection | None]:
        """Return the rejection of each message after the whole call has failed."""
        if isinstance(error, ErrorResponse) and _remove_code_prefix(error.code) in _INVALID_MESSAGE_CODES:
            if len(messages) == 1:
                return [Rejection(_remove_code_prefix(error.code), is_invalid=True)]
            return [rejection for message in messages for rejection in self._send([message])]
        if isinstance(error, ErrorResponse) and not (
            is_outcome_unknown(error) or is_refused_for_now(error) or _is_throttled(error)
        ):
            return [Rejection(_remove_code_prefix(error.code), is_invalid=False, needs_operator=True)] * len(messages)
        return [Rejection(NO_RESPONSE_CODE, is_invalid=False)] * len(messages)


def _build_entry(index: int, message: QueueMessage) -> Entry:
    entry: Entry = {"Id": str(index), "MessageBody": message.body}
    if message.group:
        entry["MessageGroupId"] = message.group
    return entry


def _is_invalid(failure: Mapping[str, object]) -> bool:
    """Return whether SQS rejected a message because of its content."""
    code = _remove_code_prefix(str(failure["Code"]))
    return code not in _THROTTLING_CODES and (bool(failure.get("SenderFault")) or code in _INVALID_MESSAGE_CODES)


def _is_throttled(error: ErrorResponse) -> bool:
    return _remove_code_prefix(error.code) in _THROTTLING_CODES


def _remove_code_prefix(code: str) -> str:
    """Return an error code without the prefix that SQS's older protocol adds to some codes."""
    return code.removeprefix("AWS.SimpleQueueService.")


def _count_bytes(message: QueueMessage) -> int:
    return len(message.body.encode())
