"""The links of one tenant's users, and who seeks whom: the adapter behind :class:`scim.service.linking.LinkStore`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from scim.protocol.schema import ResourceType
from scim.service.linking import Seeking
from scim.service.links import Links
from scim.service.ports import Change, VersionConflict
from scim.service.stored import Stored
from scim.store import items, keys
from scim.store.dynamo import Dynamo, Item
from scim.store.resources import Layout
from scim.store.transactions import Action, ConditionFailed, Part, commit

_ATTRIBUTES = ("externalId", "emails.value")
"""Those of the indexed attributes that references are looked up by, in this order."""


class LinkStore:
    def __init__(self, dynamo: Dynamo, layout: Layout, tenant_id: str, resource_type: ResourceType) -> None:
        self._dynamo = dynamo
        self._layout = layout
        self._type = resource_type
        self._partition = keys.tenant(tenant_id)
        self._seeking = keys.seeking(tenant_id)

    def get_all(self, ids: Collection[str]) -> dict[str, Stored]:
        wanted = [keys.user(each) for each in ids]
        found = map(items.stored, self._dynamo.get_all(self._partition, wanted, items.RESOURCE))
        return {each.id: each for each in found}

    def named(self, value: str) -> Iterator[Collection[str]]:
        yield self.get_all([value]) if keys.is_user_id(value) else ()
        unique = self._type.unique
        found = self._dynamo.get(self._partition, keys.unique(value, case_exact=unique.case_exact))
        yield [items.referenced(found)] if found else ()
        for name in _ATTRIBUTES:
            if path := self._layout.indexed.get(name):
                entries = keys.entries(keys.indexed_value(name, path, value))
                found_there = self._dynamo.query(self._partition, entries, items.REFERENCE, limit=2)
                yield [items.referenced(each) for each in islice(found_there, 2)]

    def enter(self, seeking: Collection[Seeking], no_longer: Collection[Seeking]) -> None:
        self._dynamo.write_all(put=list(map(self._entry, seeking)), delete=list(map(self._entry, no_longer)))

    def _entry(self, seeking: Seeking) -> Item:
        user_id, handle = seeking
        return items.key(self._seeking, keys.seeker(handle, user_id))

    def seekers(self, handle: str) -> Iterator[str]:
        for item in self._dynamo.query(self._seeking, keys.seekers(handle), ("sk",)):
            yield keys.seeker_id(item["sk"]["S"])

    def link(self, user: Stored, links: Links, change: Change) -> None:
        """On the condition that neither the user nor its links have changed since they were read."""
        change_id = self._layout.new_id()
        record = keys.link(user.id, user.version, links.number)

        def is_committed() -> bool:
            found = self._dynamo.get(self._partition, record)
            return found is not None and found["change"]["S"] == change_id

        item = items.change(self._partition, record, change_id, self._layout.expires(), change)
        actions = [
            Action(Part.RESOURCE, {"Update": self._update(user, links)}),
            Action(
                Part.CHANGE,
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

    def _update(self, user: Stored, links: Links) -> dict[str, Any]:
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
