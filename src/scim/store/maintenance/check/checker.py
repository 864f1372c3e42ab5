"""Scan all items of a tenant, and yield the confirmed problems.

The steps read the partitions one after the other. What a step has to remember for a later one is in the scratch file,
with the position, so that an interrupted check continues. Memory does not grow with the number of users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scim.service.maintenance.findings import Finding, FindingKind
from scim.service.maintenance.ports import ProgressReporter
from scim.service.model.identifiers import identify_user
from scim.service.model.stored_resource import StoredResource
from scim.store import items, keys, lookup_keys
from scim.store.keys import KeyRange
from scim.store.maintenance.check.context import CheckContext, CheckResult, Repair
from scim.store.maintenance.check.counters import count_user, find_wrong_counters
from scim.store.maintenance.check.expected import parse_user
from scim.store.maintenance.check.history import History
from scim.store.maintenance.check.history_stream import HistoryStream
from scim.store.maintenance.check.known_keys import build_known_keys
from scim.store.maintenance.check.links import find_wrong_links, list_targets
from scim.store.maintenance.check.lookups import USERS_PER_BATCH, find_missing_items, find_orphans
from scim.store.maintenance.check.records import check_records, has_contradiction
from scim.store.maintenance.check.scratch import Scratch, hash_item
from scim.store.maintenance.partitions import WHOLE_PARTITION, read_pages
from scim.store.table import Item
from scim.store.transactions import Action, TransactionRole


class Step(StrEnum):
    """The steps of a check, in order. The values are labels of the progress, and stored in the scratch file."""

    USERS = "Users and change records"
    LOOKUP_ITEMS = "Unique keys and index entries"
    REFERENCE_INDEX = "Reference index"
    MISSING_ITEMS = "Missing items"
    COUNTERS = "Counters"
    LINKS = "Links"
    OTHER_ITEMS = "Other items"


_STEPS = list(Step)
_USER_ATTRIBUTES = (*items.RESOURCE_ATTRIBUTES, "active")


@dataclass(frozen=True, slots=True)
class TenantChecker:
    """Checks one tenant. ``scratch`` can have the results of an interrupted check, which is continued.

    ``known_keys`` of other partitions are checked in the last step.
    """

    context: CheckContext
    scratch: Scratch
    progress: ProgressReporter

    def run(self, user_count: int) -> Iterator[CheckResult]:
        """Yield the problems. ``user_count`` is the number of users by the counters, for the progress.

        The caller can repair each problem before it takes the next one.
        """
        reached = self.scratch.read_state("step") or Step.USERS
        steps: dict[Step, Callable[[str], Iterator[CheckResult]]] = {
            Step.USERS: self._check_users,
            Step.LOOKUP_ITEMS: self._check_lookup_items,
            Step.REFERENCE_INDEX: self._check_reference_index,
            Step.MISSING_ITEMS: self._check_missing_items,
            Step.COUNTERS: self._check_counters,
            Step.LINKS: self._check_links,
            Step.OTHER_ITEMS: self._check_other_items,
        }
        for step in _STEPS[_STEPS.index(Step(reached)) :]:
            position = self.scratch.read_state("position") if step == reached else ""
            self.progress.start_step(step, user_count if step is Step.USERS else None)
            self._save(step, position)
            yield from steps[step](position)

    def _save(self, step: Step, position: str) -> None:
        self.scratch.save(step=step, position=position)

    def _check_users(self, after: str) -> Iterator[CheckResult]:
        """Check each user with its change records, and remember the items that it must have."""
        context = self.context
        stream = HistoryStream(context, after)
        pages = read_pages(
            context.table,
            context.partition_key,
            keys.user_range(),
            _USER_ATTRIBUTES,
            after=keys.user_key(after) if after else "",
        )
        for page in pages:
            for item in page:
                yield from self._check_user(item, stream)
            self.progress.advance(len(page))
            self._save(Step.USERS, keys.parse_user_id(page[-1]["sk"]["S"]))
        for history in stream.take_rest():
            yield from self._check_absent(history)
        yield from stream.take_unknown()

    def _check_user(self, item: Item, stream: HistoryStream) -> Iterator[CheckResult]:
        user_id = keys.parse_user_id(item["sk"]["S"])
        for history in stream.take_until(user_id):
            yield from self._check_absent(history)
        history = stream.take(user_id)
        self.scratch.add_counts(keys.counter_key(user_id), *count_user(item))
        user = parse_user(item, self.context.resource_type)
        if user is None:
            yield from self._confirm_unreadable(user_id)
        elif user.resource["id"] != user.id:
            yield CheckResult(Finding(FindingKind.USER_COPY, user.id, f"its document has the id {user.resource['id']}"))
        else:
            self._remember(user)
            if has_contradiction(self.context, user, history):
                yield from check_records(self.context, user.id)

    def _remember(self, user: StoredResource) -> None:
        expected = self.context.expect(user)
        self.scratch.expect(user.id, [*expected.lookup_keys, *expected.referrer_keys])
        self.scratch.add_identifiers(user.id, identify_user(user.resource).hashes)
        if user.links_json or expected.referrer_keys:
            self.scratch.add_references(user.id, list_targets(self.context, user))

    def _confirm_unreadable(self, user_id: str) -> Iterator[CheckResult]:
        item = self.context.get_user_item(user_id)
        if item is not None and parse_user(item, self.context.resource_type) is None:
            yield CheckResult(Finding(FindingKind.USER_UNREADABLE, user_id))

    def _check_absent(self, history: History) -> Iterator[CheckResult]:
        """Check change records without a user: the user must have been deleted."""
        if history.gaps or not history.is_deleted:
            yield from check_records(self.context, history.user_id)

    def _check_lookup_items(self, after: str) -> Iterator[CheckResult]:
        """Check that each unique key and index entry was expected."""
        key_range = KeyRange("I#", lookup_keys.unique_key_range(None, None).last)
        return self._check_items(Step.LOOKUP_ITEMS, self.context.partition_key, key_range, after)

    def _check_reference_index(self, after: str) -> Iterator[CheckResult]:
        """Check that each entry of the reference index was expected."""
        partition_key = keys.reference_index_partition(self.context.tenant_id)
        return self._check_items(Step.REFERENCE_INDEX, partition_key, WHOLE_PARTITION, after)

    def _check_items(self, step: Step, partition_key: str, key_range: KeyRange, after: str) -> Iterator[CheckResult]:
        known_keys = build_known_keys(self.context.tenant_id)[partition_key]
        for page in read_pages(self.context.table, partition_key, key_range, ("sk", "id"), after=after):
            owners: dict[str, str] = {}
            for item in page:
                sort_key = item["sk"]["S"]
                owner = keys.parse_referrer_id(sort_key) if sort_key.startswith("W#") else _get_owner(item)
                if known_keys.fullmatch(sort_key) and keys.is_user_id(owner):
                    owners[sort_key] = owner
                else:
                    yield self._describe_unknown(partition_key, sort_key)
            hashes = {hash_item(sort_key, owner): sort_key for sort_key, owner in owners.items()}
            surplus = hashes.keys() - self.scratch.take_expected(list(hashes))
            for batch in _split([hashes[key] for key in sorted(surplus, key=hashes.__getitem__)]):
                yield from find_orphans(self.context, partition_key, {key: owners[key] for key in batch})
            self.progress.advance(len(page))
            self._save(step, page[-1]["sk"]["S"])

    def _check_missing_items(self, _: str) -> Iterator[CheckResult]:
        """Check the users with expected items that no step has found."""
        while ids := self.scratch.take_users_with_missing_items(USERS_PER_BATCH):
            yield from find_missing_items(self.context, ids)
            self.progress.advance(len(ids))
            self._save(Step.MISSING_ITEMS, "")

    def _check_counters(self, _: str) -> Iterator[CheckResult]:
        return find_wrong_counters(self.context, self.scratch.read_counts())

    def _check_links(self, after: str) -> Iterator[CheckResult]:
        for batch in _split(list(self.scratch.list_suspicious_referrers(after))):
            yield from find_wrong_links(self.context, batch)
            self.progress.advance(len(batch))
            self._save(Step.LINKS, batch[-1])

    def _check_other_items(self, _: str) -> Iterator[CheckResult]:
        """Check the keys of all other items, and the entry in the list of tenants."""
        yield from self._check_list_entry()
        for partition_key, pattern in build_known_keys(self.context.tenant_id).items():
            if partition_key == keys.reference_index_partition(self.context.tenant_id):
                continue
            is_resources = partition_key == self.context.partition_key
            for key_range in _OTHER_RANGES if is_resources else (WHOLE_PARTITION,):
                for page in read_pages(self.context.table, partition_key, key_range, ("sk",)):
                    sort_keys = [item["sk"]["S"] for item in page]
                    for sort_key in (sort_key for sort_key in sort_keys if not pattern.fullmatch(sort_key)):
                        yield self._describe_unknown(partition_key, sort_key)
                    self.progress.advance(len(page))

    def _check_list_entry(self) -> Iterator[CheckResult]:
        tenant_id = self.context.tenant_id
        if self.context.table.get(keys.TENANT_LIST_PARTITION, tenant_id) is None:
            entry = keys.primary_key(keys.TENANT_LIST_PARTITION, tenant_id)
            settings = keys.primary_key(keys.settings_partition(tenant_id), keys.SETTINGS_KEY)
            exists = {"ConditionExpression": "attribute_exists(sk)"}
            actions = (
                Action.check(TransactionRole.RESOURCE, settings, exists),
                Action.put(TransactionRole.INDEX, entry),
            )
            yield CheckResult(Finding(FindingKind.TENANT_NOT_LISTED, tenant_id), Repair(actions))

    def _describe_unknown(self, partition_key: str, sort_key: str) -> CheckResult:
        return CheckResult(Finding(FindingKind.UNKNOWN_ITEM, f"{partition_key} {sort_key}"))


# The keys of the partition of users that the other steps do not read.
_OTHER_RANGES = (
    KeyRange(" ", 'C"\U0010ffff'),
    KeyRange("C$", 'I"\U0010ffff'),
    KeyRange("N$", 'U"\U0010ffff'),
    KeyRange(f"{keys.user_range().last}", "\U0010ffff"),
)


def _get_owner(item: Item) -> str:
    """Return the id in a lookup item, empty if it has none."""
    return str(item.get("id", {}).get("S", ""))


def _split(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the values in batches."""
    for first in range(0, len(values), USERS_PER_BATCH):
        yield values[first : first + USERS_PER_BATCH]
