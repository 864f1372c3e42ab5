"""Purge a tenant: delete everything that is stored about it, and leave a certificate.

The order makes an interruption harmless:

1. The settings say that the tenant is being purged. From then on it cannot be connected or changed.
2. All items are deleted, except the settings and the audit events.
3. If the tenant was disconnected less than :data:`CACHE_WINDOW_S` ago, an execution environment may still accept its
   token and write items. So the purge waits, and deletes these items.
4. The secret is deleted, then the audit events.
5. One transaction deletes the settings and the entry in the list of tenants, and stores the certificate.

A purge that was interrupted before step 5 is repeated from step 1, and finds what is left. Messages of the links queue
that arrive late write nothing, because the users that they are about do not exist any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from scim.service.maintenance.ports import PurgeStore
from scim.service.maintenance.tasks import TaskRun
from scim.service.model.audit.audit_event import AuditAction, AuditEvent
from scim.service.model.audit.log_record import RecordKind
from scim.service.model.maintenance.certificate import PurgeCertificate, RemainingCopy, add_counts
from scim.service.model.tenant import DEPLOYMENT_TEST_TENANT, Tenant
from scim.service.model.timestamps import format_rfc3339, parse_rfc3339
from scim.service.ports import AuditLogStore, TokenStore
from scim.service.tenants.errors import TenantConnected, TenantReserved
from scim.service.tenants.tenant_writer import TenantWriter

CACHE_WINDOW_S = 90.0
"""For how many seconds after a disconnection requests may still write: 60 s in a cache, and 29 s for a request."""


@dataclass(frozen=True, slots=True)
class TenantPurge:
    """Purges a tenant.

    ``list_remaining_copies`` returns the copies that expire later. Its argument is when the purge is finished (seconds
    since 1970). ``now`` returns the seconds since 1970, and ``sleep`` waits for a number of seconds.
    """

    writer: TenantWriter
    audit_log_store: AuditLogStore
    purge_store: PurgeStore
    token_store: TokenStore
    list_remaining_copies: Callable[[float], Sequence[RemainingCopy]]
    now: Callable[[], float]
    sleep: Callable[[float], None]

    def begin(self, tenant_id: str) -> Tenant:
        """Mark a tenant as being purged, and return its settings. Do nothing if it is marked.

        Raise :class:`UnknownTenant`, :class:`TenantConnected` if the tenant is connected, and :class:`TenantReserved`
        for the tenant of deployment tests: during a purge, no new version could be tested.
        """
        return self.writer.change(tenant_id, AuditAction.PURGE, _mark)

    def delete(self, tenant: Tenant, run: TaskRun) -> Iterator[int]:
        """Delete all data of a tenant that is marked. Yield the number of items that each step has deleted.

        The generator returns after step 3. Call :meth:`finish` then.
        """
        yield from self._delete_data(tenant.id, run)
        remaining_s = self._find_disconnection() + CACHE_WINDOW_S - self.now()
        if remaining_s > 0:
            self.sleep(remaining_s)
            yield from self._delete_data(tenant.id, run)

    def finish(self, tenant: Tenant, run: TaskRun) -> PurgeCertificate:
        """Delete the secret, the audit events and the settings, and return the certificate.

        Raise :class:`scim.service.model.stored_resource.VersionConflict` if the settings have changed.
        """
        self.token_store.destroy_secret(tenant.id)
        finished = self.now()
        certificate = PurgeCertificate(
            run.task.details["purge"],
            tenant.id,
            self.writer.actor,
            format_rfc3339(run.task.started),
            format_rfc3339(finished),
            run.task.counts,
            self.list_remaining_copies(finished),
        )
        deleted = self.purge_store.delete_tenant(tenant, certificate)
        return replace(certificate, deleted=add_counts(certificate.deleted, deleted))

    def _delete_data(self, tenant_id: str, run: TaskRun) -> Iterator[int]:
        for deleted in self.purge_store.delete_data(tenant_id):
            run.save("", add_counts(run.task.counts, deleted))
            yield sum(deleted.values())

    def _find_disconnection(self) -> float:
        """Return when the tenant was disconnected, in seconds since 1970. Return the present if no record says so."""
        for _, record in self.audit_log_store.list_records(kinds=(RecordKind.AUDIT_EVENT,)):
            if isinstance(record, AuditEvent) and record.action is AuditAction.DISCONNECT:
                return parse_rfc3339(record.at)
        return self.now()


def _mark(tenant: Tenant) -> Tenant:
    if tenant.id == DEPLOYMENT_TEST_TENANT and not tenant.is_purging:
        raise TenantReserved(
            f"{tenant.id} is the test customer of deployments, which have to connect it. It has no data of people, so "
            "it needs no purge."
        )
    if tenant.is_connected:
        raise TenantConnected(f"{tenant.id} is connected. Disconnect it first: muster disconnect {tenant.id}")
    return replace(tenant, is_purging=True)
