"""Build the services with which operators and IT admins manage tenants, in the console and the CLI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from scim.service.audit.log import AuditLog
from scim.service.console.invitations import InvitationService
from scim.service.console.password_sign_in import PasswordSignIn
from scim.service.problems.open_problems import find_open_problems, list_people_ids
from scim.service.problems.problem import OpenProblems, TenantProblems
from scim.service.tenants.overview import OVERVIEW_TIMEOUT_S, load_health, load_overview
from scim.store.audit_log import DynamoDBAuditLogStore
from scim.store.console.console_store import DynamoDBConsoleStore, DynamoDBInvitationStore
from scim.store.links import DynamoDBLinkStore
from scim.store.monitoring.health_store import DynamoDBHealthStore
from scim.store.monitoring.problem_store import DynamoDBProblemStore
from scim.store.resources import DynamoDBResourceStore
from scim.store.tenants import DynamoDBTenantStore
from scim.wiring import runtime
from scim.wiring.tenants import build_tenant_service

if TYPE_CHECKING:
    from scim.auth.token_store import SecretsManagerTokenStore
    from scim.service.model.identity_provider import IdentityProvider
    from scim.service.model.tenant import Tenant
    from scim.service.search.customer_search import CustomerSearch
    from scim.service.tenants.health import Health
    from scim.service.tenants.overview import TenantOverview
    from scim.service.tenants.tenant_service import TenantService
    from scim.store.resources import ResourceStoreConfig
    from scim.store.table import Table


@dataclass(frozen=True)
class Administration:
    """The services and stores for one request or command. They share one table and its deadline.

    ``actor`` is the actor in the audit events.
    """

    table: Table
    resource_store_config: Callable[[], ResourceStoreConfig]
    token_store: SecretsManagerTokenStore
    actor: str

    @cached_property
    def tenant_store(self) -> DynamoDBTenantStore:
        """The store of tenants."""
        return DynamoDBTenantStore(self.table, runtime.new_id)

    @property
    def health_store(self) -> DynamoDBHealthStore:
        """The store of the results of the health check."""
        return DynamoDBHealthStore(self.table)

    @cached_property
    def console_store(self) -> DynamoDBConsoleStore:
        """The store of the console's sessions and sign-in attempts."""
        return DynamoDBConsoleStore(self.table)

    @property
    def tenants(self) -> TenantService:
        """The service that connects, configures and disconnects tenants."""
        return build_tenant_service(self.table, self.token_store, self.actor)

    @property
    def invitations(self) -> InvitationService:
        """The service that creates and accepts invitations."""
        store = DynamoDBInvitationStore(self.table, runtime.new_id)
        return InvitationService(
            self.tenant_store,
            store,
            self.console_store,
            self.actor,
            runtime.current_time,
            runtime.new_id,
            self.table.restored_at,
        )

    def build_password_sign_in(self, read_password: Callable[[], str]) -> PasswordSignIn:
        """Return the use case of signing in with the admin password, which ``read_password`` returns."""
        return PasswordSignIn(self.console_store, read_password, runtime.current_time)

    def build_audit_log_store(self, tenant_id: str, provider: IdentityProvider | None = None) -> DynamoDBAuditLogStore:
        """Return the store of a tenant's audit log. ``provider`` is the identity provider that was chosen for it."""
        return DynamoDBAuditLogStore(self.table, tenant_id, runtime.current_time, provider)

    def build_resource_store(self, tenant: Tenant) -> DynamoDBResourceStore:
        """Return the store of a tenant's users."""
        return DynamoDBResourceStore(self.table, self.resource_store_config(), tenant.id, tenant.resource_types[0])

    def build_link_store(self, tenant: Tenant) -> DynamoDBLinkStore:
        """Return the store of the links between a tenant's users."""
        return DynamoDBLinkStore(self.table, self.resource_store_config(), tenant.id, tenant.resource_types[0])

    def build_audit_log(self, tenant: Tenant) -> AuditLog:
        """Return the audit log of a tenant."""
        return AuditLog(
            self.build_audit_log_store(tenant.id, tenant.provider),
            self.build_resource_store(tenant),
            tenant,
            lambda: self.tenant_store.get_last_token_usage(tenant.id),
            runtime.current_time,
        )

    def find_audit_log(self, tenant_id: str) -> AuditLog | None:
        """Return the audit log of a tenant, ``None`` if there is no such tenant."""
        tenant = self.tenant_store.get(tenant_id)
        return None if tenant is None else self.build_audit_log(tenant)

    def build_customer_search(self, report_fault: Callable[[str, Exception], None]) -> CustomerSearch:
        """Return the search over all tenants (:func:`scim.wiring.search.build_customer_search`)."""
        from scim.wiring.search import build_customer_search

        return build_customer_search(self.table, self.resource_store_config(), report_fault)

    def load_overview(self, tenant: Tenant, *, is_detailed: bool = False) -> TenantOverview:
        """Return the overview of a tenant (:func:`scim.service.tenants.overview.load_overview`)."""
        audit_log_store = self.build_audit_log_store(tenant.id, tenant.provider)
        return load_overview(
            tenant, self.tenant_store, audit_log_store, runtime.current_time(), is_detailed=is_detailed
        )

    def load_overview_for_list(self, tenant_id: str) -> TenantOverview | None:
        """Return the overview of a tenant within :data:`OVERVIEW_TIMEOUT_S`, ``None`` if there is no such tenant."""
        limited = self._limit_time()
        tenant = limited.tenant_store.get(tenant_id)
        return None if tenant is None else limited.load_overview(tenant)

    def load_problems(self, tenant: Tenant) -> TenantProblems:
        """Return the health and the open problems of a tenant."""
        now, audit_log_store = runtime.current_time(), self.build_audit_log_store(tenant.id)
        usage = self.tenant_store.get_last_token_usage(tenant.id)
        health = load_health(tenant, usage, audit_log_store, now, is_detailed=False)
        open_problems = self.find_open_problems(tenant, health)
        user_names = audit_log_store.get_user_names(list_people_ids(open_problems))
        return TenantProblems(tenant.id, health.state, open_problems, user_names)

    def find_open_problems(self, tenant: Tenant, health: Health) -> OpenProblems:
        """Return the open problems of a tenant with this health."""
        now, indexed = runtime.current_time(), self.resource_store_config().indexed
        store = DynamoDBProblemStore(
            self.table, tenant.id, tenant.resource_types[0], indexed, runtime.current_time, tenant.provider
        )
        return find_open_problems(store, tenant, health, now)

    def load_problems_for_list(self, tenant_id: str) -> TenantProblems | None:
        """Return the problems of a tenant within :data:`OVERVIEW_TIMEOUT_S`, ``None`` if there is no such tenant."""
        limited = self._limit_time()
        tenant = limited.tenant_store.get(tenant_id)
        return None if tenant is None else limited.load_problems(tenant)

    def _limit_time(self) -> Administration:
        """Return the same services with the time for one tenant of a list."""
        table = self.table.with_deadline(self.table.deadline.with_limit(OVERVIEW_TIMEOUT_S))
        return Administration(table, self.resource_store_config, self.token_store, self.actor)
