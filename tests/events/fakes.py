"""EventBridge and SQS as the publisher sees them."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from scim.events.dead_letter import DeadLetterQueue
from scim.events.eventbridge import EventBus
from scim.events.message_queue import MessageQueue
from scim.events.stream_processor import StreamProcessor, create_link_task_deadline, create_publish_deadline
from scim.service.deadline import Deadline

TAKEN = None
NO_ANSWER = ReadTimeoutError(endpoint_url="https://events.example.com")

Outcome = str | None | Exception
Fate = Callable[[], Outcome]


def failed(operation: str, code: str, status: int = 400) -> ClientError:
    metadata: Any = {"Error": {"Code": code, "Message": "zaphod"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(metadata, operation)


class Events:
    """Takes events, but for those whose fate is an error code; an exception is that of the whole call."""

    def __init__(self, *fates: Outcome, fate: Fate | None = None) -> None:
        self._fates: Iterator[Outcome] = iter(fates)
        self._fate = fate or (lambda: next(self._fates, TAKEN))
        self.calls: list[Sequence[Any]] = []
        self.taken: list[Any] = []

    def put_events(self, *, Entries: Sequence[Any]) -> dict[str, Any]:  # noqa: N803  # AWS's name
        self.calls.append(Entries)
        outcomes = []
        for entry in Entries:
            match self._fate():
                case None:
                    self.taken.append(entry)
                    outcomes.append({"EventId": "1"})
                case str(code):
                    outcomes.append({"ErrorCode": code, "ErrorMessage": "failed"})
                case Exception() as error:  # a copy, since a traceback would keep all that the test has in memory
                    raise copy(error)
        return {"FailedEntryCount": sum("ErrorCode" in outcome for outcome in outcomes), "Entries": outcomes}

    @property
    def details(self) -> list[dict[str, Any]]:
        return [json.loads(entry["Detail"]) for entry in self.taken]


class Queues:
    """Takes messages, unless a fate says otherwise: an exception is that of a call, a code that of an entry.

    ``calls`` has the number of entries of each call.
    """

    def __init__(self, *fates: Outcome, fate: Fate | None = None) -> None:
        self._fates: Iterator[Outcome] = iter(fates)
        self._fate = fate or (lambda: next(self._fates, TAKEN))
        self.calls: list[int] = []
        self.entries: list[dict[str, Any]] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> dict[str, Any]:  # noqa: N803  # AWS's names
        assert QueueUrl == "https://queue.example.com"
        self.calls.append(len(Entries))
        failed = []
        for entry in Entries:
            match self._fate():
                case None:
                    self.entries.append(entry)
                case str(code):
                    failed.append({"Id": entry["Id"], "Code": code, "SenderFault": code in REFUSED})
                case Exception() as error:
                    raise copy(error)
        return {"Successful": [], "Failed": failed}

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(entry["MessageBody"]) for entry in self.entries]


REFUSED = {"InvalidMessageContents", "InvalidParameterValue"}


def bus(events: Any, deadline: Deadline) -> EventBus:
    return EventBus(events, "bus", deadline)


def queue(queues: Any, deadline: Deadline) -> MessageQueue:
    return MessageQueue(queues, "https://queue.example.com", deadline)


def processor(
    events: Any, dead_letters: Any, deadline: Deadline, links: Any = None, now: Callable[[], float] = time.time
) -> StreamProcessor:
    return StreamProcessor(
        bus(events, create_publish_deadline(deadline)),
        queue(links or Queues(), create_link_task_deadline(deadline)),
        DeadLetterQueue(queue(dead_letters, deadline)),
        now,
    )
