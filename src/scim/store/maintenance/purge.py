"""Delete all items of a tenant, and store the certificate.

The adapter for :class:`scim.service.maintenance.ports.PurgeStore`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from scim.service.model.maintenance.certificate import PurgeCertificate, RemainingCopy, add_counts
from scim.service.model.maintenance_task import TaskKind
from scim.service.model.stored_resource import VersionConflict, encode_json
from scim.service.model.tenant import Tenant
from scim.store import keys
from scim.store.console.keys import CONSOLE_PARTITION, link_request_key
from scim.store.maintenance.keys import (
    CERTIFICATE_PARTITION,
    INVITATION_RANGE,
    certificate_key,
    certificate_range,
)
from scim.store.maintenance.partitions import WHOLE_PARTITION, list_tenant_partitions, read_pages
from scim.store.maintenance.tasks import DynamoDBTaskStore
from scim.store.table import Item, Table
from scim.store.transactions import Action, ConditionFailed, TransactionRole, build_version_condition, commit

_KEY_ATTRIBUTES = ("pk", "sk")

_KINDS: Mapping[str, str] = {
    "T#U#": "users",
    "T#N#": "unique_keys",
    "T#I#": "index_entries",
    "T#C#": "change_records",
    "L#K#": "counters",
    "L#B#": "bookmarks",
    "L#L#": "deactivation_counts",
    "L#M#": "deactivation_alerts",
    "Q#Q#": "rate_limit_buckets",
    "F#F#": "failure_records",
    "F#X#": "rejected_token_counts",
    "F#Y#": "malformed_token_counts",
    "F#D#": "daily_failure_counts",
    "F#R#": "failed_requests",
    "E#R#": "accepted_events",
    "W#W#": "reference_index_entries",
    "R#R#": "token_usages",
    "A#A#": "audit_events",
    "S#S#": "invitations",  # and the request for one
}
"""The names of the kinds of items in a certificate, by the prefixes of their partition key and sort key."""
_OTHER_KIND = "other_items"
_ITEMS_PER_STEP = 100
"""The number of items after which a run can save its state. A page of 1 MB can have 10,000 items."""


@dataclass(frozen=True, slots=True)
class DynamoDBPurgeStore:
    """The items of a tenant, for a purge, and the certificates of all purges.

    ``new_id`` returns a new random UUID.
    """

    table: Table
    new_id: Callable[[], str]

    def count_items(self, tenant_id: str) -> int:
        """Return the number of items that :meth:`delete_data` would delete, without invitations."""
        return sum(
            number
            for partition_key in _list_data_partitions(tenant_id)
            for number, _ in self.table.query_counts(partition_key, WHOLE_PARTITION)
        )

    def delete_data(self, tenant_id: str) -> Iterator[Mapping[str, int]]:
        """Delete all items of a tenant, except its settings, its audit events and its entry in the list of tenants.

        Yield the number of deleted items of each kind, after at most :data:`_ITEMS_PER_STEP` items. An interrupted
        deletion can be repeated: it finds the remaining items.
        """
        for partition_key in _list_data_partitions(tenant_id):
            for page in read_pages(self.table, partition_key, attributes=_KEY_ATTRIBUTES):
                for first in range(0, len(page), _ITEMS_PER_STEP):
                    yield self._delete(page[first : first + _ITEMS_PER_STEP])
        invitations = read_pages(self.table, CONSOLE_PARTITION, INVITATION_RANGE, (*_KEY_ATTRIBUTES, "tenant"))
        for page in invitations:
            if own := [item for item in page if item["tenant"]["S"] == tenant_id]:
                yield self._delete(own)
        if (request := self.table.get(CONSOLE_PARTITION, link_request_key(tenant_id))) is not None:
            yield self._delete([request])

    def delete_tenant(self, tenant: Tenant, certificate: PurgeCertificate) -> Mapping[str, int]:
        """Delete the audit events and the other task records, then the settings, and store the certificate.

        The settings, the entry in the list of tenants and the certificate are written in one transaction. Return the
        number of deleted items of each kind, without the settings. Raise :class:`VersionConflict` if the settings have
        changed.
        """
        partition_key = keys.settings_partition(tenant.id)
        deleted: dict[str, int] = {}
        for page in read_pages(self.table, partition_key, attributes=_KEY_ATTRIBUTES):
            events = [item for item in page if item["sk"]["S"] != keys.SETTINGS_KEY]
            deleted = add_counts(deleted, self._delete(events))
        task_store = DynamoDBTaskStore(self.table)
        for kind in set(TaskKind) - {TaskKind.PURGE}:
            task_store.delete(kind, tenant.id)
        settings = keys.primary_key(partition_key, keys.SETTINGS_KEY)
        list_entry = keys.primary_key(keys.TENANT_LIST_PARTITION, tenant.id)
        actions = [
            Action.delete(TransactionRole.RESOURCE, settings, build_version_condition(tenant.version)),
            Action.delete(TransactionRole.INDEX, list_entry),
        ]
        record = _encode(certificate, add_counts(certificate.deleted, deleted))
        try:
            commit(self.table, actions, record, self.new_id(), self.new_id)
        except ConditionFailed as failed:
            raise VersionConflict from failed
        return deleted

    def list_certificates(self, tenant_id: str = "") -> Iterator[PurgeCertificate]:
        """Yield the certificates of a tenant, or of all tenants, by tenant and time."""
        return map(_decode, self.table.query(CERTIFICATE_PARTITION, certificate_range(tenant_id)))

    def _delete(self, page: Iterable[Item]) -> dict[str, int]:
        deleted = [{"pk": item["pk"], "sk": item["sk"]} for item in page]
        self.table.write_all(delete=deleted)
        counts: dict[str, int] = {}
        for item in deleted:
            kind = _KINDS.get(item["pk"]["S"][:2] + item["sk"]["S"][:2], _OTHER_KIND)
            counts[kind] = counts.get(kind, 0) + 1
        return counts


def _list_data_partitions(tenant_id: str) -> list[str]:
    return [key for key in list_tenant_partitions(tenant_id) if key != keys.settings_partition(tenant_id)]


def _encode(certificate: PurgeCertificate, deleted: Mapping[str, int]) -> Item:
    return {
        **keys.primary_key(CERTIFICATE_PARTITION, certificate_key(certificate.tenant_id, certificate.finished)),
        "change": {"S": certificate.id},
        "tenant": {"S": certificate.tenant_id},
        "actor": {"S": certificate.actor},
        "started": {"S": certificate.started},
        "finished": {"S": certificate.finished},
        "deleted": {"S": encode_json(dict(deleted))},
        "remaining": {"S": encode_json([asdict(copy) for copy in certificate.remaining_copies])},
    }


def _decode(item: Item) -> PurgeCertificate:
    return PurgeCertificate(
        id=item["change"]["S"],
        tenant_id=item["tenant"]["S"],
        actor=item["actor"]["S"],
        started=item["started"]["S"],
        finished=item["finished"]["S"],
        deleted=json.loads(item["deleted"]["S"]),
        remaining_copies=[RemainingCopy(**members) for members in json.loads(item["remaining"]["S"])],
    )
