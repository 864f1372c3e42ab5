"""Confirm that users lack lookup items or reference entries, and that such items are orphaned.

A user, its unique key and its index entries change in the same transaction, which also changes the user's version. So
if a user has the same version before and after a read of the other items, these were read in its version.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from scim.service.maintenance.findings import Finding, FindingKind
from scim.service.model.stored_resource import StoredResource
from scim.store import items, keys
from scim.store.maintenance.check.context import CheckContext, CheckResult, Repair, is_same_version
from scim.store.maintenance.check.expected import ExpectedItems
from scim.store.maintenance.check.history import read_history
from scim.store.table import Item
from scim.store.transactions import NOT_EXISTS_CONDITION, Action, Condition, TransactionRole

USERS_PER_BATCH = 25
"""The number of users that are confirmed with a few calls."""
_ATTEMPTS = 10


def find_missing_items(context: CheckContext, ids: Sequence[str]) -> Iterator[CheckResult]:
    """Yield what users lack: their unique key, index entries and reference entries.

    A user that changes in each of ten attempts is left out: each of its writes would have failed without its items.
    """
    remaining: Collection[str] = ids
    for _ in range(_ATTEMPTS):
        before = context.get_user_items(remaining)
        users = [user for item in before.values() if (user := context.parse(item))]
        expected = {user.id: context.expect(user) for user in users}
        lookup_owners, referrer_keys = _read_items(context, expected.values())
        after = context.get_user_items([user.id for user in users])
        remaining = []
        for user in users:
            if is_same_version(before[user.id], after.get(user.id)):
                yield from _compare(context, user, before[user.id], expected[user.id], lookup_owners, referrer_keys)
            else:
                remaining.append(user.id)
        if not remaining:
            return


def _read_items(context: CheckContext, expected: Collection[ExpectedItems]) -> tuple[dict[str, str], set[str]]:
    """Return the owners of lookup items by sort key, and the sort keys of reference entries that exist."""
    sort_keys = sorted({key for one in expected for key in one.lookup_keys})
    found_items = context.table.get_all(context.partition_key, sort_keys, items.LOOKUP_ITEM_ATTRIBUTES)
    owners = {item["sk"]["S"]: item.get("id", {}).get("S", "") for item in found_items}
    referrer_keys = sorted({key for one in expected for key in one.referrer_keys})
    partition_key = keys.reference_index_partition(context.tenant_id)
    entries = context.table.get_all(partition_key, referrer_keys, ("sk",)) if referrer_keys else []
    return owners, {item["sk"]["S"] for item in entries}


def _compare(
    context: CheckContext,
    user: StoredResource,
    item: Item,
    expected: ExpectedItems,
    owners: dict[str, str],
    referrer_keys: set[str],
) -> Iterator[CheckResult]:
    """Yield what a user lacks."""
    if (owner := owners.get(expected.unique_key)) != user.id:
        yield _describe_unique_key(context, user, item, expected.unique_key, owner)
    if missing := sorted(key for key in expected.index_entries if owners.get(key) != user.id):
        puts = (items.encode_lookup_item(context.partition_key, key, user.id) for key in missing)
        actions = [context.require_user(user.id, item), *(Action.put(TransactionRole.INDEX, put) for put in puts)]
        attributes = ", ".join(sorted({_get_attribute(key) for key in missing}))
        yield CheckResult(Finding(FindingKind.INDEX_ENTRY_MISSING, user.id, attributes), Repair(tuple(actions)))
    if expected.referrer_keys - referrer_keys and not context.is_recent(user.modified):
        number = len(expected.referrer_keys - referrer_keys)
        finding = Finding(FindingKind.REFERENCE_ENTRY_MISSING, user.id, f"{number} of {len(expected.referrer_keys)}")
        yield CheckResult(finding, Repair(resolved_user_id=user.id))


def _describe_unique_key(
    context: CheckContext, user: StoredResource, item: Item, sort_key: str, owner: str | None
) -> CheckResult:
    """Return the problem of a user whose unique key is missing (``owner`` is ``None``) or names another user."""
    name = user.resource[context.resource_type.unique_attribute.name]
    put = items.encode_lookup_item(context.partition_key, sort_key, user.id)
    require_user = context.require_user(user.id, item)
    if owner is None:
        action = Action.put(TransactionRole.UNIQUE, put, NOT_EXISTS_CONDITION)
        return CheckResult(Finding(FindingKind.UNIQUE_KEY_MISSING, user.id, name), Repair((require_user, action)))
    owner_item = context.get_user_item(owner) if keys.is_user_id(owner) else None
    other = context.parse(owner_item)
    if other and context.expect(other).unique_key == sort_key:
        return CheckResult(Finding(FindingKind.DUPLICATE_NAME, user.id, f"{name}, also of the user {owner}"))
    action = Action.put(TransactionRole.UNIQUE, put, _build_owner_condition(owner))
    require_owner = [context.require_user(owner, owner_item)] if keys.is_user_id(owner) else []
    repair = Repair((require_user, *require_owner, action))
    return CheckResult(Finding(FindingKind.UNIQUE_KEY_MISSING, user.id, f"{name}, the key names {owner}"), repair)


def find_orphans(context: CheckContext, partition_key: str, owners: dict[str, str]) -> Iterator[CheckResult]:
    """Yield which of the items, sort keys with the ids of their users, have no user with this value.

    The items were read before the call. An item that existed before and after the user was missing is orphaned: ids are
    never used again.
    """
    before = context.get_user_items(owners.values())
    found_items = context.table.get_all(partition_key, sorted(owners), items.LOOKUP_ITEM_ATTRIBUTES)
    after = context.get_user_items(before)
    for item in sorted(found_items, key=lambda item: item["sk"]["S"]):
        sort_key = item["sk"]["S"]
        user_id = owners[sort_key]
        if "id" in item and item["id"]["S"] != user_id:
            continue  # another user has got the value in the meantime
        user_item = before.get(user_id)
        if user_item is None:
            yield from _describe_absent(context, partition_key, sort_key, user_id)
        elif is_same_version(user_item, after.get(user_id)) and (user := context.parse(user_item)):
            yield from _describe_surplus(context, partition_key, sort_key, user, user_item)


def _describe_surplus(
    context: CheckContext, partition_key: str, sort_key: str, user: StoredResource, item: Item
) -> Iterator[CheckResult]:
    """Yield the problem if an existing user does not have the value of an item."""
    expected = context.expect(user)
    if sort_key in expected.lookup_keys or sort_key in expected.referrer_keys:
        return
    if sort_key.startswith("W#") and context.is_recent(user.modified):
        return
    yield _build_orphan(context, partition_key, sort_key, user.id, item)


def _describe_absent(context: CheckContext, partition_key: str, sort_key: str, user_id: str) -> Iterator[CheckResult]:
    """Yield the problem of an item whose user does not exist: the user was deleted, or it is lost."""
    history = read_history(context.table, context.tenant_id, user_id, context.now())
    if not (history.is_deleted or context.is_deprovisioning_lost):
        yield from context.report_lost(user_id, f"{sort_key} exists")
    elif history.last is None or not (sort_key.startswith("W#") and context.is_recent(history.last["at"]["S"])):
        yield _build_orphan(context, partition_key, sort_key, user_id, None)


def _build_orphan(
    context: CheckContext, partition_key: str, sort_key: str, user_id: str, user_item: Item | None
) -> CheckResult:
    key = keys.primary_key(partition_key, sort_key)
    if sort_key.startswith("W#"):
        kind, condition = FindingKind.REFERENCE_ENTRY_ORPHANED, {}
    else:
        kind, condition = FindingKind.UNIQUE_KEY_ORPHANED, dict(_build_owner_condition(user_id))
        if sort_key.startswith("I#"):
            is_indexed = _get_attribute(sort_key) in context.config.indexed
            kind = FindingKind.INDEX_ENTRY_ORPHANED if is_indexed else FindingKind.INDEX_ENTRY_UNUSED
    delete = Action.delete(TransactionRole.INDEX, key, condition)
    return CheckResult(Finding(kind, user_id, sort_key), Repair((context.require_user(user_id, user_item), delete)))


def _get_attribute(sort_key: str) -> str:
    """Return the name of the attribute from the key of an index entry. A name can contain no ``#``."""
    return sort_key.split("#")[1]


def _build_owner_condition(user_id: str) -> Condition:
    """Return the condition that an item belongs to a user. An item without an id belongs to the user ""."""
    if not user_id:
        return {"ConditionExpression": "attribute_not_exists(id)"}
    return {"ConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": user_id}}}
