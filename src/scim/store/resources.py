"""The resources of one tenant in the table: the adapter behind :class:`scim.service.ports.ResourceStore`.

Bound to a tenant when it is made, so that no call can name another's, and to one request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scim.protocol.errors import PayloadTooLarge
from scim.protocol.filter.ast import Path
from scim.protocol.schema import ResourceType
from scim.service.model.change_record import ChangeRecord
from scim.service.model.identifiers import IDENTIFYING_ATTRIBUTES, identifiers_of
from scim.service.model.query import Query, QueryResult
from scim.service.model.stored_resource import NotUnique, StoredResource, VersionConflict
from scim.service.references.links import find_reference_hashes, may_affect_links
from scim.store import items, keys
from scim.store.query.counters import counter_increment
from scim.store.query.engine import QueryEngine
from scim.store.table import Item, Table
from scim.store.transactions import Action, ConditionFailed, TransactionRole, commit

# An item ends at 400 KB (Amazon DynamoDB developer guide, "Constraints"), and the document is not all of it.
MAX_DOCUMENT_BYTES = 350_000

_ABSENT = {"ConditionExpression": "attribute_not_exists(sk)"}


@dataclass(frozen=True, slots=True)
class TableConfig:
    """What holds for every tenant's items: the attributes that have index entries, by name, and how long change
    records are kept. ``now`` gives the seconds since 1970, ``expiry`` those until a record of now, ``None`` for ever.
    """

    indexed: Mapping[str, Path]
    expiry: Callable[[], int | None]
    new_id: Callable[[], str]
    now: Callable[[], float]


class DynamoDBResourceStore:
    def __init__(self, table: Table, config: TableConfig, tenant_id: str, resource_type: ResourceType) -> None:
        self._table = table
        self._config = config
        self._tenant_id = tenant_id
        self._partition = keys.resource_partition(tenant_id)
        self._type = resource_type

    def get(self, resource_id: str) -> StoredResource | None:
        if not keys.is_user_id(resource_id):
            return None
        item = self._table.get(self._partition, keys.user_key(resource_id))
        return items.decode_resource(item) if item else None

    def find(self, query: Query) -> QueryResult:
        config = self._config
        return QueryEngine(self._table, self._tenant_id, self._type, config.indexed, config.now).find(query)

    def write(self, before: StoredResource | None, after: StoredResource | None, change: ChangeRecord) -> None:
        change_id = self._config.new_id()
        record = keys.change_key(*_changed_version(before, after))

        def is_committed() -> bool:
            found = self._table.get(self._partition, record)
            return found is not None and found["change"]["S"] == change_id

        actions = [
            self._resource(before, after),
            *self._unique(before, after),
            *self._index(before, after),
            *self._count(before, after),
            Action(TransactionRole.CHANGE, self._put(self._change(record, change_id, change, before, after), _ABSENT)),
        ]
        try:
            commit(self._table, actions, change_id, is_committed, self._config.new_id)
        except ConditionFailed as failed:
            # A version that has moved on takes precedence: what is unique may have moved with it.
            raise (NotUnique if failed.roles == {TransactionRole.UNIQUE} else VersionConflict) from failed

    def _resource(self, before: StoredResource | None, after: StoredResource | None) -> Action:
        if after is None:
            condition = _version(_present(before, after))
            return Action(TransactionRole.RESOURCE, self._delete(keys.user_key(_id(before, after)), condition))
        if len(after.document.encode()) > MAX_DOCUMENT_BYTES:
            raise PayloadTooLarge(
                f"The {self._type.name} would have more than {MAX_DOCUMENT_BYTES} bytes: map fewer or shorter values."
            )
        condition = _version_and_links(before) if before else _ABSENT
        return Action(
            TransactionRole.RESOURCE,
            self._put(items.encode_resource(self._partition, keys.user_key(after.id), after), condition),
        )

    def _unique(self, before: StoredResource | None, after: StoredResource | None) -> Iterator[Action]:
        """The unique value's key moves; where only its case changes, it stays."""
        old, new = self._unique_key(before), self._unique_key(after)
        if old == new:
            return
        resource_id = _id(before, after)
        if old is not None:
            yield Action(TransactionRole.UNIQUE, self._delete(old, _owned_by(resource_id)))
        if new is not None:
            yield Action(
                TransactionRole.UNIQUE, self._put(items.encode_reference(self._partition, new, resource_id), _ABSENT)
            )

    def _index(self, before: StoredResource | None, after: StoredResource | None) -> Iterator[Action]:
        """Only the entries that come and go."""
        old, new = self._index_keys(before), self._index_keys(after)
        keys.check_index_entry_count(new, self._config.indexed)
        for sort in sorted(old - new):
            yield Action(TransactionRole.INDEX, self._delete(sort))
        for sort in sorted(new - old):
            yield Action(
                TransactionRole.INDEX, self._put(items.encode_reference(self._partition, sort, _id(before, after)))
            )

    def _count(self, before: StoredResource | None, after: StoredResource | None) -> Iterator[Action]:
        total = (after is not None) - (before is not None)
        active = _is_active(after) - _is_active(before)
        if total or active:
            resource_id = _id(before, after)
            yield Action(
                TransactionRole.COUNTER,
                {
                    "Update": {
                        "TableName": self._table.name,
                        "Key": items.primary_key(keys.paging_partition(self._tenant_id), keys.counter_key(resource_id)),
                        "UpdateExpression": "ADD #counts :counts, #active :active",
                        "ExpressionAttributeNames": {"#counts": "counts", "#active": "active"},  # reserved words
                        "ExpressionAttributeValues": {
                            ":counts": {"N": str(total * counter_increment(resource_id))},
                            ":active": {"N": str(active)},
                        },
                    }
                },
            )

    def _change(
        self,
        record: str,
        change_id: str,
        change: ChangeRecord,
        before: StoredResource | None,
        after: StoredResource | None,
    ) -> Item:
        lost, dropped = _lost(before, after), self._dropped(before, after)
        expires, affects = self._config.expiry(), may_affect_links(before, after, self._type)
        return items.encode_change(
            self._partition, record, change_id, expires, change, lost, dropped, may_affect_links=affects
        )

    def _dropped(self, before: StoredResource | None, after: StoredResource | None) -> frozenset[str]:
        """Return the hashes of the identifiers by which the user referred to others and does no longer."""
        old = find_reference_hashes(before, self._type)
        return old - find_reference_hashes(after, self._type) if old else old

    def _unique_key(self, stored: StoredResource | None) -> str | None:
        if stored is None:
            return None
        unique = self._type.unique_attribute
        return keys.unique_key(stored.resource[unique.name], case_exact=unique.case_exact)

    def _index_keys(self, stored: StoredResource | None) -> set[str]:
        return keys.index_entry_keys(stored.resource, stored.id, self._config.indexed) if stored else set()

    def _put(self, item: Item, condition: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return {"Put": {"TableName": self._table.name, "Item": item, **(condition or {})}}

    def _delete(self, sort: str, condition: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return {
            "Delete": {
                "TableName": self._table.name,
                "Key": items.primary_key(self._partition, sort),
                **(condition or {}),
            }
        }


def _id(before: StoredResource | None, after: StoredResource | None) -> str:
    return _present(before, after).id


def _changed_version(before: StoredResource | None, after: StoredResource | None) -> tuple[str, int]:
    """The id and the version that a change makes; a deletion takes the next one."""
    stored = _present(before, after)
    return stored.id, stored.version + (after is None)


def _present(before: StoredResource | None, after: StoredResource | None) -> StoredResource:
    stored = after or before
    if stored is None:
        raise ValueError("A change is from something or to something.")
    return stored


def _lost(before: StoredResource | None, after: StoredResource | None) -> frozenset[str]:
    """Return the hashes of the identifiers that the user had and has no longer: by these the change is found."""
    if before is None:
        return frozenset()
    if after is not None and all(
        before.resource.get(name) == after.resource.get(name) for name in IDENTIFYING_ATTRIBUTES
    ):
        return frozenset()
    return identifiers_of(before.resource).hashes - (identifiers_of(after.resource).hashes if after else frozenset())


def _is_active(stored: StoredResource | None) -> bool:
    return stored is not None and stored.resource.get("active") is True


def _version(before: StoredResource) -> dict[str, Any]:
    return {"ConditionExpression": "v = :v", "ExpressionAttributeValues": {":v": {"N": str(before.version)}}}


def _version_and_links(before: StoredResource) -> dict[str, Any]:
    """Return the condition of a write that carries links on: one that was made meanwhile would end without an event."""
    version = _version(before)
    condition = "links = :links" if before.links else "attribute_not_exists(links)"
    values = {":links": {"S": before.links}} if before.links else {}
    return {
        "ConditionExpression": f"{version['ConditionExpression']} AND {condition}",
        "ExpressionAttributeValues": version["ExpressionAttributeValues"] | values,
    }


def _owned_by(resource_id: str) -> dict[str, Any]:
    return {"ConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": resource_id}}}
