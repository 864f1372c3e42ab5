"""Process a batch of the table's stream: publish events, and send link tasks.

A batch is processed in this order: link tasks, events, dead letters. Lambda sends a batch again from the first record
that was not processed (docs/decisions/events/order-in-a-batch.md). This has two consequences:

- If the links queue does not respond, the first record whose link task was not sent, and the records after it, are not
  published. So no event is published twice.
- If the dead-letter queue does not respond, the events after the dead letter's record are published again with each
  attempt.

Both end :data:`MAX_QUEUE_WAIT_S` after that record was created.

Finally, the processor records which events the bus has accepted. This never changes which records are processed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from scim.aws.errors import AwsError
from scim.events import dead_letter, link_message
from scim.events.dead_letter import DeadLetterQueue
from scim.events.event import Event, build_event
from scim.events.eventbridge import EventBus
from scim.events.link_message import build_task
from scim.events.message_queue import MessageQueue
from scim.events.stream_record import MalformedRecord, is_change, parse_stream_record
from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline
from scim.service.references.link_task import LinkTask
from scim.store.requests.accepted_events import AcceptedEvent

LINK_TASKS_TIMEOUT_S = 10.0
"""The time in which a batch must send its link tasks."""
DEAD_LETTERS_RESERVE_S = 10.0
"""The time that is reserved to send the dead letters of a batch."""
MAX_QUEUE_WAIT_S = 120.0
"""The time for which a record waits for a queue that does not respond. After that it is processed without the queue."""


@dataclass(frozen=True, slots=True)
class LostDeadLetter:
    """A dead letter that could not be sent, and the keys of its record (docs/operate/dead-letter-queues.md)."""

    reason: str
    partition: str
    sort: str


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The result of a batch: the numbers of published events, link tasks and dead letters.

    The last ``retry_count`` records of the batch must be processed again. ``retry_sequence_number`` is the sequence
    number of the first of them in the stream. ``unrecorded_count`` events were accepted, but that could not be
    recorded because of ``recording_fault``.
    """

    published_count: int = 0
    link_task_count: int = 0
    dead_letter_count: int = 0
    retry_count: int = 0
    retry_sequence_number: str = ""
    lost_dead_letters: tuple[LostDeadLetter, ...] = ()
    unrecorded_count: int = 0
    recording_fault: AwsError | Unavailable | None = None


@dataclass(slots=True)
class _StreamBatch:
    """The records of a batch, and the events, link tasks and dead letters to send, by index of the record.

    The first ``processed_count`` records of the batch need not be processed again.
    """

    records: Sequence[Any]
    processed_count: int
    events: dict[int, Event] = field(default_factory=dict)
    tasks: dict[int, LinkTask] = field(default_factory=dict)
    dead_letters: dict[int, dict[str, Any]] = field(default_factory=dict)
    accepted_events: list[AcceptedEvent] = field(default_factory=list)

    def stop_before(self, indexes: Iterable[int]) -> None:
        """Mark the first of these records, and all records after it, to be processed again."""
        self.processed_count = min([self.processed_count, *indexes])

    def reject(self, index: int, reason: str) -> None:
        """Add the dead letter of a record."""
        self.dead_letters[index] = dead_letter.build_record_dead_letter(self.records[index], reason)


class AcceptedEventRecorder(Protocol):
    """Records which events the bus has accepted."""

    def record(self, events: Sequence[AcceptedEvent]) -> None:
        """Record accepted events. Raise :class:`AwsError`, or :class:`scim.protocol.errors.Unavailable`."""


