"""The links and the reference index of one tenant: the adapter behind :class:`scim.service.ports.ReferenceStore`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from scim.protocol.schema import ResourceType
from scim.service.model.change_record import ChangeRecord
from scim.service.model.resolved_references import IndexEntry, ResolvedReferences
from scim.service.model.stored_resource import StoredResource, VersionConflict
from scim.store import items, keys
from scim.store.resources import TableConfig
from scim.store.table import Item, Table
from scim.store.transactions import Action, ConditionFailed, TransactionRole, commit

_ATTRIBUTES = ("externalId", "emails.value")
"""Those of the indexed attributes that references are looked up by, in this order."""


class DynamoDBReferenceStore:
    def __init__(self, dynamo: Table, layout: TableConfig, tenant_id: str, resource_type: ResourceType) -> None:
        self._dynamo = dynamo
        self._layout = layout
        self._type = resource_type
        self._partition = keys.tenant(tenant_id)
        self._index = keys.reference_index(tenant_id)

    def get_all(self, ids: Collection[str]) -> dict[str, StoredResource]:
        wanted = [keys.user(each) for each in ids]
        found = map(items.stored, self._dynamo.get_all(self._partition, wanted, items.RESOURCE))
        return {each.id: each for each in found}

    def find_candidates(self, value: str) -> Iterator[Collection[str]]:
        yield self.get_all([value]) if keys.is_user_id(value) else ()
        unique = self._type.unique
        found = self._dynamo.get(self._partition, keys.unique(value, case_exact=unique.case_exact))
        yield [items.referenced(found)] if found else ()
        for name in _ATTRIBUTES:
            if path := self._layout.indexed.get(name):
                entries = keys.entries(keys.indexed_value(name, path, value))
                found_there = self._dynamo.query(self._partition, entries, items.REFERENCE, limit=2)
                yield [items.referenced(each) for each in islice(found_there, 2)]

    def update_index(self, add: Collection[IndexEntry], remove: Collection[IndexEntry]) -> None:
        self._dynamo.write_all(put=list(map(self._entry, add)), delete=list(map(self._entry, remove)))

    def _entry(self, entry: IndexEntry) -> Item:
        user_id, handle = entry
        return items.key(self._index, keys.referrer(handle, user_id))

    def list_referrers(self, handle: str, after: str, limit: int) -> list[str]:
        start = self._entry((after, handle)) if after else None
        found = self._dynamo.query(self._index, keys.referrers(handle), ("sk",), after=start, limit=limit)
        return [keys.referrer_id(item["sk"]["S"]) for item in islice(found, limit)]

    def write_links(self, user: StoredResource, links: ResolvedReferences, change: ChangeRecord) -> None:
        """Write them on the condition that neither the user nor its links have changed since they were read."""
        change_id = self._layout.new_id()
        record = keys.link(user.id, user.version, links.number)

        def is_committed() -> bool:
            found = self._dynamo.get(self._partition, record)
            return found is not None and found["change"]["S"] == change_id

        item = items.change(self._partition, record, change_id, self._layout.expires(), change)
        actions = [
            Action(TransactionRole.RESOURCE, {"Update": self._update(user, links)}),
            Action(
                TransactionRole.CHANGE,
                {
                    "Put": {
                        "TableName": self._dynamo.table,
                        "Item": item,
                        "ConditionExpression": "attribute_not_exists(sk)",
                    }
                },
            ),
        ]
        try:
            commit(self._dynamo, actions, change_id, is_committed, self._layout.new_id)
        except ConditionFailed as failed:
            raise VersionConflict from failed

    def _update(self, user: StoredResource, links: ResolvedReferences) -> dict[str, Any]:
        before = {":before": {"S": user.links}} if user.links else {}
        return {
            "TableName": self._dynamo.table,
            "Key": items.key(self._partition, keys.user(user.id)),
            "UpdateExpression": "SET links = :links",
            "ConditionExpression": f"v = :v AND {'links = :before' if before else 'attribute_not_exists(links)'}",
            "ExpressionAttributeValues": {
                ":v": {"N": str(user.version)},
                ":links": {"S": links.text},
                **before,
            },
        }
