"""Processing a batch of the table's stream: publish events, and hand over what may affect links.

The order is: hand over first, then publish, then send dead letters. A batch comes again from the first record that is
not done (docs/decisions.md, "Events"). So where the links queue does not answer, the records after that change wait
without being published, and no event is published twice because of it. Where the dead-letter queue does not answer,
the events after a dead letter are published again with each attempt. Both end ``PATIENCE_S`` after the creation of the
record that waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scim.events import dead_letter, link_message
from scim.events.change_record import MalformedRecord, is_change, parse_stream_record
from scim.events.dead_letter import DeadLetterQueue
from scim.events.event import Event, make_event
from scim.events.eventbridge import EventBus
from scim.events.link_message import make_task
from scim.events.message_queue import MessageQueue
from scim.service.deadline import Deadline
from scim.service.references.link_task import LinkTask

HAND_OVER_S = 10.0
"""How long a batch tries to hand over."""
DEAD_LETTER_S = 10.0
"""What handing over and publishing leave for the dead letters."""
PATIENCE_S = 120.0
"""For how long a record waits for a queue that does not answer. After that its event is published without it."""


@dataclass(frozen=True, slots=True)
class LostDeadLetter:
    """A dead letter that its queue did not take either, by the keys of the record (docs/operations.md)."""

    reason: str
    partition: str
    sort: str


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch.

    ``retries`` is how many records must come again, the last ones of the batch; ``retry_from`` is the number in the
    stream of the first of them.
    """

    published: int = 0
    handed_over: int = 0
    dead_letters: int = 0
    retries: int = 0
    retry_from: str = ""
    lost: tuple[LostDeadLetter, ...] = ()


@dataclass(slots=True)
class _RecordBatch:
    """The records, and what was made of them, by index. ``end`` is the index of the first that must come again."""

    records: Sequence[Any]
    events: dict[int, Event] = field(default_factory=dict)
    tasks: dict[int, LinkTask] = field(default_factory=dict)
    letters: dict[int, dict[str, Any]] = field(default_factory=dict)
    end: int = 0

    def stop_before(self, indexes: Iterable[int]) -> None:
        self.end = min([self.end, *indexes])

    def reject(self, index: int, reason: str) -> None:
        self.letters[index] = dead_letter.wrap_record(self.records[index], reason)


@dataclass(frozen=True, slots=True)
class StreamProcessor:
    """``now`` gives the seconds since 1970."""

    bus: EventBus
    links: MessageQueue
    dead_letters: DeadLetterQueue
    now: Callable[[], float]

    def process(self, records: Sequence[Any]) -> BatchResult:
        """Publish the events of records, hand over their link tasks, and send what fails to the dead-letter queue.

        A dead letter is sent only for a record that does not come again, so that it is in the queue once. Raises what
        the SDK does where the event bus fails in a way that lasts.
        """
        batch = _prepare(records)
        handed_over = self._hand_over(batch)
        published = self._publish(batch)
        sent, lost = self._send_dead_letters(batch)
        retries = len(records) - batch.end
        retry_from = _sequence_number(records[batch.end]) if retries else ""
        return BatchResult(published, handed_over, sent, retries, retry_from, tuple(lost))

    def _hand_over(self, batch: _RecordBatch) -> int:
        result = self.links.send({index: link_message.make_message(task) for index, task in batch.tasks.items()})
        batch.stop_before(index for index in result.unsent if self._is_young(batch.records[index]))
        reasons = result.reasons
        for index, code in reasons.items():
            task = link_message.dump_task(batch.tasks[index])
            batch.letters[index] = dead_letter.wrap_task(task, f"links queue: {code}")
        return len(batch.tasks) - len(reasons)

    def _publish(self, batch: _RecordBatch) -> int:
        events = {index: event for index, event in batch.events.items() if index < batch.end}
        result = self.bus.publish(events)
        batch.stop_before(result.unsent)
        for index, code in result.rejected.items():
            batch.reject(index, f"event bus: {code}")
        return len(events) - len(result.rejected) - len(result.unsent)

    def _send_dead_letters(self, batch: _RecordBatch) -> tuple[int, list[LostDeadLetter]]:
        letters = {index: batch.letters[index] for index in sorted(batch.letters) if index < batch.end}
        result = self.dead_letters.send(letters)
        # A task's event is published already, so its record does not come again.
        batch.stop_before(
            index for index in result.unsent if "record" in letters[index] and self._is_young(batch.records[index])
        )
        reasons = {index: code for index, code in result.reasons.items() if index < batch.end}
        lost = [_lost(batch.records[index], letters[index], code) for index, code in sorted(reasons.items())]
        return len(letters) - len(result.rejected) - len(result.unsent), lost

    def _is_young(self, record: Any) -> bool:
        """Return whether a record may still wait for a queue."""
        created = _member(record, "ApproximateCreationDateTime")
        return isinstance(created, int | float) and self.now() - created < PATIENCE_S


def link_task_deadline(deadline: Deadline) -> Deadline:
    """Return the time for handing over, which leaves most of a batch's time to publishing."""
    end = max(deadline.remaining_s() - HAND_OVER_S, DEAD_LETTER_S)
    return Deadline(lambda: deadline.remaining_s() - end, deadline.sleep)


def publish_deadline(deadline: Deadline) -> Deadline:
    """Return the time for publishing, which leaves some for dead letters."""
    return Deadline(lambda: deadline.remaining_s() - DEAD_LETTER_S, deadline.sleep)


def _sequence_number(record: Any) -> str:
    """Return the number of a record in the stream; empty where it has none, which has the whole batch come again."""
    found = _member(record, "SequenceNumber")
    return found if isinstance(found, str) else ""


def _prepare(records: Sequence[Any]) -> _RecordBatch:
    """Make events and tasks of records. What raises is rejected, whatever it is: a record must not stop its shard."""
    batch = _RecordBatch(records, end=len(records))
    for index, record in enumerate(records):
        try:
            if is_change(record):
                batch.events[index], task = _parse(record)
                if task:
                    batch.tasks[index] = task
        except MalformedRecord as malformed:
            batch.reject(index, f"malformed: {malformed}")
        except Exception as fault:  # noqa: BLE001  # no AWS call is made here, so repeating would not help
            batch.reject(index, dead_letter.describe_fault_location(fault))
    return batch


def _parse(record: Mapping[str, Any]) -> tuple[Event, LinkTask | None]:
    change = parse_stream_record(record)
    event, task = make_event(change), make_task(change)
    event.text.encode()  # raises here what it would raise among the events of others
    return event, task


def _lost(record: Any, letter: Mapping[str, Any], code: str) -> LostDeadLetter:
    keys = _member(record, "Keys")
    pk, sk = (keys.get(name) if isinstance(keys, Mapping) else None for name in ("pk", "sk"))
    partition, sort = (each.get("S") if isinstance(each, Mapping) else None for each in (pk, sk))
    return LostDeadLetter(f"{letter['reason']}; dead-letter queue: {code}", str(partition or ""), str(sort or ""))


def _member(record: Any, name: str) -> Any:
    stream = record.get("dynamodb") if isinstance(record, Mapping) else None
    return stream.get(name) if isinstance(stream, Mapping) else None
