"""Read and write links and the reference index of one tenant: the adapter for :class:`scim.service.ports.LinkStore`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from scim.protocol.schema import ResourceType
from scim.service.model.change_record import ChangeRecord
from scim.service.model.links import ReferrerEntry, UserLinks
from scim.service.model.stored_resource import StoredResource, VersionConflict
from scim.store import items, keys, lookup_keys
from scim.store.resources import ResourceStoreConfig
from scim.store.table import Item, Table
from scim.store.transactions import Action, ConditionFailed, TransactionRole, build_version_condition, commit

# The indexed attributes that can identify the target of a reference, in the order of the lookups.
_LOOKUP_ATTRIBUTES = ("externalId", "emails.value")


class DynamoDBLinkStore:
    """The links and the reference index of one tenant.

    A link is stored in the item of the user who has the reference. The reference index has an entry for each user and
    each identifier that the user refers to.
    """

    def __init__(self, table: Table, config: ResourceStoreConfig, tenant_id: str, resource_type: ResourceType) -> None:
        self._table = table
        self._config = config
        self._resource_type = resource_type
        self._partition_key = keys.resource_partition(tenant_id)
        self._index_partition_key = keys.reference_index_partition(tenant_id)

    def get_all(self, ids: Collection[str]) -> dict[str, StoredResource]:
        """Return the users with these ids that exist, by id. Make one call for every 100 ids."""
        sort_keys = [keys.user_key(user_id) for user_id in ids]
        found_items = self._table.get_all(self._partition_key, sort_keys, items.RESOURCE_ATTRIBUTES)
        return {user.id: user for user in items.decode_resources(found_items, self._table.version_floor)}

    def find_matching_user_ids(self, value: str) -> Iterator[Collection[str]]:
        """Yield the ids of the users that a reference can identify, for one attribute after the other.

        The order is id, userName, externalId, email. There are at most two ids for each attribute: two are enough to
        show that the value is ambiguous. A call is made only when the iterator reaches the attribute.
        """
        yield self.get_all([value]) if keys.is_user_id(value) else ()
        unique = self._resource_type.unique_attribute
        item = self._table.get(self._partition_key, lookup_keys.unique_key(value, is_case_exact=unique.is_case_exact))
        yield [items.decode_lookup_item(item)] if item else ()
        for name in _LOOKUP_ATTRIBUTES:
            if path := self._config.indexed.get(name):
                entries = keys.id_range(lookup_keys.index_prefix(name, path, value))
                found_items = self._table.query(self._partition_key, entries, items.LOOKUP_ITEM_ATTRIBUTES, limit=2)
                yield [items.decode_lookup_item(item) for item in islice(found_items, 2)]

    def update_reference_index(self, add: Collection[ReferrerEntry], remove: Collection[ReferrerEntry]) -> None:
        """Add and remove entries of the reference index without a transaction. The call is idempotent."""
        self._table.write_all(put=list(map(self._entry_key, add)), delete=list(map(self._entry_key, remove)))

    def _entry_key(self, entry: ReferrerEntry) -> Item:
        """Return the primary key of an entry. An entry has no other attributes."""
        user_id, identifier_hash = entry
        return keys.primary_key(self._index_partition_key, keys.referrer_key(identifier_hash, user_id))

    def list_referrers(self, identifier_hash: str, after: str, limit: int) -> list[str]:
        """Return the ids of the users who refer to the user with an identifier, in order.

        The first ``limit`` ids after the id ``after`` are returned.
        """
        start = self._entry_key((after, identifier_hash)) if after else None
        found_items = self._table.query(
            self._index_partition_key, keys.referrer_range(identifier_hash), ("sk",), after=start, limit=limit
        )
        return [keys.parse_referrer_id(item["sk"]["S"]) for item in islice(found_items, limit)]

    def write_links(self, user: StoredResource, links: UserLinks, change: ChangeRecord) -> None:
        """Write links and the change record in one transaction.

        Raise :class:`VersionConflict` if the user or its links have changed since they were read.
        """
        new_id = self._config.new_id
        change_id, sort_key = new_id(), keys.link_change_key(user.id, user.version, links.sequence)
        record = items.encode_change(self._partition_key, sort_key, change_id, self._config.change_expiry(), change)
        try:
            commit(self._table, [self._prepare_links(user, links)], record, change_id, new_id)
        except ConditionFailed as failed:
            raise VersionConflict from failed

    def _prepare_links(self, user: StoredResource, links: UserLinks) -> Action:
        condition = "links = :before" if user.links_json else "attribute_not_exists(links)"
        before = {":before": {"S": user.links_json}} if user.links_json else {}
        version = build_version_condition(user.version, self._table.version_floor)
        values = {**version["ExpressionAttributeValues"], ":links": {"S": links.to_json()}, **before}
        return Action.update(
            TransactionRole.RESOURCE,
            keys.primary_key(self._partition_key, keys.user_key(user.id)),
            UpdateExpression="SET links = :links",
            ConditionExpression=f"{version['ConditionExpression']} AND {condition}",
            ExpressionAttributeValues=values,
        )
