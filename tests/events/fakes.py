"""EventBridge and SQS as the publisher sees them."""

import json
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from scim.events.bus import Bus
from scim.events.poison import PoisonQueue
from scim.events.relay import Follow, Relay, before_laying_aside
from scim.service.deadline import Deadline
from scim.service.linking import Followed

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
        return {"FailedEntryCount": sum("ErrorCode" in each for each in outcomes), "Entries": outcomes}

    @property
    def details(self) -> list[dict[str, Any]]:
        return [json.loads(entry["Detail"]) for entry in self.taken]


class Queues:
    """Takes messages, but for those whose fate is an exception."""

    def __init__(self, *fates: Exception | None) -> None:
        self._fates = iter(fates)
        self.messages: list[dict[str, Any]] = []

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> dict[str, Any]:  # noqa: N803  # AWS's names
        assert QueueUrl == "https://queue.example.com"
        if fate := next(self._fates, None):
            raise copy(fate)
        self.messages.append(json.loads(MessageBody))
        return {"MessageId": "1"}


def bus(events: Any, deadline: Deadline) -> Bus:
    return Bus(events, "bus", deadline)


def queue(queues: Any, deadline: Deadline) -> PoisonQueue:
    return PoisonQueue(queues, "https://queue.example.com", deadline)


def nobody(tenant: str, changes: Sequence[Followed]) -> int:
    """Links nobody."""
    return 0


def relay(events: Any, queues: Any, deadline: Deadline, follow: Follow = nobody) -> Relay:
    return Relay(bus(events, before_laying_aside(deadline)), queue(queues, deadline), follow)
