"""Compute the items that a stored user must have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scim.protocol.schema import ResourceType
from scim.service.model.links import UserLinks
from scim.service.model.stored_resource import StoredResource, UnreadableResource
from scim.service.model.timestamps import parse_rfc3339
from scim.service.references.links import find_reference_hashes
from scim.store import items, keys, lookup_keys
from scim.store.resources import ResourceStoreConfig
from scim.store.table import Item


@dataclass(frozen=True, slots=True)
class ExpectedItems:
    """The sort keys of the items of one version of a user.

    ``referrer_keys`` are those in the reference index. Link tasks write them a little later than the user.
    """

    unique_key: str
    index_entries: frozenset[str]
    referrer_keys: frozenset[str]

    @property
    def lookup_keys(self) -> list[str]:
        """The sort keys of the unique key and of all index entries."""
        return [self.unique_key, *self.index_entries]


def compute_expected_items(
    user: StoredResource, config: ResourceStoreConfig, resource_type: ResourceType
) -> ExpectedItems:
    """Return the items that a user must have, with the indexed attributes of today."""
    unique = resource_type.unique_attribute
    hashes = find_reference_hashes(user, resource_type)
    return ExpectedItems(
        lookup_keys.unique_key(user.resource[unique.name], is_case_exact=unique.is_case_exact),
        frozenset(lookup_keys.index_entry_keys(user.resource, user.id, config.indexed)),
        frozenset(keys.referrer_key(identifier_hash, user.id) for identifier_hash in hashes),
    )


def parse_user(item: Item, resource_type: ResourceType) -> StoredResource | None:
    """Return the user in an item, ``None`` if its document, times or links cannot be read or it has no ``userName``.

    Its version is the stored one, even if a restored table has a higher lowest version.
    """
    try:
        user = items.decode_resource(item, 0)
        resource: Any = user.resource
        parse_rfc3339(user.created)
        parse_rfc3339(user.modified)
        UserLinks.parse(user.links_json)
    except (UnreadableResource, ValueError, TypeError):
        return None
    is_complete = (
        isinstance(resource, dict)
        and isinstance(resource.get(resource_type.unique_attribute.name), str)
        and isinstance(resource.get("id"), str)
        and keys.is_user_id(user.id)
        and user.version > 0
    )
    return user if is_complete else None
