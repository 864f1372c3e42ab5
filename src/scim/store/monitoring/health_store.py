"""Read and write the health records of tenants, and read the items that every health check needs.

A record is the attribute ``health`` of the tenant's entry in the list of tenants. So one query reads the records of all
tenants, and a purge deletes them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TypeVar

from scim.aws.errors import ErrorResponse
from scim.service.model.audit.failure import sum_days
from scim.service.monitoring.health_record import Episode, HealthAlert, HealthRecord
from scim.service.monitoring.ports import TenantSnapshot
from scim.service.tenants.health import HealthState
from scim.store import daily_failures, items, keys, log_codec
from scim.store.deactivations.keys import LAST_ALERT_KEY
from scim.store.table import Item, Table

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Kind = TypeVar("_Kind", bound="DataclassInstance")
_HEALTH = "health"
_POSITION, _FINISHED = "position", "finished"


class DynamoDBHealthStore:
    """The health records of all tenants: the adapter for :class:`scim.service.monitoring.ports.HealthStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._texts: dict[str, str] = {}  # the stored records as they were read, by tenant

    def list_records(self, after: str = "") -> Iterator[tuple[str, HealthRecord | None]]:
        """Yield the ids of all tenants in order, after the id ``after``, with their health records."""
        for item in self._table.query(keys.TENANT_LIST_PARTITION, keys.tenant_range(after), ("sk", _HEALTH)):
            if item["sk"]["S"] != after:
                yield item["sk"]["S"], self._decode(item)

    def read_snapshots(self, tenant_ids: Collection[str], days: Sequence[str]) -> dict[str, TenantSnapshot]:
        """Return what the check reads of these tenants that exist, by id: one call for every 25 tenants."""
        item_keys = [keys.primary_key(*key) for tenant_id in tenant_ids for key in _list_keys(tenant_id, days)]
        found_items = {(item["pk"]["S"], item["sk"]["S"]): item for item in self._table.get_by_keys(item_keys)}
        return {
            tenant_id: _decode_snapshot(tenant_id, days, found_items)
            for tenant_id in tenant_ids
            if (keys.settings_partition(tenant_id), keys.SETTINGS_KEY) in found_items
        }

    def read(self, tenant_id: str) -> HealthRecord | None:
        """Return the health record of a tenant, ``None`` if it has none."""
        item = self._table.get(keys.TENANT_LIST_PARTITION, tenant_id)
        return None if item is None else self._decode(item)

    def write(self, tenant_id: str, before: HealthRecord | None, after: HealthRecord) -> bool:
        """Replace the record ``before``. Return false if another record is stored, or the tenant was purged."""
        expected = {":before": {"S": self._get_text(tenant_id, before)}} if before else {}
        try:
            self._table.update_once(
                keys.TENANT_LIST_PARTITION,
                tenant_id,
                UpdateExpression="SET #health = :after",
                ConditionExpression="attribute_exists(sk) AND "
                + ("#health = :before" if before else "attribute_not_exists(#health)"),
                ExpressionAttributeNames={"#health": _HEALTH},
                ExpressionAttributeValues={":after": {"S": encode(after)}, **expected},
            )
        except ErrorResponse as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def read_position(self) -> str:
        """Return the id of the tenant after which the next check begins, empty for the first tenant."""
        return _get_text(self._read_check(), _POSITION)

    def read_finish_time(self) -> str:
        """Return when all tenants were checked last (RFC 3339 in UTC), empty for never."""
        return _get_text(self._read_check(), _FINISHED)

    def write_position(self, position: str, finished_at: str) -> None:
        """Store the position, and when all tenants were checked last, if that is not empty."""
        values = {_POSITION: position, **({_FINISHED: finished_at} if finished_at else {})}
        self._table.update_once(
            keys.HEALTH_CHECK_PARTITION,
            keys.HEALTH_CHECK_KEY,
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues={f":{name}": {"S": value} for name, value in values.items()},
        )

    def _decode(self, item: Item) -> HealthRecord | None:
        """Return the record in an entry of the list of tenants, ``None`` if the tenant was not checked yet."""
        if _HEALTH not in item:
            return None
        text = self._texts[item["sk"]["S"]] = item[_HEALTH]["S"]
        return decode(text)

    def _get_text(self, tenant_id: str, record: HealthRecord) -> str:
        """Return the stored text of a record. That of another release has other members, so it is kept."""
        text = self._texts.get(tenant_id, "")
        return text if text and decode(text) == record else encode(record)

    def _read_check(self) -> Item:
        return self._table.get(keys.HEALTH_CHECK_PARTITION, keys.HEALTH_CHECK_KEY) or {}


def _list_keys(tenant_id: str, days: Sequence[str]) -> list[tuple[str, str]]:
    """Return the partition keys and sort keys of a tenant's settings, last alert, and failure counts of days."""
    return [
        (keys.settings_partition(tenant_id), keys.SETTINGS_KEY),
        (keys.paging_partition(tenant_id), LAST_ALERT_KEY),
        *((keys.failure_partition(tenant_id), keys.daily_failures_key(day)) for day in days),
    ]


def _decode_snapshot(tenant_id: str, days: Sequence[str], found_items: dict[tuple[str, str], Item]) -> TenantSnapshot:
    settings_key, alert_key, *count_keys = _list_keys(tenant_id, days)
    last_alert = found_items.get(alert_key)
    counts = map(found_items.get, count_keys)
    return TenantSnapshot(
        items.decode_tenant(tenant_id, found_items[settings_key]),
        sum_days(daily_failures.decode(item) for item in counts if item is not None),
        None if last_alert is None else log_codec.decode_alert(last_alert),
    )


def encode(record: HealthRecord) -> str:
    """Return a record as JSON. Equal records have the same text, because a write compares it."""
    return json.dumps(asdict(record), sort_keys=True)


def decode(text: str) -> HealthRecord:
    """Return the record in a text of :func:`encode`.

    Unknown members are ignored, and an unknown state is :attr:`HealthState.UNKNOWN`: after a rollback, records of the
    newer release must not stop the checks.
    """
    members: dict[str, Any] = json.loads(text)
    alert = members.get("alert")
    if alert is not None:
        state = alert["state"]
        alert["state"] = HealthState(state) if state in set(HealthState) else HealthState.UNKNOWN
        members["alert"] = _build(HealthAlert, alert)
    for name in ("bad", "outage"):
        members[name] = _build(Episode, members.get(name, {}))
    return _build(HealthRecord, members)


def _build(kind: type[_Kind], members: Mapping[str, Any]) -> _Kind:
    """Return an object of a dataclass with those members that it has."""
    return kind(**{field.name: members[field.name] for field in fields(kind) if field.name in members})


def _get_text(item: Item, name: str) -> str:
    return str(item[name]["S"]) if name in item else ""