@dataclass(frozen=True, slots=True)
class StreamProcessor:
    """Processes one batch of the stream. ``now`` returns the seconds since 1970."""

    event_bus: EventBus
    links_queue: MessageQueue
    dead_letter_queue: DeadLetterQueue
    accepted_event_recorder: AcceptedEventRecorder
    now: Callable[[], float]

    def process(self, records: Sequence[Any]) -> BatchResult:
        """Send link tasks, publish events, and send dead letters for records that cannot be processed.

        A record that will be processed again has no dead letter, so the queue gets each dead letter once. Raise
        :class:`AwsError` if the event bus fails and would fail again.
        """
        batch = _read_batch(records)
        link_task_count = self._send_link_tasks(batch)
        published_count = self._publish(batch)
        dead_letter_count, lost_dead_letters = self._send_dead_letters(batch)
        recording_fault = self._record_accepted_events(batch)
        retry_count = len(records) - batch.processed_count
        retry_from = _get_sequence_number(records[batch.processed_count]) if retry_count else ""
        return BatchResult(
            published_count,
            link_task_count,
            dead_letter_count,
            retry_count,
            retry_from,
            tuple(lost_dead_letters),
            len(batch.accepted_events) if recording_fault else 0,
            recording_fault,
        )

    def _send_link_tasks(self, batch: _StreamBatch) -> int:
        result = self.links_queue.send({index: link_message.build_message(task) for index, task in batch.tasks.items()})
        batch.stop_before(index for index in result.unsent if self._can_wait(batch.records[index]))
        for index, code in result.error_codes.items():
            task = link_message.task_to_json(batch.tasks[index])
            batch.dead_letters[index] = dead_letter.build_task_dead_letter(task, f"links queue: {code}")
        return len(batch.tasks) - len(result.error_codes)

    def _publish(self, batch: _StreamBatch) -> int:
        events = {index: event for index, event in batch.events.items() if index < batch.processed_count}
        result = self.event_bus.publish(events)
        batch.stop_before(result.unsent)
        for index, code in result.rejected.items():
            batch.reject(index, f"event bus: {code}")
        accepted = [event for index, event in events.items() if index not in result.error_codes]
        batch.accepted_events = [
            AcceptedEvent(
                event.detail["tenant"], event.detail["requestId"], event.detail["id"], event.detail["eventId"]
            )
            for event in accepted
        ]
        return len(accepted)

    def _record_accepted_events(self, batch: _StreamBatch) -> AwsError | Unavailable | None:
        """Record the accepted events, and return the error if that failed.

        The records are not processed again then, because the bus would deliver their events twice.
        """
        try:
            self.accepted_event_recorder.record([event for event in batch.accepted_events if event.request_id])
        except (AwsError, Unavailable) as fault:
            return fault
        return None

    def _send_dead_letters(self, batch: _StreamBatch) -> tuple[int, list[LostDeadLetter]]:
        """Send dead letters. Return how many were sent, and those that were lost."""
        dead_letters = {
            index: batch.dead_letters[index] for index in sorted(batch.dead_letters) if index < batch.processed_count
        }
        result = self.dead_letter_queue.send(dead_letters)
        # The event of a link task is already published, so its record is not processed again.
        batch.stop_before(
            index for index in result.unsent if "record" in dead_letters[index] and self._can_wait(batch.records[index])
        )
        codes = {index: code for index, code in result.error_codes.items() if index < batch.processed_count}
        lost_dead_letters = [
            _build_lost_dead_letter(batch.records[index], dead_letters[index]["reason"], code)
            for index, code in sorted(codes.items())
        ]
        return len(dead_letters) - len(result.rejected) - len(result.unsent), lost_dead_letters

    def _can_wait(self, record: Any) -> bool:
        """Return whether a record may still wait for a queue (:data:`MAX_QUEUE_WAIT_S`)."""
        created = _get_stream_member(record, "ApproximateCreationDateTime")
        return isinstance(created, int | float) and self.now() - created < MAX_QUEUE_WAIT_S


def create_link_task_deadline(deadline: Deadline) -> Deadline:
    """Return the deadline for sending link tasks. It leaves most of a batch's time for publishing."""
    reserve_s = max(deadline.remaining_s() - LINK_TASKS_TIMEOUT_S, DEAD_LETTERS_RESERVE_S)
    return Deadline(lambda: deadline.remaining_s() - reserve_s, deadline.sleep)


def create_publish_deadline(deadline: Deadline) -> Deadline:
    """Return the deadline for publishing. It leaves time for dead letters."""
    return Deadline(lambda: deadline.remaining_s() - DEAD_LETTERS_RESERVE_S, deadline.sleep)


def _read_batch(records: Sequence[Any]) -> _StreamBatch:
    """Return the batch with the events and link tasks of its records.

    A record that raises any error is rejected. Otherwise it would block its shard of the stream.
    """
    batch = _StreamBatch(records, processed_count=len(records))
    for index, record in enumerate(records):
        try:
            if is_change(record):
                batch.events[index], task = _read_record(record)
                if task:
                    batch.tasks[index] = task
        except MalformedRecord as malformed:
            batch.reject(index, f"malformed: {malformed}")
        except Exception as fault:  # noqa: BLE001  # no AWS call is made here, so repeating would not help
            batch.reject(index, dead_letter.describe_fault_location(fault))
    return batch


def _read_record(record: Mapping[str, Any]) -> tuple[Event, LinkTask | None]:
    change = parse_stream_record(record)
    event, task = build_event(change), build_task(change)
    event.detail_json.encode()  # an encoding error must be raised here, not in the call with events of other records
    return event, task


def _build_lost_dead_letter(record: Any, reason: str, code: str) -> LostDeadLetter:
    keys = _get_stream_member(record, "Keys")
    attributes = [keys.get(name) if isinstance(keys, Mapping) else None for name in ("pk", "sk")]
    partition, sort = (value.get("S") if isinstance(value, Mapping) else None for value in attributes)
    return LostDeadLetter(f"{reason}; dead-letter queue: {code}", str(partition or ""), str(sort or ""))


def _get_sequence_number(record: Any) -> str:
    """Return the sequence number of a record, empty if it has none. Then Lambda sends the whole batch again."""
    number = _get_stream_member(record, "SequenceNumber")
    return number if isinstance(number, str) else ""


def _get_stream_member(record: Any, name: str) -> Any:
    stream = record.get("dynamodb") if isinstance(record, Mapping) else None
    return stream.get(name) if isinstance(stream, Mapping) else None
