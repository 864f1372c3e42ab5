"""Read and write the resources of one tenant: the adapter for :class:`scim.service.ports.ResourceStore`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from scim.protocol.errors import PayloadTooLarge, ScimError, TooManyUsers
from scim.protocol.filter.ast import AttributePath
from scim.protocol.schema import ResourceType
from scim.service.model.change_record import ChangeRecord
from scim.service.model.deactivations.counts import HOUR_S
from scim.service.model.identifiers import IDENTIFYING_ATTRIBUTES, identify_user
from scim.service.model.query import ListPage, ListQuery, Query, QueryResult
from scim.service.model.stored_resource import CreationsFailed, NotUnique, StoredResource, TooManyItems, VersionConflict
from scim.service.model.timestamps import parse_rfc3339
from scim.service.references.links import find_reference_hashes, may_affect_links
from scim.store import items, keys, lookup_keys
from scim.store.query.counters import PACKED_COUNTER_LIMIT, compute_increment
from scim.store.query.engine import QueryEngine
from scim.store.table import Item, Table
from scim.store.transactions import (
    MAX_ACTIONS,
    NOT_EXISTS_CONDITION,
    Action,
    Condition,
    ConditionFailed,
    TransactionRole,
    build_version_condition,
    commit,
)

# DynamoDB limits an item to 400 KB (Amazon DynamoDB developer guide, "Constraints"). Other attributes need space too.
# JSON that escapes all characters outside of ASCII is three times as long, and must fit into a request body of 1 MB.
MAX_DOCUMENT_BYTES = 340_000


@dataclass(frozen=True, slots=True)
class ResourceStoreConfig:
    """The configuration that the stores of all tenants share.

    ``indexed`` are the paths of the attributes with index entries, by name. ``change_expiry`` returns when a change
    record that is written now expires, in seconds since 1970 (``None``: never). ``new_id`` returns a new random UUID.
    ``now`` returns the current time in seconds since 1970.
    """

    indexed: Mapping[str, AttributePath]
    change_expiry: Callable[[], int | None]
    new_id: Callable[[], str]
    now: Callable[[], float]


class DynamoDBResourceStore:
    """The resources of one type in one tenant, for one request.

    The tenant is fixed for the instance, so that no call can reach items of another tenant.
    """

    def __init__(self, table: Table, config: ResourceStoreConfig, tenant_id: str, resource_type: ResourceType) -> None:
        self._table = table
        self._config = config
        self._tenant_id = tenant_id
        self._partition_key = keys.resource_partition(tenant_id)
        self._resource_type = resource_type

    def get(self, resource_id: str) -> StoredResource | None:
        """Return the resource, or ``None``. An id that this service did not create is not looked up."""
        if not keys.is_user_id(resource_id):
            return None
        item = self._table.get(self._partition_key, keys.user_key(resource_id))
        return items.decode_resource(item, self._table.version_floor) if item else None

    def find(self, query: Query) -> QueryResult:
        """Return a page of the resources that match a query (:mod:`scim.store.query.engine`)."""
        return self._build_query_engine().find(query)

    def list_page(self, query: ListQuery) -> ListPage:
        """Return a page of all users (:mod:`scim.store.query.list_page`). Raise :class:`InvalidPosition`."""
        return self._build_query_engine().list_page(query)

    def _build_query_engine(self) -> QueryEngine:
        config = self._config
        return QueryEngine(self._table, self._tenant_id, self._resource_type, config.indexed, config.now)

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        """Write the resource, its lookup items, the counters and the change record in one transaction.

        ``before`` is ``None`` for a creation, ``after`` is ``None`` for a deletion. Raise :class:`VersionConflict`,
        :class:`NotUnique`, :class:`TooManyUsers`, :class:`PayloadTooLarge`, or
        :class:`scim.protocol.errors.Unavailable` after the deadline.
        """
        change_id = self._config.new_id()
        actions = [*self._prepare_items(before, after), *self._prepare_counters([(before, after)])]
        record = self._encode_change(change_id, change, before, after)
        try:
            commit(self._table, actions, record, change_id, self._config.new_id)
        except ConditionFailed as failed:
            raise _build_error(failed) from failed

    def create_all(self, creations: Sequence[tuple[StoredResource, ChangeRecord]]) -> None:
        """Create resources, with their lookup items, the counters and the change records, in one transaction.

        Raise :class:`CreationsFailed`, :class:`TooManyItems`, :class:`TooManyUsers`, or
        :class:`scim.protocol.errors.Unavailable` after the deadline.
        """
        actions_by_resource = self._prepare_creations([resource for resource, _ in creations])
        change_id, *other_ids = [self._config.new_id() for _ in creations]
        record, *other_records = [
            self._encode_change(id_, change, None, resource)
            for id_, (resource, change) in zip([change_id, *other_ids], creations, strict=True)
        ]
        actions = [
            *chain.from_iterable(actions_by_resource),
            *self._prepare_counters([(None, resource) for resource, _ in creations]),
            *(Action.put(TransactionRole.CHANGE, other, NOT_EXISTS_CONDITION) for other in other_records),
        ]
        if len(actions) >= MAX_ACTIONS:
            raise TooManyItems
        try:
            commit(self._table, actions, record, change_id, self._config.new_id)
        except ConditionFailed as failed:
            conflicts = {
                index: NotUnique() for index, own in enumerate(actions_by_resource) if _has_taken_value(failed, own)
            }
            raise (CreationsFailed(conflicts) if conflicts else _build_error(failed)) from failed

    def _prepare_creations(self, resources: Sequence[StoredResource]) -> list[list[Action]]:
        """Return the actions that create each resource. Raise :class:`CreationsFailed` if two have the same name."""
        prepared: list[list[Action]] = []
        errors: dict[int, NotUnique | ScimError] = {}
        unique_keys: set[str | None] = set()
        for index, resource in enumerate(resources):
            try:
                prepared.append(list(self._prepare_items(None, resource)))
            except ScimError as error:
                errors[index] = error
            if (key := self._unique_key(resource)) in unique_keys:
                errors[index] = NotUnique()
            unique_keys.add(key)
        if errors:
            raise CreationsFailed(errors)
        return prepared

    def _prepare_items(self, before: StoredResource | None, after: StoredResource | None) -> Iterator[Action]:
        """Yield the actions that write the item of a resource and its lookup items."""
        yield self._prepare_resource(before, after)
        yield from self._prepare_unique_key(before, after)
        yield from self._prepare_index(before, after)

    def _prepare_resource(self, before: StoredResource | None, after: StoredResource | None) -> Action:
        """Return the action that writes or deletes the item of the resource. Raise :class:`PayloadTooLarge`."""
        if after is None:
            deleted = _get_written_version(before, after)
            condition = build_version_condition(deleted.version, self._table.version_floor)
            return Action.delete(TransactionRole.RESOURCE, self._user_key(deleted.id), condition)
        if len(after.document.encode()) > MAX_DOCUMENT_BYTES:
            raise PayloadTooLarge(
                f"The {self._resource_type.name} would have more than {MAX_DOCUMENT_BYTES:,} bytes. "
                "Map fewer or shorter values."
            )
        item = items.encode_resource(self._partition_key, keys.user_key(after.id), after)
        condition = self._build_version_and_links_condition(before) if before else NOT_EXISTS_CONDITION
        return Action.put(TransactionRole.RESOURCE, item, condition)

    def _build_version_and_links_condition(self, before: StoredResource) -> Condition:
        """Return the condition that neither the version nor the links have changed since ``before`` was read.

        The write stores the links of ``before`` again. Without the condition, it would remove newer links without an
        event.
        """
        version = build_version_condition(before.version, self._table.version_floor)
        links = "links = :links" if before.links_json else "attribute_not_exists(links)"
        values = {":links": {"S": before.links_json}} if before.links_json else {}
        return {
            "ConditionExpression": f"{version['ConditionExpression']} AND {links}",
            "ExpressionAttributeValues": version["ExpressionAttributeValues"] | values,
        }

    def _prepare_unique_key(self, before: StoredResource | None, after: StoredResource | None) -> Iterator[Action]:
        """Yield the actions that replace the lookup item of the unique value, unless its key stays the same."""
        old, new = self._unique_key(before), self._unique_key(after)
        if old == new:
            return
        resource_id = _get_written_version(before, after).id
        if old is not None:
            key = keys.primary_key(self._partition_key, old)
            yield Action.delete(TransactionRole.UNIQUE, key, _build_lookup_condition(resource_id))
        if new is not None:
            lookup_item = items.encode_lookup_item(self._partition_key, new, resource_id)
            yield Action.put(TransactionRole.UNIQUE, lookup_item, NOT_EXISTS_CONDITION)

    def _prepare_index(self, before: StoredResource | None, after: StoredResource | None) -> Iterator[Action]:
        """Yield an action for each index entry that is added or removed."""
        old, new = self._index_entry_keys(before), self._index_entry_keys(after)
        lookup_keys.check_index_entry_count(new, self._config.indexed)
        for sort_key in sorted(old - new):
            yield Action.delete(TransactionRole.INDEX, keys.primary_key(self._partition_key, sort_key))
        for sort_key in sorted(new - old):
            lookup_item = items.encode_lookup_item(
                self._partition_key, sort_key, _get_written_version(before, after).id
            )
            yield Action.put(TransactionRole.INDEX, lookup_item)

    def _prepare_counters(
        self, writes: Iterable[tuple[StoredResource | None, StoredResource | None]]
    ) -> Iterator[Action]:
        """Yield the actions that update the counters, if writes change the number of users or active users.

        ``writes`` has the version before and after each write. There is one action for each counter, since a
        transaction can write an item only once.
        """
        increments: dict[str, list[tuple[int, int, int]]] = {}
        for before, after in writes:
            resource_id = _get_written_version(before, after).id
            total = ((after is not None) - (before is not None)) * compute_increment(resource_id)
            active = _is_active(after) - _is_active(before)
            if total or active:
                increment = (total, active, _count_deactivation(before, after))
                increments.setdefault(keys.counter_key(resource_id), []).append(increment)
        for sort_key, own_increments in increments.items():
            yield self._prepare_counter(sort_key, *map(sum, zip(*own_increments, strict=True)))

    def _prepare_counter(self, sort_key: str, total: int, active: int, deactivated: int) -> Action:
        """Return the action that adds to a counter.

        ``total`` is added to its packed numbers, ``active`` to the active users, ``deactivated`` to the users who were
        ever deactivated.
        """
        values = {":counts": {"N": str(total)}, ":active": {"N": str(active)}}
        names = {"#counts": "counts", "#active": "active"}  # reserved words
        expression = "ADD #counts :counts, #active :active"
        if deactivated:
            values[":deactivated"] = {"N": str(deactivated)}
            expression += ", deactivated :deactivated"
        condition = {}
        if total > 0:
            condition = {"ConditionExpression": "attribute_not_exists(#counts) OR #counts < :limit"}
            values[":limit"] = {"N": str(PACKED_COUNTER_LIMIT)}
        return Action.update(
            TransactionRole.COUNTER,
            keys.primary_key(keys.paging_partition(self._tenant_id), sort_key),
            UpdateExpression=expression,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            **condition,
        )

    def _encode_change(
        self, change_id: str, change: ChangeRecord, before: StoredResource | None, after: StoredResource | None
    ) -> Item:
        """Return the item of the change record. Its key has the new version; for a deletion, the old one plus one."""
        written = _get_written_version(before, after)
        return items.encode_change(
            self._partition_key,
            keys.change_record_key(written.id, written.version + (after is None)),
            change_id,
            self._config.change_expiry(),
            change,
            former_identifier_hashes=_find_former_identifier_hashes(before, after),
            removed_reference_hashes=self._find_removed_reference_hashes(before, after),
            may_affect_links=may_affect_links(before, after, self._resource_type),
        )

    def _find_removed_reference_hashes(
        self, before: StoredResource | None, after: StoredResource | None
    ) -> frozenset[str]:
        """Return the hashes of the identifiers that the user refers to in the version before, but no longer."""
        old = find_reference_hashes(before, self._resource_type)
        return old - find_reference_hashes(after, self._resource_type) if old else old

    def _user_key(self, resource_id: str) -> Item:
        return keys.primary_key(self._partition_key, keys.user_key(resource_id))

    def _unique_key(self, stored: StoredResource | None) -> str | None:
        if stored is None:
            return None
        unique = self._resource_type.unique_attribute
        return lookup_keys.unique_key(stored.resource[unique.name], is_case_exact=unique.is_case_exact)

    def _index_entry_keys(self, stored: StoredResource | None) -> set[str]:
        return lookup_keys.index_entry_keys(stored.resource, stored.id, self._config.indexed) if stored else set()


def _build_error(failed: ConditionFailed) -> Exception:
    """Return the error for failed conditions.

    A version conflict takes precedence, because the conflicting write can be the reason for the other failed
    conditions.
    """
    if failed.roles == {TransactionRole.COUNTER}:
        return TooManyUsers(
            "The customer has the maximum of about 12 million users. Delete users before you create others."
        )
    if failed.roles <= {TransactionRole.UNIQUE, TransactionRole.COUNTER}:
        return NotUnique()
    return VersionConflict()


def _has_taken_value(failed: ConditionFailed, actions: Iterable[Action]) -> bool:
    """Return whether one of the actions failed because another resource has its unique value."""
    return any(
        action is failed_action
        for action in actions
        if action.role is TransactionRole.UNIQUE
        for failed_action in failed.actions
    )


def _get_written_version(before: StoredResource | None, after: StoredResource | None) -> StoredResource:
    """Return the version that is written or, for a deletion, the version that is deleted."""
    stored = after or before
    if stored is None:
        raise ValueError("A write needs a version before or after it.")
    return stored


def _find_former_identifier_hashes(before: StoredResource | None, after: StoredResource | None) -> frozenset[str]:
    """Return the hashes of identifiers that the user loses with this change. The audit log finds the user by them."""
    if before is None:
        return frozenset()
    if after is not None and all(
        before.resource.get(name) == after.resource.get(name) for name in IDENTIFYING_ATTRIBUTES
    ):
        return frozenset()
    return identify_user(before.resource).hashes - (identify_user(after.resource).hashes if after else frozenset())


def _is_active(stored: StoredResource | None) -> bool:
    return stored is not None and stored.resource.get("active") is True


def _count_deactivation(before: StoredResource | None, after: StoredResource | None) -> int:
    """Return 1 for a deactivation, -1 if the user is reactivated within an hour of it, 0 for any other write."""
    if _is_active(before) and not _is_active(after):
        return 1
    if before is None or after is None or not _is_active(after) or _is_active(before):
        return 0
    return -(parse_rfc3339(after.active_since) - parse_rfc3339(before.active_since) < HOUR_S)


def _build_lookup_condition(resource_id: str) -> Condition:
    """Return the condition that a lookup item belongs to this resource."""
    return {"ConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": resource_id}}}
