"""Find people and requests at any tenant by keys: the adapter for :class:`scim.service.search.ports.MatchStore`.

Whole keys are read with BatchGetItem, which serves 25 tenants with one call. Index entries and failures are queried by
the beginning of their keys, because the id of the user or a hash follows in each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from scim.protocol.filter.ast import AttributePath
from scim.protocol.schema import ResourceType
from scim.service.model.audit.log_record import LogRecord
from scim.service.model.audit.person_match import Match, MatchKind
from scim.service.model.change_record import StoredChange
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant
from scim.store import items, keys, log_codec, lookup_keys
from scim.store.keys import KeyRange
from scim.store.requests import failed_requests
from scim.store.requests.accepted_events import AcceptedEventStore
from scim.store.requests.keys import failed_request_key
from scim.store.table import Item, Table

_MAX_ITEMS = 5
"""The maximum number of items that a query reads: several users can have the same email address."""
LOOKUP_TIMEOUT_S = 4.5
"""The time of the look-ups at one tenant: half a second for retries, and the time of one call that times out.

So a few tenants whose partitions are throttled do not use the time of the whole search.
"""
_INDEXED_KINDS = {"externalId": MatchKind.EXTERNAL_ID, "emails.value": MatchKind.EMAIL}

_Query = Callable[[Table, str], Iterable[Match]]
"""Makes one query at the tenant with an id."""


@dataclass(frozen=True, slots=True)
class DynamoDBMatchStore:
    """Finds people and requests. ``indexed`` are the paths of the indexed attributes. ``now`` returns Unix time."""

    table: Table
    resource_type: ResourceType
    indexed: Mapping[str, AttributePath]
    accepted_events: AcceptedEventStore
    now: Callable[[], float]

    # Which look-ups a text needs

    def count_queries(self, text: str) -> int:
        """Return how many calls :meth:`query_matches` makes for a text."""
        return len(list(self._plan_queries(text)))

    def list_searched_kinds(self, text: str) -> tuple[Sequence[MatchKind], Sequence[MatchKind]]:
        """Return the kinds of matches that :meth:`get_matches` can find for a text, and those of the queries."""
        by_key = [MatchKind.USER_NAME, *([MatchKind.ID] if keys.is_user_id(text) else [])]
        by_key += [MatchKind.FAILED_REQUEST_ID] if "@" not in text else []
        by_query = dict.fromkeys(kind for kind, _ in self._plan_queries(text) if kind is not MatchKind.ID)
        return by_key, list(by_query)

    def _plan_queries(self, text: str) -> Iterator[tuple[MatchKind, _Query]]:
        """Yield the queries for a text. An email address is no request id, and other texts are no email addresses."""
        for name, kind in _INDEXED_KINDS.items():
            if (path := self.indexed.get(name)) and (kind is MatchKind.EXTERNAL_ID or "@" in text):
                yield kind, partial(_query_index, kind, lookup_keys.index_prefix(name, path, text))
        yield MatchKind.FAILED_REQUEST, partial(self._query_failures, text)
        if "@" not in text:
            yield MatchKind.REQUEST, partial(self._query_request, text)
        if keys.is_user_id(text):
            yield MatchKind.ID, partial(_query_deleted_user, text)

    # Whole keys

    def get_matches(self, tenant_ids: Sequence[str], text: str) -> Sequence[Match]:
        """Return the users with a userName or id, and the failed requests with an id, of several tenants."""
        sort_keys = self._list_whole_keys(text)
        tenants = {build(tenant_id): tenant_id for tenant_id in tenant_ids for build in _PARTITIONS}
        primary_keys = [
            keys.primary_key(build(tenant_id), sort_key) for tenant_id in tenant_ids for build, sort_key in sort_keys
        ]
        found_items = self._open_table().get_by_keys(
            primary_keys, ("pk", "sk", "id", "ttl", *failed_requests.ATTRIBUTES)
        )
        return [
            match
            for item in found_items
            if not items.has_expired(item, self.now())
            for match in _decode_match(tenants[item["pk"]["S"]], item, text)
        ]

    def _list_whole_keys(self, text: str) -> list[tuple[Callable[[str], str], str]]:
        """Return the whole keys for a text: the function that builds the partition key, and the sort key."""
        unique_key = lookup_keys.unique_key(text, is_case_exact=self.resource_type.unique_attribute.is_case_exact)
        whole_keys: list[tuple[Callable[[str], str], str]] = [(keys.resource_partition, unique_key)]
        if keys.is_user_id(text):
            whole_keys.append((keys.resource_partition, keys.user_key(text)))
        if "@" not in text:
            whole_keys.append((keys.failure_partition, failed_request_key(text)))
        return whole_keys

    # Beginnings of keys

    def query_matches(self, tenant_id: str, text: str) -> Sequence[Match]:
        """Return the matches of one tenant by email address, externalId, failed request, request and deleted user."""
        table = self._open_table()
        return [match for _, query in self._plan_queries(text) for match in query(table, tenant_id)]

    def _query_failures(self, text: str, table: Table, tenant_id: str) -> Iterator[Match]:
        for item in _query(table, keys.failure_partition(tenant_id), keys.failure_range(text), ("ttl",)):
            if not items.has_expired(item, self.now()):
                yield Match(tenant_id, MatchKind.FAILED_REQUEST, identifier=text)
                return

    def _query_request(self, text: str, table: Table, tenant_id: str) -> Iterator[Match]:
        request = replace(self.accepted_events, table=table).find_request(tenant_id, text)
        for user_id in request.user_ids:
            yield Match(tenant_id, MatchKind.REQUEST, user_id=user_id, request_size=request.event_count)

    def _open_table(self) -> Table:
        """Return the table for the look-ups at one tenant."""
        return self.table.with_deadline(self.table.deadline.with_limit(LOOKUP_TIMEOUT_S))

    # For the results

    def read_users(self, matches: Sequence[Match]) -> dict[tuple[str, str], StoredResource]:
        """Return the users in matches by tenant and id, only with their documents. Make a call for every 100 users."""
        tenants = {keys.resource_partition(match.tenant_id): match.tenant_id for match in matches}
        primary_keys = [
            keys.primary_key(keys.resource_partition(match.tenant_id), keys.user_key(match.user_id))
            for match in matches
            if match.user_id
        ]
        found_items = self._open_table().get_by_keys(primary_keys, ("pk", *items.DOCUMENT_ATTRIBUTES))
        users = ((tenants[item["pk"]["S"]], items.decode_document(item)) for item in found_items)
        return {(tenant_id, user.id): user for tenant_id, user in users}

    def read_failures(self, tenant: Tenant, failure_keys: Sequence[str]) -> Sequence[LogRecord]:
        """Return failures and counts of rejected tokens by their sort keys, without expired ones."""
        stored_items = self.table.get_all(keys.failure_partition(tenant.id), list(failure_keys))
        return [
            log_codec.decode_record(item, tenant.provider)
            for item in stored_items
            if not items.has_expired(item, self.now())
        ]

    def find_acceptance(self, tenant_id: str, change: StoredChange) -> str:
        """Return when EventBridge had accepted the event of a change (RFC 3339), empty if that is not recorded."""
        return self.accepted_events.find_acceptance(tenant_id, change.change.request_id, change.event_id)


_PARTITIONS = (keys.resource_partition, keys.failure_partition)
"""The functions that build the partition keys of whole keys."""


def _decode_match(tenant_id: str, item: Item, text: str) -> Sequence[Match]:
    """Return the matches in an item with a whole key for a text."""
    sort_key = item["sk"]["S"]
    if sort_key == failed_request_key(text):
        return failed_requests.decode_failed_request(tenant_id, item)
    if "id" in item:
        return [Match(tenant_id, MatchKind.USER_NAME, user_id=items.decode_lookup_item(item))]
    return [Match(tenant_id, MatchKind.ID, user_id=keys.parse_user_id(sort_key))]


def _query_index(kind: MatchKind, prefix: str, table: Table, tenant_id: str) -> Iterator[Match]:
    for item in _query(table, keys.resource_partition(tenant_id), keys.id_range(prefix), ("sk", "id")):
        yield Match(tenant_id, kind, user_id=items.decode_lookup_item(item))


def _query_deleted_user(user_id: str, table: Table, tenant_id: str) -> Iterator[Match]:
    for _ in _query(table, keys.resource_partition(tenant_id), keys.change_range(user_id), ("sk",)):
        yield Match(tenant_id, MatchKind.ID, user_id=user_id)


def _query(table: Table, partition: str, key_range: KeyRange, attributes: Sequence[str]) -> Sequence[Item]:
    """Return the first items of a range, with one call."""
    page, _ = next(iter(table.query_pages(partition, key_range, attributes, limit=_MAX_ITEMS)))
    return page
