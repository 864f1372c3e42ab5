"""Record which events EventBridge has accepted, by tenant and request (docs/contribute/data-model.md, "Requests")."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from scim.service.model.timestamps import format_rfc3339
from scim.store import items, keys
from scim.store.requests.keys import request_key, request_partition, request_range
from scim.store.table import Item, Table

RETENTION_DAYS = 30
"""The number of days for which an acceptance is stored."""
RECORDING_TIMEOUT_S = 6.0
"""The time to record the events of a batch: two seconds for retries, and the time of one call that times out.

A table that does not respond then delays the next batch only shortly.
"""
_DAY_S = 86_400
_ACCEPTED = "accepted"
_EVENTS = "events"
_USERS = "users"
_MAX_USERS = 10
"""The maximum number of users in a record, and of those that are found: a bulk request can have a thousand."""


@dataclass(frozen=True, slots=True)
class AcceptedEvent:
    """An event that EventBridge has accepted, with its tenant, its user, and the request that caused it."""

    tenant_id: str
    request_id: str
    user_id: str
    event_id: str


@dataclass(frozen=True, slots=True)
class AcceptedRequest:
    """The changes of a request whose events were accepted: the ids of its first ten users, and the number of events."""

    user_ids: Sequence[str]
    event_count: int


@dataclass(frozen=True, slots=True)
class AcceptedEventStore:
    """Writes and reads records of accepted events. ``now`` returns the seconds since 1970, ``new_id`` a new UUID."""

    table: Table
    now: Callable[[], float]
    new_id: Callable[[], str]

    def record(self, events: Sequence[AcceptedEvent]) -> None:
        """Record that EventBridge has accepted these events: one item for each tenant and request.

        Items are only added, so the order of batches and retries does not matter. Raise :class:`AwsError`, or
        :class:`scim.protocol.errors.Unavailable` if the table does not respond in time.
        """
        requests: dict[tuple[str, str], list[AcceptedEvent]] = {}
        for event in events:
            requests.setdefault((event.tenant_id, event.request_id), []).append(event)
        now = self.now()
        table = self.table.with_deadline(self.table.deadline.with_limit(RECORDING_TIMEOUT_S))
        table.write_all(
            put=[self._encode(tenant_id, request_id, own, now) for (tenant_id, request_id), own in requests.items()]
        )

    def find_acceptance(self, tenant_id: str, request_id: str, event_id: str) -> str:
        """Return when the event of a request was accepted (RFC 3339), empty if that is not recorded."""
        for item in self._query(tenant_id, request_id, contains=(_EVENTS, event_id)):
            return str(item[_ACCEPTED]["S"])
        return ""

    def find_request(self, tenant_id: str, request_id: str) -> AcceptedRequest:
        """Return the first users that a request changed, and the number of its changes, from records of up to 1 MB."""
        records = list(self._query(tenant_id, request_id))
        users = dict.fromkeys(user_id for item in records for user_id in item[_USERS]["SS"])
        events = {event_id for item in records for event_id in item[_EVENTS]["SS"]}
        return AcceptedRequest(list(users)[:_MAX_USERS], len(events))

    def _query(self, tenant_id: str, request_id: str, *, contains: tuple[str, str] | None = None) -> Iterator[Item]:
        """Yield the records of a request that have not expired. Make only one call, which reads up to 1 MB."""
        pages = self.table.query_pages(request_partition(tenant_id), request_range(request_id), contains=contains)
        page, _ = next(iter(pages))
        return (item for item in page if not items.has_expired(item, self.now()))

    def _encode(self, tenant_id: str, request_id: str, events: Sequence[AcceptedEvent], now: float) -> Item:
        users = list(dict.fromkeys(event.user_id for event in events))[:_MAX_USERS]
        return {
            **keys.primary_key(request_partition(tenant_id), request_key(request_id, self.new_id())),
            _ACCEPTED: {"S": format_rfc3339(now)},
            _EVENTS: {"SS": sorted({event.event_id for event in events})},
            _USERS: {"SS": sorted(users)},
            "ttl": {"N": str(int(now) + RETENTION_DAYS * _DAY_S)},
        }
