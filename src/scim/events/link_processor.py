"""Process messages of the links queue. Each message is a task that updates a limited number of links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim.aws.errors import AwsError, ErrorResponse
from scim.events import dead_letter, link_message
from scim.events.dead_letter import DeadLetterQueue
from scim.events.link_message import MalformedTask, parse_task
from scim.events.message_queue import MessageQueue
from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline
from scim.service.references.link_task import LinkResult, LinkTask

RunTask = Callable[[LinkTask, Deadline], LinkResult]
"""A function that runs a link task (:meth:`scim.service.references.reference_resolver.ReferenceResolver.run`)."""

_SEND_RESERVE_S = 4.0
"""The time that is reserved to send a follow-up task or a dead letter."""

_INVALID_CALL_CODE = "ValidationException"
"""DynamoDB's error code for a call with invalid content. Repeating the call does not help."""


class MessageNotSent(Exception):
    """A follow-up task or a dead letter could not be sent in time."""


@dataclass(frozen=True, slots=True)
class FailedMessage:
    """A message that must be processed again, and the error that caused the failure."""

    message_id: str
    cause: Exception


@dataclass(frozen=True, slots=True)
class LinkBatchResult:
    """The result of a batch.

    It has the numbers of writes of links, of follow-up tasks and of dead letters, and the messages that failed.
    """

    links_written: int = 0
    follow_up_count: int = 0
    dead_letter_count: int = 0
    failed_messages: tuple[FailedMessage, ...] = ()


@dataclass(slots=True)
class LinkProcessor:
    """Processes one batch of messages of the links queue."""

    run_task: RunTask
    links_queue: MessageQueue
    dead_letter_queue: DeadLetterQueue
    deadline: Deadline
    _links_written: int = 0
    _follow_up_count: int = 0
    _dead_letter_count: int = 0

    def process(self, messages: Sequence[Mapping[str, Any]]) -> LinkBatchResult:
        """Run the tasks of messages. Each task has a share of the time, so that tenants do not delay each other.

        A message is processed again if a call to AWS fails. After any other error, repeating does not help, so the
        message is sent to the dead-letter queue.
        """
        failed_messages = []
        for index, message in enumerate(messages):
            try:
                self._process_message(message, self.deadline.with_share(1 / (len(messages) - index)))
            except (AwsError, Unavailable, MessageNotSent) as fault:
                failed_messages.append(FailedMessage(str(message.get("messageId", "")), fault))
        return LinkBatchResult(
            self._links_written, self._follow_up_count, self._dead_letter_count, tuple(failed_messages)
        )

    def _process_message(self, message: Mapping[str, Any], deadline: Deadline) -> None:
        """Run the task of a message. Raise the error if the message must be processed again."""
        try:
            task_deadline = Deadline(lambda: deadline.remaining_s() - _SEND_RESERVE_S, deadline.sleep)
            result = self.run_task(parse_task(message["body"]), task_deadline)
        except (AwsError, Unavailable) as fault:
            if not (isinstance(fault, ErrorResponse) and fault.code == _INVALID_CALL_CODE):
                raise
            self._send_dead_letter(message, f"DynamoDB: {_INVALID_CALL_CODE} of {fault.operation}")
        except MalformedTask as malformed:
            self._send_dead_letter(message, f"malformed: {malformed}")
        except Exception as fault:  # noqa: BLE001  # the other messages must be processed
            self._send_dead_letter(message, dead_letter.describe_fault_location(fault))
        else:
            self._links_written += result.links_written
            if result.remaining_task:
                self._send_follow_up(result.remaining_task)

    def _send_follow_up(self, task: LinkTask) -> None:
        result = self.links_queue.send({0: link_message.build_message(task)})
        if result.error_codes:
            raise MessageNotSent(*result.error_codes.values())
        self._follow_up_count += 1

    def _send_dead_letter(self, message: Mapping[str, Any], reason: str) -> None:
        result = self.dead_letter_queue.send({0: dead_letter.build_message_dead_letter(message.get("body"), reason)})
        if result.error_codes:  # after its last attempt, SQS moves the message to the same queue, without a reason
            raise MessageNotSent(*result.error_codes.values())
        self._dead_letter_count += 1
