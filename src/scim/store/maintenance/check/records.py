"""Confirm that change records and users contradict each other.

A change record is written in the transaction that gives the user its version. So if a user has the same version before
and after a read of its records, all records up to this version were there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from scim.service.maintenance.findings import Finding, FindingKind
from scim.service.model.change_record import ChangeRecord, Operation, Participation
from scim.service.model.links import UserLinks
from scim.service.model.stored_resource import StoredResource
from scim.service.model.timestamps import format_rfc3339
from scim.store import items, keys
from scim.store.maintenance.check.context import CheckContext, CheckResult, Repair, is_same_version
from scim.store.maintenance.check.history import (
    History,
    RecordPosition,
    can_have_expired,
    list_between,
    parse_position,
    read_history,
)
from scim.store.table import Item
from scim.store.transactions import NOT_EXISTS_CONDITION, Action, TransactionRole

REPAIR_ACTOR = "muster"
"""The actor of the records that a repair writes."""
REPAIR_REQUEST_ID = "check"
"""The request id of the records and events of a repair."""
_ATTEMPTS = 10


def check_records(context: CheckContext, user_id: str) -> Iterator[CheckResult]:
    """Yield the contradictions between a user, or a user that does not exist, and its change records."""
    for _ in range(_ATTEMPTS):
        before = context.get_user_item(user_id)
        history = read_history(context.table, context.tenant_id, user_id, context.now())
        after = context.get_user_item(user_id)
        if before is None and after is None:
            yield from _check_absent(context, history)
            return
        if is_same_version(before, after):
            if before and (user := context.parse(before)):
                yield from _check_present(_UserWithRecords(context, user, before, history))
            return


def has_contradiction(context: CheckContext, user: StoredResource, history: History) -> bool:
    """Return whether a user and its records, which were read at different times, seem to contradict each other."""
    return any(True for _ in _check_present(_UserWithRecords(context, user, {"v": {"N": str(user.version)}}, history)))


def _check_absent(context: CheckContext, history: History) -> Iterator[CheckResult]:
    """Yield the problem of records without a user, if no deletion is recorded."""
    if history.last is None:
        return
    if history.is_deleted:
        yield from _describe_gaps(history.user_id, history.gaps)
        return
    # The user may have been deleted after its records were read.
    latest = read_history(context.table, context.tenant_id, history.user_id, context.now())
    last = latest.last_change or latest.last
    if latest.is_deleted or last is None or latest.can_deletion_have_expired(context.now()):
        return
    name = last["userName"]["S"]
    if context.is_deprovisioning_lost:
        finding = Finding(FindingKind.USER_LOST, history.user_id, name)
        yield CheckResult(finding, _build_deletion(context, latest, last))
    else:
        yield from context.report_lost(history.user_id, name)


def _build_deletion(context: CheckContext, history: History, last: Item) -> Repair:
    """Return the repair that records the deletion of a lost user."""
    was_active = last["active"]["BOOL"]
    change = ChangeRecord(
        at=format_rfc3339(context.now()),
        operation=Operation.DELETE,
        attributes_changed=["active"] if was_active else [],
        participation=Participation.LEFT if was_active else Participation.UNCHANGED,
        actor=REPAIR_ACTOR,
        request_id=REPAIR_REQUEST_ID,
        leniencies=(),
        resource_type=context.resource_type.name,
        user_name=last["userName"]["S"],
        external_id=None,
        active=False,
    )
    version = max(history.last_version, context.table.version_floor) + 1
    record = _encode(context, history.user_id, RecordPosition(version, 0), change)
    return Repair((context.require_user(history.user_id, None),), record)


@dataclass(frozen=True, slots=True)
class _UserWithRecords:
    """An existing user and its records."""

    context: CheckContext
    user: StoredResource
    item: Item
    history: History

    @property
    def links(self) -> UserLinks:
        return UserLinks.parse(self.user.links_json)


def _check_present(subject: _UserWithRecords) -> Iterator[CheckResult]:
    """Yield the contradictions between an existing user and its records."""
    context, user, history = subject.context, subject.user, subject.history
    present, last = RecordPosition(user.version, subject.links.sequence), _get_last_position(history)
    gaps = history.list_gaps(user.created, context.now())
    if last.version <= context.table.version_floor and _is_after(last, present):
        pass  # in a restored table, the next version is above the floor, so these records do no harm
    elif _is_after(last, present):
        finding = Finding(FindingKind.CHANGE_RECORD_AHEAD, user.id, f"{last}, but the user has version {user.version}")
        yield CheckResult(finding, _build_new_version(subject, last))
    elif history.lacks_last(present.version, present.link_number, user.modified, context.retention_s, context.now()):
        missing = [position for position in (RecordPosition(user.version, 0), present) if _is_after(position, last)]
        missing = list(dict.fromkeys(missing))
        has_earlier = history.last or not can_have_expired(user.created, context.retention_s, context.now())
        for before, after in pairwise([last, *missing] if has_earlier else missing):
            gaps = [*gaps, *list_between(before, after)]
        finding = Finding(FindingKind.CHANGE_RECORD_MISSING, user.id, "; ".join(map(str, missing)))
        yield CheckResult(finding, _build_records(subject, missing))
    yield from _describe_gaps(user.id, gaps)


def _get_last_position(history: History) -> RecordPosition:
    return parse_position(history.last) if history.last else RecordPosition(0, 0)


def _is_after(first: RecordPosition, second: RecordPosition) -> bool:
    return (first.version, first.link_number) > (second.version, second.link_number)


def _describe_gaps(user_id: str, gaps: list[RecordPosition]) -> Iterator[CheckResult]:
    if gaps:
        yield CheckResult(Finding(FindingKind.CHANGE_RECORD_GAP, user_id, "; ".join(map(str, gaps))))


def _build_records(subject: _UserWithRecords, positions: Sequence[RecordPosition]) -> Repair:
    """Return the repair that adds the record of the present version, that of its last link change, or both."""
    record, *others = [_encode_record(subject, position) for position in positions]
    puts = (Action.put(TransactionRole.CHANGE, other, NOT_EXISTS_CONDITION) for other in others)
    return Repair((subject.context.require_user(subject.user.id, subject.item), *puts), record)


def _encode_record(subject: _UserWithRecords, position: RecordPosition) -> Item:
    """Return the item of the record of the present version, or of its last link change."""
    if position.link_number:
        change = _describe_links(subject)
    else:
        change = _describe_user(subject, is_creation=position.version == 1)
    return _encode(subject.context, subject.user.id, position, change)


def _build_new_version(subject: _UserWithRecords, last: RecordPosition) -> Repair:
    """Return the repair that gives the user the version after its newest record. The document stays the same."""
    context, user = subject.context, subject.user
    now, version = format_rfc3339(context.now()), max(last.version, context.table.version_floor) + 1
    links = replace(subject.links, sequence=0).to_json()
    after = replace(user, version=version, modified=now, links_json=links)
    put = items.encode_resource(context.partition_key, keys.user_key(user.id), after)
    required = context.require_user(user.id, subject.item).request["ConditionCheck"]
    condition = {name: value for name, value in required.items() if name != "Key"}
    change = replace(_describe_user(subject, is_creation=False), at=now)
    record = _encode(context, user.id, RecordPosition(version, 0), change)
    return Repair((Action.put(TransactionRole.RESOURCE, put, condition),), record)


def _describe_user(subject: _UserWithRecords, *, is_creation: bool) -> ChangeRecord:
    """Return a record with the present state of a user. Any attribute may have changed."""
    resource, before = subject.user.resource, subject.history.last_change
    is_active = resource.get("active") is True
    was_active = before is not None and before["active"]["BOOL"]
    participation = Participation.UNCHANGED
    if is_active != was_active:
        participation = Participation.JOINED if is_active else Participation.LEFT
    return ChangeRecord(
        at=subject.user.modified,
        operation=Operation.CREATE if is_creation else Operation.REPLACE,
        attributes_changed=sorted(resource.keys() - {"id", "schemas"}),
        participation=participation,
        actor=REPAIR_ACTOR,
        request_id=REPAIR_REQUEST_ID,
        leniencies=(),
        resource_type=subject.context.resource_type.name,
        user_name=resource[subject.context.resource_type.unique_attribute.name],
        external_id=resource.get("externalId"),
        active=is_active,
    )


def _describe_links(subject: _UserWithRecords) -> ChangeRecord:
    """Return a record with the present links of a user."""
    links = subject.links.links
    return replace(
        _describe_user(subject, is_creation=False),
        operation=Operation.LINK,
        attributes_changed=list(dict.fromkeys(link.attribute for link in links)),
        participation=Participation.UNCHANGED,
        links=[(link.attribute, link.user_id) for link in links],
    )


def _encode(context: CheckContext, user_id: str, position: RecordPosition, change: ChangeRecord) -> Item:
    """Return the item of a record. Link tasks run for it as for any change."""
    sort_key = keys.change_record_key(user_id, position.version)
    if position.link_number:
        sort_key = keys.link_change_key(user_id, position.version, position.link_number)
    config = context.config
    return items.encode_change(
        context.partition_key,
        sort_key,
        config.new_id(),
        config.change_expiry(),
        change,
        may_affect_links=change.operation is not Operation.LINK,
    )
