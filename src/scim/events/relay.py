"""A batch of stream records on its way to the bus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim.events.bus import Bus
from scim.events.event import Event, event
from scim.events.poison import PoisonQueue
from scim.events.record import Malformed, is_change, read
from scim.service.deadline import Deadline

_LAYING_ASIDE_S = 10.0


def for_the_bus(deadline: Deadline) -> Deadline:
    """The time that the bus may take: it leaves some for what has to be laid aside afterwards."""
    return Deadline(lambda: deadline.remaining_s() - _LAYING_ASIDE_S, deadline.sleep)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch: how many events the bus took, how many records were laid aside, and the index of the
    first record that has to come again, with all that follow it; ``None`` if none has to."""

    published: int
    poison: int
    checkpoint: int | None


@dataclass(frozen=True, slots=True)
class Relay:
    bus: Bus
    poison: PoisonQueue

    def __call__(self, records: Sequence[Mapping[str, Any]]) -> Outcome:
        """Publish what the records say, and lay aside those that say nothing, since they would fail for ever.

        Lambda brings everything from the checkpoint on again. So nothing behind it is laid aside yet: that way a record
        is in the queue once, however often its batch is repeated.
        """
        events, rejected = _read(records)
        delivery = self.bus.publish(events)
        rejected |= delivery.refused
        checkpoint = min(delivery.missing, default=len(records))
        poison = 0
        for index in sorted(each for each in rejected if each < checkpoint):
            if not self.poison.send(records[index], rejected[index]):
                checkpoint = index
                break
            poison += 1
        published = len(events) - len(delivery.refused) - len(delivery.missing)
        return Outcome(published, poison, checkpoint if checkpoint < len(records) else None)


def _read(records: Sequence[Mapping[str, Any]]) -> tuple[dict[int, Event], dict[int, str]]:
    """The events, and why the others are none, by the index of the record."""
    events: dict[int, Event] = {}
    rejected: dict[int, str] = {}
    for index, record in enumerate(records):
        if is_change(record):
            try:
                events[index] = event(read(record))
            except Malformed as malformed:
                rejected[index] = f"malformed: {malformed}"
    return events, rejected
