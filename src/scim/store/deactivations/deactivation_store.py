"""Read the counts of a tenant's deactivations, and store their snapshots and alerts.

They are in the partition of the counters, which the functions of the SCIM endpoint can read. These functions cannot
write the settings, so they cannot release the brake.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from scim.service.model.deactivations.brake import MassDeactivation
from scim.service.model.deactivations.counts import CountSnapshot, DeactivationCounts
from scim.store import log_codec
from scim.store.deactivations import keys
from scim.store.items import get_number, has_expired
from scim.store.keys import KeyRange, paging_partition, primary_key
from scim.store.table import Table
from scim.store.transactions import NOT_EXISTS_CONDITION, Action, ConditionFailed, TransactionRole, commit


class DynamoDBDeactivationStore:
    """The deactivations of one tenant: the adapter for :class:`scim.service.ports.DeactivationStore`.

    ``alert_expiry`` returns when a record of an alert that is written now expires, in seconds since 1970 (``None``:
    never). ``new_id`` returns a new random UUID.
    """

    def __init__(
        self, table: Table, tenant_id: str, alert_expiry: Callable[[], int | None], new_id: Callable[[], str]
    ) -> None:
        self._table = table
        self._partition_key = paging_partition(tenant_id)
        self._alert_expiry = alert_expiry
        self._new_id = new_id

    def read(self) -> DeactivationCounts:
        """Return the counts, the snapshots and the last alert. 256 counters are about 20 KB, so one call reads them."""
        active, deactivated = 0, 0
        snapshots: Sequence[CountSnapshot] = ()
        last_alert = None
        for item in self._table.query(self._partition_key, keys.DEACTIVATIONS_RANGE):
            if item["sk"]["S"] == keys.SNAPSHOTS_KEY:
                snapshots = [CountSnapshot(*members) for members in json.loads(item["snapshots"]["S"])]
            elif item["sk"]["S"] == keys.LAST_ALERT_KEY:
                last_alert = log_codec.decode_alert(item)
            else:
                active += get_number(item, "active")
                deactivated += get_number(item, "deactivated")
        return DeactivationCounts(active, deactivated, snapshots, last_alert)

    def write_snapshots(self, snapshots: Sequence[CountSnapshot]) -> None:
        """Replace the snapshots. If two requests write at the same time, either result is correct."""
        content = json.dumps([[snapshot.at, snapshot.deactivated] for snapshot in snapshots])
        item = {**primary_key(self._partition_key, keys.SNAPSHOTS_KEY), "snapshots": {"S": content}}
        self._table.write_all([item])

    def record_alert(self, before: MassDeactivation | None, alert: MassDeactivation) -> bool:
        """Record an alert in the audit log, and as the last one, in one transaction. Return whether that succeeded.

        It fails if ``before`` is no longer the last alert.
        """
        attributes = log_codec.encode_alert(alert)
        change_id = self._new_id()
        condition = NOT_EXISTS_CONDITION
        if before is not None:
            condition = {"ConditionExpression": "#at = :at", "ExpressionAttributeNames": {"#at": "at"}}
            condition["ExpressionAttributeValues"] = {":at": {"S": before.at}}
        last = {**primary_key(self._partition_key, keys.LAST_ALERT_KEY), **attributes}
        record = {**primary_key(self._partition_key, keys.alert_key(alert.at)), **attributes}
        if (expires := self._alert_expiry()) is not None:
            record["ttl"] = {"N": str(expires)}
        try:
            commit(
                self._table,
                [Action.put(TransactionRole.CHANGE, last, condition)],
                record | {"change": {"S": change_id}},
                change_id,
                self._new_id,
            )
        except ConditionFailed:
            return False
        return True


def read_alerts(table: Table, tenant_id: str, now: float) -> list[MassDeactivation]:
    """Return the alerts of a tenant that have not expired, the oldest first. There is at most one an hour.

    ``now`` is in seconds since 1970.
    """
    stored_items = table.query(paging_partition(tenant_id), keys.ALERT_RANGE)
    return [log_codec.decode_alert(item) for item in stored_items if not has_expired(item, now)]


def read_last_alert(table: Table, tenant_id: str) -> MassDeactivation | None:
    """Return the last alert of a tenant, ``None`` if there was none."""
    only_key = KeyRange(keys.LAST_ALERT_KEY, keys.LAST_ALERT_KEY)
    return next(map(log_codec.decode_alert, table.query(paging_partition(tenant_id), only_key)), None)
