"""Fakes of EventBridge and SQS, and what publishes to them."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any

from scim.aws.errors import ErrorResponse, NoResponse
from scim.events.dead_letter import DeadLetterQueue
from scim.events.eventbridge import EventBus
from scim.events.message_queue import MessageQueue
from scim.events.stream_processor import StreamProcessor, create_link_task_deadline, create_publish_deadline
from scim.service.deadline import Deadline
from scim.store.requests.accepted_events import AcceptedEvent

ACCEPTED = None
NO_ANSWER = NoResponse("PutEvents", "ReadTimeoutError")

Outcome = str | None | Exception
ChooseOutcome = Callable[[], Outcome]


def create_client_error(operation: str, code: str, status: int = 400) -> ErrorResponse:
    return ErrorResponse(operation, code, "zaphod", status=status)


class FakeEventBridge:
    """Accept events, or fail as ``outcomes`` say: an error code rejects an entry, an exception fails the call."""

    def __init__(self, *outcomes: Outcome, choose_outcome: ChooseOutcome | None = None) -> None:
        self._outcomes: Iterator[Outcome] = iter(outcomes)
        self._choose_outcome = choose_outcome or (lambda: next(self._outcomes, ACCEPTED))
        self.calls: list[Sequence[Any]] = []
        self.accepted: list[Any] = []

    def put_events(self, *, Entries: Sequence[Any]) -> dict[str, Any]:  # noqa: N803  # AWS's name
        self.calls.append(Entries)
        results = []
        for entry in Entries:
            match self._choose_outcome():
                case None:
                    self.accepted.append(entry)
                    results.append({"EventId": "1"})
                case str(code):
                    results.append({"ErrorCode": code, "ErrorMessage": "failed"})
                case Exception() as error:  # a copy: its traceback keeps the objects of the test in memory
                    raise copy(error)
        return {"FailedEntryCount": sum("ErrorCode" in outcome for outcome in results), "Entries": results}

    @property
    def details(self) -> list[dict[str, Any]]:
        return [json.loads(entry["Detail"]) for entry in self.accepted]


class FakeSqs:
    """Accept messages, or fail as ``outcomes`` say: an error code rejects an entry, an exception fails the call.

    ``calls`` has the number of entries of each call.
    """

    def __init__(self, *outcomes: Outcome, choose_outcome: ChooseOutcome | None = None) -> None:
        self._outcomes: Iterator[Outcome] = iter(outcomes)
        self._choose_outcome = choose_outcome or (lambda: next(self._outcomes, ACCEPTED))
        self.calls: list[int] = []
        self.entries: list[dict[str, Any]] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> dict[str, Any]:  # noqa: N803  # AWS's names
        assert QueueUrl == "https://queue.example.com"
        self.calls.append(len(Entries))
        failures = []
        for entry in Entries:
            match self._choose_outcome():
                case None:
                    self.entries.append(entry)
                case str(code):
                    failures.append({"Id": entry["Id"], "Code": code, "SenderFault": code in INVALID_MESSAGE_CODES})
                case Exception() as error:
                    raise copy(error)
        return {"Successful": [], "Failed": failures}

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(entry["MessageBody"]) for entry in self.entries]


INVALID_MESSAGE_CODES = {"InvalidMessageContents", "InvalidParameterValue"}


class FakeRecorder:
    """Keeps the accepted events, or raises ``fault``."""

    def __init__(self, fault: Exception | None = None) -> None:
        self._fault = fault
        self.recorded: list[AcceptedEvent] = []

    def record(self, events: Sequence[AcceptedEvent]) -> None:
        if self._fault:
            raise self._fault
        self.recorded += events


def build_event_bus(events: Any, deadline: Deadline) -> EventBus:
    return EventBus(events, "bus", deadline)


def build_message_queue(queues: Any, deadline: Deadline) -> MessageQueue:
    return MessageQueue(queues, "https://queue.example.com", deadline)


def build_stream_processor(
    events: Any,
    dead_letters: Any,
    deadline: Deadline,
    links: Any = None,
    now: Callable[[], float] = time.time,
    recorder: FakeRecorder | None = None,
) -> StreamProcessor:
    return StreamProcessor(
        build_event_bus(events, create_publish_deadline(deadline)),
        build_message_queue(links or FakeSqs(), create_link_task_deadline(deadline)),
        DeadLetterQueue(build_message_queue(dead_letters, deadline)),
        recorder or FakeRecorder(),
        now,
    )
