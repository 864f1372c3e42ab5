"""A queue of SQS, as a function sends messages to it.

Source: Amazon SQS API reference, "SendMessageBatch"; developer guide, "Amazon SQS message quotas". Messages are ASCII:
SQS refuses some characters that a user's attributes may hold, such as U+FFFE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from scim.aws.errors import NO_RESPONSE, THROTTLING_CODES, error_code, is_outcome_unknown, is_throttled
from scim.events.batching import NO_ANSWER_CODE, Rejection, SendResult, send_in_batches
from scim.service.deadline import Deadline

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef as Entry

MAX_MESSAGE_BYTES = 1_048_576
"""Of one message, and of all messages in one call together."""

_THROTTLED = THROTTLING_CODES | {"RequestThrottled", "KmsThrottled", "KMS.ThrottlingException"}
# What SQS says of a message that it never takes, for the one message or for the call.
_INVALID = frozenset(
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
    """``group`` is the tenant: a standard queue with message groups is fair to each (SQS fair queues)."""

    body: str
    group: str = ""


class MessageQueue:
    def __init__(self, client: SQSClient, url: str, deadline: Deadline) -> None:
        self._client = client
        self._url = url
        self._deadline = deadline

    def send(self, messages: Mapping[int, QueueMessage]) -> SendResult:
        """Send messages until all are taken, rejected for good, or the time is up.

        A missing queue or right does not raise: messages stay unsent, and the caller decides how long they may wait.
        """
        return send_in_batches(messages, _size, MAX_MESSAGE_BYTES, self._send, self._deadline)

    def _send(self, messages: Sequence[QueueMessage]) -> list[Rejection | None]:
        entries = [_entry(number, message) for number, message in enumerate(messages)]
        try:
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        except (ClientError, *NO_RESPONSE) as error:
            return self._rejected_call(error, messages)
        failed = {each["Id"]: Rejection(each["Code"], _is_final(each)) for each in answer.get("Failed", [])}
        return [failed.get(entry["Id"]) for entry in entries]

    def _rejected_call(self, error: Exception, messages: Sequence[QueueMessage]) -> list[Rejection | None]:
        """Return what a call that failed as a whole means for each message."""
        if isinstance(error, ClientError) and _plain_code(error_code(error)) in _INVALID:
            if len(messages) == 1:
                return [Rejection(_plain_code(error_code(error)), is_final=True)]
            return [outcome for message in messages for outcome in self._send([message])]
        if isinstance(error, ClientError) and not (
            is_outcome_unknown(error) or is_throttled(error) or _is_throttled(error)
        ):
            return [Rejection(_plain_code(error_code(error)), is_final=False, is_lasting=True)] * len(messages)
        return [Rejection(NO_ANSWER_CODE, is_final=False)] * len(messages)


def _entry(number: int, message: QueueMessage) -> Entry:
    entry: Entry = {"Id": str(number), "MessageBody": message.body}
    if message.group:
        entry["MessageGroupId"] = message.group
    return entry


def _is_final(failed: Mapping[str, object]) -> bool:
    """Return whether SQS rejected an entry because of what the entry is."""
    code = _plain_code(str(failed["Code"]))
    return code not in _THROTTLED and (bool(failed.get("SenderFault")) or code in _INVALID)


def _is_throttled(error: ClientError) -> bool:
    return _plain_code(error_code(error)) in _THROTTLED


def _plain_code(code: str) -> str:
    """The code without the prefix that SQS's older protocol gives some of them: ``AWS.SimpleQueueService.``."""
    return code.removeprefix("AWS.SimpleQueueService.")


def _size(message: QueueMessage) -> int:
    return len(message.body.encode())
