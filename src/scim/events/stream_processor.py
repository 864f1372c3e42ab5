"""A batch of stream records on its way to the bus, and to those whom it links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim.events.bus import Bus
from scim.events.event import event
from scim.events.poison import PoisonQueue
from scim.events.record import ChangeRecord, Malformed, is_change, read
from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline
from scim.service.linking import Followed
from scim.service.ports import LINK

_LAYING_ASIDE_S = 10.0

Follow = Callable[[str, Sequence[Followed]], int]
"""Links whom the changes of a tenant concern (:meth:`scim.service.linking.Linking.follow`)."""


def before_laying_aside(deadline: Deadline) -> Deadline:
    """The time that publishing and linking may take: it leaves some for what has to be laid aside afterwards."""
    return Deadline(lambda: deadline.remaining_s() - _LAYING_ASIDE_S, deadline.sleep)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch: how many events the bus took, how many records were laid aside, and the index of the
    first record that has to come again, with all that follow it; ``None`` if none has to. ``linked`` is how often the
    links of a user changed."""

    published: int
    poison: int
    checkpoint: int | None
    linked: int = 0


@dataclass(frozen=True, slots=True)
class Relay:
    bus: Bus
    poison: PoisonQueue
    follow: Follow

    def __call__(self, records: Sequence[Mapping[str, Any]]) -> Outcome:
        """Publish what the records say, and lay aside those that say nothing, since they would fail for ever.

        Lambda brings everything from the checkpoint on again. So nothing behind it is laid aside yet: that way a record
        is in the queue once, however often its batch is repeated.
        """
        changes, rejected = _read(records)
        delivery = self.bus.publish({index: event(change) for index, change in changes.items()})
        rejected |= delivery.refused
        checkpoint = min(delivery.missing, default=len(records))
        linked = self._link([change for index, change in changes.items() if index < checkpoint])
        if linked is None:
            checkpoint = 0
        poison = 0
        for index in sorted(each for each in rejected if each < checkpoint):
            if not self.poison.send(records[index], rejected[index]):
                checkpoint = index
                break
            poison += 1
        published = len(changes) - len(delivery.refused) - len(delivery.missing)
        return Outcome(published, poison, checkpoint if checkpoint < len(records) else None, linked or 0)

    def _link(self, changes: Sequence[ChangeRecord]) -> int | None:
        """How often links changed; ``None`` if the time was up before all were made: then the batch comes again."""
        by_tenant: dict[str, list[Followed]] = {}
        for each in changes:
            if each.operation != LINK:
                followed = Followed(each.id, each.operation, each.changed, each.lost, each.dropped, each.request)
                by_tenant.setdefault(each.tenant, []).append(followed)
        try:
            return sum(self.follow(tenant, followed) for tenant, followed in by_tenant.items())
        except Unavailable:
            return None


def _read(records: Sequence[Mapping[str, Any]]) -> tuple[dict[int, ChangeRecord], dict[int, str]]:
    """The change records, and why others are none, by the index of the record."""
    changes: dict[int, ChangeRecord] = {}
    rejected: dict[int, str] = {}
    for index, record in enumerate(records):
        if is_change(record):
            try:
                changes[index] = read(record)
            except Malformed as malformed:
                rejected[index] = f"malformed: {malformed}"
    return changes, rejected
