"""What all parts of a check need, and what they produce: problems, with the writes that repair them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from scim.protocol.schema import ResourceType
from scim.service.maintenance.findings import Finding, FindingKind
from scim.service.model.stored_resource import StoredResource
from scim.service.model.timestamps import parse_rfc3339
from scim.store import items, keys
from scim.store.links import DynamoDBLinkStore
from scim.store.maintenance.check.expected import ExpectedItems, compute_expected_items, parse_user
from scim.store.resources import ResourceStoreConfig
from scim.store.table import Item, Table
from scim.store.transactions import NOT_EXISTS_CONDITION, Action, TransactionRole, build_version_condition

LINK_GRACE_S = 3_600.0
"""The time that link tasks may take. Links and reference entries of changes that are younger are not checked."""


@dataclass(frozen=True, slots=True)
class Repair:
    """The writes that repair a problem.

    ``actions`` are written in one transaction with ``record``, if any. ``resolved_user_id`` is the user whose reference
    entries and links are computed again.
    """

    actions: tuple[Action, ...] = ()
    record: Item | None = None
    resolved_user_id: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A finding, and its repair, ``None`` if it has none."""

    finding: Finding
    repair: Repair | None = None


@dataclass(frozen=True, slots=True)
class CheckContext:
    """The tenant to check.

    ``retention_s`` is how long new change records are kept, in seconds. ``is_deprovisioning_lost`` says whether users
    whose item is lost count as deleted.
    """

    table: Table
    tenant_id: str
    resource_type: ResourceType
    config: ResourceStoreConfig
    retention_s: float
    is_deprovisioning_lost: bool = False
    lost_user_ids: set[str] = field(default_factory=set)
    """The lost users that were already reported."""

    @property
    def partition_key(self) -> str:
        """The partition of users, lookup items and change records."""
        return keys.resource_partition(self.tenant_id)

    @property
    def link_store(self) -> DynamoDBLinkStore:
        """The store of links and reference entries."""
        return DynamoDBLinkStore(self.table, self.config, self.tenant_id, self.resource_type)

    @property
    def now(self) -> Callable[[], float]:
        """The clock, in seconds since 1970."""
        return self.config.now

    def get_user_items(self, ids: Collection[str]) -> dict[str, Item]:
        """Return the items of the users that exist, by id, with the attributes of a resource."""
        sort_keys = [keys.user_key(user_id) for user_id in sorted(set(ids))]
        found_items = self.table.get_all(self.partition_key, sort_keys, items.RESOURCE_ATTRIBUTES)
        return {keys.parse_user_id(item["sk"]["S"]): item for item in found_items}

    def get_user_item(self, user_id: str) -> Item | None:
        """Return the item of a user, ``None`` if it does not exist."""
        return self.get_user_items([user_id]).get(user_id)

    def parse(self, item: Item | None) -> StoredResource | None:
        """Return the user in an item, ``None`` if there is none, or it is not one that the check can use."""
        user = parse_user(item, self.resource_type) if item else None
        return user if user and user.resource["id"] == user.id else None

    def expect(self, user: StoredResource) -> ExpectedItems:
        """Return the items that a user must have."""
        return compute_expected_items(user, self.config, self.resource_type)

    def is_recent(self, time: str) -> bool:
        """Return whether link tasks of a change at this time (RFC 3339) may still run."""
        return parse_rfc3339(time) > self.now() - LINK_GRACE_S

    def require_user(self, user_id: str, item: Item | None) -> Action:
        """Return the action that requires that a user is still in the version that was read, or still missing."""
        key = keys.primary_key(self.partition_key, keys.user_key(user_id))
        condition = NOT_EXISTS_CONDITION if item is None else build_version_condition(int(item["v"]["N"]))
        return Action.check(TransactionRole.RESOURCE, key, condition)

    def report_lost(self, user_id: str, detail: str) -> list[CheckResult]:
        """Return the problem that a user is lost, unless it was already reported."""
        if user_id in self.lost_user_ids:
            return []
        self.lost_user_ids.add(user_id)
        return [CheckResult(Finding(FindingKind.USER_LOST, user_id, detail))]


def is_same_version(before: Item | None, after: Item | None) -> bool:
    """Return whether a user has not changed between two reads, and existed in both."""
    return (
        before is not None
        and after is not None
        and (before.get("v"), before.get("links")) == (after.get("v"), after.get("links"))
    )
