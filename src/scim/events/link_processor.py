"""Processing messages of the links queue: each is a task that updates a bounded number of links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from scim.aws.errors import error_code
from scim.events import dead_letter, link_message
from scim.events.dead_letter import DeadLetterQueue
from scim.events.link_message import MalformedTask, read_task
from scim.events.message_queue import MessageQueue
from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline
from scim.service.references.link_task import LinkResult, LinkTask

RunTask = Callable[[LinkTask, Deadline], LinkResult]
"""Runs a task of any tenant (:meth:`scim.service.references.reference_resolver.ReferenceResolver.run`), within a
time."""


_SEND_S = 4.0
"""What a task leaves of its time, so that its rest or a dead letter can be sent."""


_INVALID = "ValidationException"
"""DynamoDB's code for a call that it refuses each time because of what is in it."""


class Unfinished(Exception):
    """The rest of a task could not be sent in time."""


@dataclass(frozen=True, slots=True)
class Retry:
    """A message that must come again, and why."""

    message_id: str
    cause: Exception


@dataclass(frozen=True, slots=True)
class LinkBatchResult:
    """What became of messages: how many users got other links, how many tasks go on in another message."""

    linked: int = 0
    continued: int = 0
    dead_letters: int = 0
    retries: tuple[Retry, ...] = ()


@dataclass(slots=True)
class LinkProcessor:
    run: RunTask
    links: MessageQueue
    dead_letters: DeadLetterQueue
    deadline: Deadline
    _linked: int = 0
    _continued: int = 0
    _dead: int = 0

    def process(self, messages: Sequence[Mapping[str, Any]]) -> LinkBatchResult:
        """Run the tasks of messages, each within its share of the time, so that none takes that of another tenant.

        A message comes again where AWS fails. Where anything else does, repeating would not help: then it goes to the
        dead-letter queue with its reason.
        """
        retries = []
        for number, message in enumerate(messages):
            try:
                self._process(message, self.deadline.with_share(1 / (len(messages) - number)))
            except (ClientError, BotoCoreError, Unavailable, Unfinished) as fault:
                retries.append(Retry(str(message.get("messageId", "")), fault))
        return LinkBatchResult(self._linked, self._continued, self._dead, tuple(retries))

    def _process(self, message: Mapping[str, Any], deadline: Deadline) -> None:
        try:
            in_time = Deadline(lambda: deadline.remaining_s() - _SEND_S, deadline.sleep)
            result = self.run(read_task(message["body"]), in_time)
        except (ClientError, BotoCoreError, Unavailable) as fault:
            if not (isinstance(fault, ClientError) and error_code(fault) == _INVALID):
                raise
            self._reject(message, f"DynamoDB: {_INVALID} of {fault.operation_name}")
        except MalformedTask as malformed:
            self._reject(message, f"malformed: {malformed}")
        except Exception as fault:  # noqa: BLE001  # whatever it is, the other messages must go on
            self._reject(message, dead_letter.describe_fault_location(fault))
        else:
            self._linked += result.linked
            if result.rest:
                self._continue(result.rest)

    def _continue(self, rest: LinkTask) -> None:
        sent = self.links.send({0: link_message.make_message(rest)})
        if sent.unsent or sent.rejected:
            raise Unfinished(*sent.reasons.values())
        self._continued += 1

    def _reject(self, message: Mapping[str, Any], reason: str) -> None:
        sent = self.dead_letters.send({0: dead_letter.wrap_message(message.get("body"), reason)})
        if sent.unsent or sent.rejected:  # SQS moves it there after some more attempts, without the reason
            raise Unfinished(*sent.reasons.values())
        self._dead += 1
