"""The event bus, as one batch of change records uses it.

PutEvents answers 200 also where it took none of the events: each entry has its own outcome. What failed is sent again
while there is time. Source: Amazon EventBridge API reference, "PutEvents".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import ClientError

from scim.events.event import SOURCE, Event
from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline
from scim.store.dynamo import NO_ANSWER, is_in_doubt, is_throttled

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef as Entry

CLIENT_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,  # with the connection scim.service.deadline.CALL_S
    retries={"mode": "standard", "total_max_attempts": 1},
)

# A call takes 10 entries. 256 KB was the limit of its size too; since January 2026 it is 1 MB ("More room to build",
# AWS Compute Blog). No event comes near that: what it is made of fits into a document of 350,000 bytes. So a longer one
# than this goes alone.
_MOST_ENTRIES = 10
_MOST_BYTES = 256 * 1024
_TIME_BYTES = 14

# Of the codes that an entry may get, those that it gets again: the others are about the moment, or the deployment.
_REFUSED = frozenset({"InvalidArgument", "MalformedDetail"})


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the bus did not take, by the numbers of the events: for good, with the code, and for lack of time."""

    refused: Mapping[int, str]
    missing: frozenset[int]


class Bus:
    def __init__(self, client: EventBridgeClient, name: str, deadline: Deadline) -> None:
        self._client = client
        self._name = name
        self._deadline = deadline

    def publish(self, events: Mapping[int, Event]) -> Delivery:
        """Send events until all are taken, refused, or the time is up.

        Raises what the SDK does where a call fails as a whole and would again.
        """
        waiting = {number: self._entry(event) for number, event in events.items()}
        refused: dict[int, str] = {}
        attempt = 0
        try:
            while waiting:
                for batch in list(_batches(waiting)):
                    for number, code in zip(batch, self._put([waiting[each] for each in batch]), strict=True):
                        if code in _REFUSED:
                            refused[number] = code
                        if code is None or code in _REFUSED:
                            del waiting[number]
                if waiting:
                    self._deadline.pause(attempt)
                    attempt += 1
        except Unavailable:  # the time is up
            pass
        return Delivery(refused, frozenset(waiting))

    def _put(self, entries: Sequence[Entry]) -> list[str | None]:
        """The code that each entry failed with, ``None`` where it was taken."""
        self._deadline.check()
        try:
            answer = self._client.put_events(Entries=entries)
        except (ClientError, *NO_ANSWER) as error:
            if not (is_in_doubt(error) or is_throttled(error)):
                raise
            return ["no answer"] * len(entries)
        return [entry.get("ErrorCode") for entry in answer["Entries"]]

    def _entry(self, event: Event) -> Entry:
        return {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": event.type,
            "Detail": event.text,
            "Time": event.time,
        }


def _batches(entries: Mapping[int, Entry]) -> Iterator[list[int]]:
    """The numbers of the entries in calls that EventBridge takes."""
    batch: list[int] = []
    size = 0
    for number, entry in entries.items():
        added = _size(entry)
        if batch and (len(batch) == _MOST_ENTRIES or size + added > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(number)
        size += added
    if batch:
        yield batch


def _size(entry: Entry) -> int:
    """Amazon EventBridge user guide, "Calculating Amazon EventBridge PutEvents event entry size"."""
    return _TIME_BYTES + sum(len(entry[name].encode()) for name in ("Source", "DetailType", "Detail"))
