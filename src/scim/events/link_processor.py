"""Process messages of the links queue: each is a task that updates a limited number of links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from scim.aws.errors import get_error_code
from scim.events import dead_letter, link_message
from scim.events.dead_letter import DeadLetterQueue
from scim.events.link_message import MalformedTask, parse_task
from scim.events.message_queue import MessageQueue
from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline
from scim.service.references.link_task import LinkResult, LinkTask

RunTask = Callable[[LinkTask, Deadline], LinkResult]
"""Runs a task of any tenant (:meth:`scim.service.references.reference_resolver.ReferenceResolver.run`)."""

_SEND_S = 4.0
"""The time that is reserved for sending the rest of a task, or a dead letter."""

_INVALID_CALL = "ValidationException"
"""DynamoDB's error code for a call with invalid content, which fails each time."""


class Unfinished(Exception):
    """The rest of a task, or a dead letter, could not be sent in time."""


@dataclass(frozen=True, slots=True)
class Retry:
    """A message that must be processed again, and the error that it failed with."""

    message_id: str
    cause: Exception


@dataclass(frozen=True, slots=True)
class LinkBatchResult:
    """The result of a batch: how many links were written, and how many follow-up tasks and dead letters were sent."""

    links_written: int = 0
    follow_up_tasks: int = 0
    dead_letters: int = 0
    retries: tuple[Retry, ...] = ()


@dataclass(slots=True)
class LinkProcessor:
    """Processes one batch of messages."""

    run: RunTask
    links: MessageQueue
    dead_letters: DeadLetterQueue
    deadline: Deadline
    _links_written: int = 0
    _follow_up_tasks: int = 0
    _dead_letters_sent: int = 0

    def process(self, messages: Sequence[Mapping[str, Any]]) -> LinkBatchResult:
        """Run the tasks of messages, each within its share of the time, so that none takes the time of another tenant.

        A message is processed again if AWS fails. If anything else fails, repeating does not help, and the message is
        sent to the dead-letter queue.
        """
        retries = []
        for number, message in enumerate(messages):
            try:
                self._process(message, self.deadline.with_share(1 / (len(messages) - number)))
            except (ClientError, BotoCoreError, Unavailable, Unfinished) as fault:
                retries.append(Retry(str(message.get("messageId", "")), fault))
        return LinkBatchResult(self._links_written, self._follow_up_tasks, self._dead_letters_sent, tuple(retries))

    def _process(self, message: Mapping[str, Any], deadline: Deadline) -> None:
        try:
            task_deadline = Deadline(lambda: deadline.remaining_s() - _SEND_S, deadline.sleep)
            result = self.run(parse_task(message["body"]), task_deadline)
        except (ClientError, BotoCoreError, Unavailable) as fault:
            if not (isinstance(fault, ClientError) and get_error_code(fault) == _INVALID_CALL):
                raise
            self._reject(message, f"DynamoDB: {_INVALID_CALL} of {fault.operation_name}")
        except MalformedTask as malformed:
            self._reject(message, f"malformed: {malformed}")
        except Exception as fault:  # noqa: BLE001  # the other messages must be processed
            self._reject(message, dead_letter.describe_fault_location(fault))
        else:
            self._links_written += result.links_written
            if result.rest:
                self._send_follow_up(result.rest)

    def _send_follow_up(self, task: LinkTask) -> None:
        result = self.links.send({0: link_message.make_message(task)})
        if result.reasons:
            raise Unfinished(*result.reasons.values())
        self._follow_up_tasks += 1

    def _reject(self, message: Mapping[str, Any], reason: str) -> None:
        result = self.dead_letters.send({0: dead_letter.wrap_message(message.get("body"), reason)})
        if result.reasons:  # after some more attempts SQS moves the message to the queue, without the reason
            raise Unfinished(*result.reasons.values())
        self._dead_letters_sent += 1
