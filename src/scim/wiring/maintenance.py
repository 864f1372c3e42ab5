"""Build what long work needs: a paced table, the services on it, and resumable tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING

from scim.service.maintenance.check import RepairLog
from scim.service.maintenance.erasure import PersonEraser
from scim.service.maintenance.pacer import DEFAULT_RATE_PERCENT, Pacer
from scim.service.maintenance.purge import TenantPurge
from scim.service.maintenance.tasks import ResumableTaskRunner
from scim.store.maintenance.check.checker import TenantChecker
from scim.store.maintenance.check.context import CheckContext
from scim.store.maintenance.check.repair import Repairer
from scim.store.maintenance.check.scratch import Scratch
from scim.store.maintenance.erasure import DynamoDBErasureStore
from scim.store.maintenance.paced_client import open_paced_table
from scim.store.maintenance.purge import DynamoDBPurgeStore
from scim.store.maintenance.tasks import DynamoDBTaskStore
from scim.store.resources import DynamoDBResourceStore
from scim.wiring import runtime
from scim.wiring.administration import Administration
from scim.wiring.dynamodb import DAY_S, build_resource_store_config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from scim.auth.token_store import SecretsManagerTokenStore
    from scim.service.maintenance.findings import Finding
    from scim.service.maintenance.ports import ProgressReporter
    from scim.service.model.maintenance.certificate import RemainingCopy
    from scim.service.model.tenant import Tenant
    from scim.settings import Settings
    from scim.store.table import Table


@dataclass(frozen=True)
class Maintenance:
    """What one run of long work needs.

    ``actor`` is the actor in the audit events. ``percent`` is the share of a partition's capacity that the work may
    consume.
    """

    settings: Settings
    dynamodb_client: DynamoDBClient
    token_store: SecretsManagerTokenStore
    actor: str
    percent: float = DEFAULT_RATE_PERCENT

    @cached_property
    def pacer(self) -> Pacer:
        """The pacer of this run, which also counts its calls and units."""
        return Pacer(self.percent, runtime.elapsed_time, runtime.sleep)

    @cached_property
    def table(self) -> Table:
        """The table, whose calls the pacer slows down. It has no deadline."""
        return open_paced_table(
            self.dynamodb_client,
            self.settings.table_name,
            self.pacer,
            runtime.elapsed_time,
            runtime.sleep,
            self.settings.restored_at,
        )

    @cached_property
    def administration(self) -> Administration:
        """The services and stores on the paced table."""
        return Administration(
            self.table, lambda: build_resource_store_config(self.settings), self.token_store, self.actor
        )

    @cached_property
    def purge_store(self) -> DynamoDBPurgeStore:
        """The store that deletes tenants and has their certificates."""
        return DynamoDBPurgeStore(self.table, runtime.new_id)

    def build_tenant_purge(
        self, tenant_id: str, list_remaining_copies: Callable[[float], Sequence[RemainingCopy]]
    ) -> TenantPurge:
        """Return the use case that purges a tenant.

        ``list_remaining_copies`` returns the copies that expire after a purge that is finished at a time.
        """
        return TenantPurge(
            self.administration.tenants.writer,
            self.administration.build_audit_log_store(tenant_id),
            self.purge_store,
            self.token_store,
            list_remaining_copies,
            runtime.current_time,
            runtime.sleep,
        )

    def build_person_eraser(self, tenant: Tenant) -> PersonEraser:
        """Return the use case that erases people of a tenant."""
        config = build_resource_store_config(self.settings)
        return PersonEraser(
            tenant,
            DynamoDBResourceStore(self.table, config, tenant.id, tenant.resource_types[0]),
            DynamoDBErasureStore(self.table, tenant.id, config.change_expiry, runtime.current_time, runtime.new_id),
            self.actor,
            runtime.current_time,
            runtime.new_id,
        )

    @cached_property
    def tasks(self) -> ResumableTaskRunner:
        """Runs resumable tasks."""
        return ResumableTaskRunner(DynamoDBTaskStore(self.table), self.actor, runtime.current_time, runtime.new_id)

    def check(
        self,
        tenant: Tenant,
        scratch: Scratch,
        progress: ProgressReporter,
        *,
        is_repairing: bool = False,
        is_deprovisioning_lost: bool = False,
    ) -> Iterator[Finding]:
        """Check the items of a tenant, and yield the findings.

        ``scratch`` can have the results of an interrupted check, which is continued. With ``is_repairing``, each
        problem is repaired before it is yielded. Then ``is_deprovisioning_lost`` says whether the deletion of lost
        users is recorded.
        """
        days = self.settings.change_retention_days
        context = CheckContext(
            self.table,
            tenant.id,
            tenant.resource_types[0],
            build_resource_store_config(self.settings),
            retention_s=days * DAY_S if days else inf,
            is_deprovisioning_lost=is_repairing and is_deprovisioning_lost,
        )
        user_count, _ = self.administration.tenant_store.count_users(tenant.id)
        results = TenantChecker(context, scratch, progress).run(user_count)
        if not is_repairing:
            return (result.finding for result in results)
        repairer = Repairer(context)
        log = RepairLog(repairer.record, self.actor, runtime.current_time, runtime.new_id)
        return log.repair_all((result.finding, repairer.prepare(result)) for result in results)
