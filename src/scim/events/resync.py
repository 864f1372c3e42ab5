"""Publish the current state of all users of a tenant as events, at a bounded rate (docs/build/events, "Resync")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID, uuid5

from scim.events.batching import SendResult
from scim.events.event import Event
from scim.protocol.schema import ResourceType
from scim.service.maintenance.tasks import TaskRun
from scim.service.model.change_record import Participation
from scim.service.model.links import UserLinks
from scim.service.model.stored_resource import StoredResource

DEFAULT_EVENTS_PER_SECOND = 100
MAX_CLOCK_DIFFERENCE_S = 900
"""How much the clock of the command can differ from those of the functions: AWS rejects calls of other clocks.

A user who was created while the resync was running must not look like one from before it.
"""
_EVENTS_PER_CALL = 10  # the maximum of PutEvents
_USERS = "users"


class ResyncFailed(Exception):
    """The event bus did not accept an event. The next run continues before it."""


@dataclass(frozen=True, slots=True)
class ResyncEventBuilder:
    """Builds the events of one resync of a tenant.

    ``resync_id`` is a UUID. ``started`` is when the resync started, in seconds since 1970.
    """

    tenant_id: str
    resource_type: ResourceType
    resync_id: str
    started: float

    def build_user_event(self, user: StoredResource, now: float) -> Event:
        """Return the event with the state of a user. The same version has the same ``eventId`` in a resync."""
        links = UserLinks.parse(user.links_json)
        detail: dict[str, Any] = {
            "eventId": self._build_event_id(f"{user.id}#{user.version}#{links.sequence}"),
            "tenant": self.tenant_id,
            "id": user.id,
            "externalId": user.resource.get("externalId"),
            "userName": user.resource[self.resource_type.unique_attribute.name],
            "version": user.version,
            "sequence": user.version,
            "participation": Participation.UNCHANGED,
            "active": user.resource.get("active") is True,
            "changed": [],
            "requestId": self.resync_id,
            "links": [{"attribute": link.attribute, "id": link.user_id} for link in links.published_links],
            "linkSequence": links.sequence,
            "resyncId": self.resync_id,
        }
        return Event(f"{self.resource_type.name}Resynced", datetime.fromtimestamp(now, UTC), detail)

    def build_completed_event(self, user_count: int, now: float) -> Event:
        """Return the event that ends a resync, which published ``user_count`` users."""
        detail = {
            "eventId": self._build_event_id("completed"),
            "tenant": self.tenant_id,
            "resyncId": self.resync_id,
            "userCount": user_count,
            "seenSince": format_seconds(self.started - MAX_CLOCK_DIFFERENCE_S),
        }
        return Event("ResyncCompleted", datetime.fromtimestamp(now, UTC), detail)

    def _build_event_id(self, name: str) -> str:
        return str(uuid5(UUID(self.resync_id), name))


@dataclass(frozen=True, slots=True)
class Resync:
    """Publishes the users of a tenant.

    ``publish`` sends at most ten events to the bus. ``now`` returns the seconds since 1970. ``elapsed`` returns seconds
    of a clock that never goes back, and ``sleep`` waits for some of them.
    """

    builder: ResyncEventBuilder
    publish: Callable[[Sequence[Event]], SendResult]
    events_per_second: float
    now: Callable[[], float]
    elapsed: Callable[[], float]
    sleep: Callable[[float], None]

    def run(self, run: TaskRun, users: Iterable[StoredResource]) -> Iterator[int]:
        """Publish an event for each user, and then the event that ends the resync. Yield the number of each call.

        ``users`` are those after the position of ``run``, in the order of their ids. Raise :class:`ResyncFailed`.
        """
        count, due = run.task.counts.get(_USERS, 0), self.elapsed()
        remaining = iter(users)
        while batch := list(islice(remaining, _EVENTS_PER_CALL)):
            due = self._wait(due) + len(batch) / self.events_per_second
            self._publish([self.builder.build_user_event(user, self.now()) for user in batch])
            count += len(batch)
            run.save(batch[-1].id, {_USERS: count})
            yield len(batch)
        self._publish([self.builder.build_completed_event(count, self.now())])

    def _wait(self, due: float) -> float:
        """Wait until a time of the clock ``elapsed``. Return that time, or the present one if it is later."""
        remaining_s = due - self.elapsed()
        if remaining_s > 0:
            self.sleep(remaining_s)
        return max(due, self.elapsed())

    def _publish(self, events: Sequence[Event]) -> None:
        """Publish events. Raise :class:`ResyncFailed` if the bus did not accept all of them in time."""
        codes = self.publish(events).error_codes
        if codes:
            ids = ", ".join(str(events[index].detail.get("id", "the last event")) for index in sorted(codes))
            reasons = ", ".join(sorted(set(codes.values())))
            raise ResyncFailed(
                f"The event bus did not accept the events of these users: {ids} ({reasons}). Run the command again to "
                "continue."
            )


def format_seconds(seconds: float) -> str:
    """Return a time in RFC 3339, in UTC and without fractions of a second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
