"""Confirm that the counter of a shard differs from its users.

Each transaction that creates, deletes, activates or deactivates a user also changes the counter of its shard. A shard
is counted twice. If both counts have the same users, and the counter is the same before, between and after them, it was
counted at a time without changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from scim.service.maintenance.findings import Finding, FindingKind
from scim.store import keys
from scim.store.maintenance.check.context import CheckContext, CheckResult, Repair
from scim.store.maintenance.partitions import read_pages
from scim.store.query.counters import ResourceCounters, compute_increment
from scim.store.table import Item
from scim.store.transactions import Action, TransactionRole

_ATTEMPTS = 10


class Counts(NamedTuple):
    """The packed numbers of users of a shard, and the number of its active users."""

    packed: int
    active: int


NO_USERS = Counts(0, 0)


def count_user(item: Item) -> Counts:
    """Return what a user adds to the counter of its shard. ``item`` has the attributes ``sk`` and ``active``."""
    user_id = keys.parse_user_id(item["sk"]["S"])
    return Counts(compute_increment(user_id), int(item.get("active", {}).get("BOOL") is True))


def find_wrong_counters(context: CheckContext, expected: Mapping[str, tuple[int, int]]) -> Iterator[CheckResult]:
    """Yield the counters that differ from the number of users. ``expected`` are the counts of the scan, by key."""
    partition_key = keys.paging_partition(context.tenant_id)
    stored = {
        item["sk"]["S"]: decode_counter(item)
        for page in read_pages(context.table, partition_key, keys.COUNTER_RANGE)
        for item in page
    }
    for sort_key in sorted(stored.keys() | expected.keys()):
        if stored.get(sort_key, NO_USERS) != Counts(*expected.get(sort_key, NO_USERS)):
            yield from _confirm(context, sort_key)


def decode_counter(item: Item | None) -> Counts:
    """Return the numbers in a counter. An attribute that is missing or no number counts as -1, so that it differs."""
    if item is None:
        return NO_USERS
    numbers = [int(item[name]["N"]) if "N" in item.get(name, {}) else -1 for name in ("counts", "active")]
    return Counts(*numbers)


def _confirm(context: CheckContext, sort_key: str) -> Iterator[CheckResult]:
    partition_key = keys.paging_partition(context.tenant_id)
    for _ in range(_ATTEMPTS):
        counter = context.table.get(partition_key, sort_key)
        users = _read_shard(context, sort_key)
        between = context.table.get(partition_key, sort_key)
        if users == _read_shard(context, sort_key) and counter == between == context.table.get(partition_key, sort_key):
            counts = [count_user(item) for item in users]
            actual = Counts(sum(count.packed for count in counts), sum(count.active for count in counts))
            if actual != decode_counter(counter):
                yield CheckResult(
                    _describe(sort_key, decode_counter(counter), actual), _build(context, counter, sort_key, actual)
                )
            return


def _read_shard(context: CheckContext, sort_key: str) -> list[Item]:
    """Return the keys of the users of a shard, and whether they are active."""
    first = keys.user_key(sort_key.removeprefix(keys.COUNTER_PREFIX))
    pages = read_pages(context.table, context.partition_key, keys.id_range(first), ("sk", "active"))
    return [item for page in pages for item in page]


def _describe(sort_key: str, stored: Counts, actual: Counts) -> Finding:
    totals = [ResourceCounters([(sort_key, max(counts.packed, 0))]).total for counts in (stored, actual)]
    detail = f"{totals[0]:,} users ({stored.active:,} active) instead of {totals[1]:,} ({actual.active:,} active)"
    return Finding(FindingKind.COUNTER_WRONG, sort_key, detail)


def _build(context: CheckContext, counter: Item | None, sort_key: str, actual: Counts) -> Repair:
    """Return the repair that corrects a counter on the condition that it has not changed. Other attributes remain."""
    condition, values = _build_condition(counter)
    action = Action.update(
        TransactionRole.COUNTER,
        keys.primary_key(keys.paging_partition(context.tenant_id), sort_key),
        UpdateExpression="SET #counts = :actual_counts, #active = :actual_active",
        ConditionExpression=condition,
        ExpressionAttributeNames={"#counts": "counts", "#active": "active"},  # reserved words
        ExpressionAttributeValues={
            ":actual_counts": {"N": str(actual.packed)},
            ":actual_active": {"N": str(actual.active)},
            **values,
        },
    )
    return Repair((action,))


def _build_condition(counter: Item | None) -> tuple[str, Item]:
    """Return the condition that a counter has not changed, and its values."""
    if counter is None:
        return "attribute_not_exists(sk)", {}
    stored = {name: counter[name] for name in ("counts", "active") if name in counter}
    missing = {"counts", "active"} - stored.keys()
    conditions = [f"#{name} = :{name}" for name in stored] + [
        f"attribute_not_exists(#{name})" for name in sorted(missing)
    ]
    return " AND ".join(conditions), {f":{name}": value for name, value in stored.items()}
