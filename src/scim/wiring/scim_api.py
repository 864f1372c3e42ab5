"""Build the adapters of the SCIM endpoint.

Modules that only some functions need are imported inside methods, so that other functions start faster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from scim.auth.authentication import Authenticator
from scim.auth.cursor_signing import HmacCursorSigner
from scim.auth.master_key.master_key import MasterKey
from scim.auth.rejected_tokens import RejectedTokenCounter
from scim.auth.token_store import SecretsManagerTokenStore
from scim.aws import clients
from scim.aws.config import SECRETS_CONFIG
from scim.protocol.schema import ResourceType, load_user_type
from scim.service.deactivation_guard import DeactivationReadings
from scim.service.deadline import Deadline
from scim.service.model.rate_limit.bucket import RateLimit
from scim.service.rate_limit.limiter import RateLimiter, RequestPermits
from scim.settings import Settings
from scim.store.rate_limit.permits import DynamoDBPermitStore
from scim.store.tenants import DynamoDBTenantStore
from scim.wiring import runtime
from scim.wiring.dynamodb import build_resource_store_config, create_client, open_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from scim.service.deactivation_guard import DeactivationGuard
    from scim.service.model.deactivations.brake import MassDeactivation
    from scim.service.model.tenant import Tenant
    from scim.store.audit_log import DynamoDBAuditLogStore
    from scim.store.resources import DynamoDBResourceStore, ResourceStoreConfig
    from scim.store.table import Table


@dataclass(frozen=True)
class ScimApiAdapters:
    """The adapters of the SCIM endpoint, which live as long as the execution environment."""

    settings: Settings
    dynamodb_client: DynamoDBClient
    authenticator: Authenticator
    cursor_signer: HmacCursorSigner
    rate_limiter: RateLimiter
    rejected_tokens: RejectedTokenCounter = field(default_factory=RejectedTokenCounter)
    malformed_tokens: RejectedTokenCounter = field(default_factory=RejectedTokenCounter)
    deactivation_readings: DeactivationReadings = field(default_factory=DeactivationReadings)
    rate_limited_requests: RejectedTokenCounter = field(default_factory=RejectedTokenCounter)

    @cached_property
    def resource_store_config(self) -> ResourceStoreConfig:
        """The configuration of resource stores. Raise ``ValueError`` for attributes that cannot be indexed."""
        return build_resource_store_config(self.settings)

    def preload(self, *, has_resources: bool) -> None:
        """Load the modules and schemas that requests need, so that a SnapStart snapshot contains them.

        Nothing that is loaded is secret, or must be unique to an execution environment.
        """
        load_user_type()
        if has_resources:
            _ = self.resource_store_config

    def open_table(self, deadline: Deadline) -> Table:
        """Return the table for a request with this deadline. It counts the calls to DynamoDB."""
        return open_table(self.dynamodb_client, self.settings, deadline)

    def build_permits(self, table: Table, tenant_id: str) -> RequestPermits:
        """Return the permits of a request's tenant. Its calls to ``table`` are those of the rate limit only."""
        return RequestPermits(self.rate_limiter, tenant_id, DynamoDBPermitStore(table))

    def build_tenant_store(self, table: Table) -> DynamoDBTenantStore:
        """Return the store of tenants."""
        return DynamoDBTenantStore(table, runtime.new_id)

    def build_resource_store(self, table: Table, tenant: Tenant, resource_type: ResourceType) -> DynamoDBResourceStore:
        """Return the store of a tenant's resources of one type."""
        from scim.store.resources import DynamoDBResourceStore

        return DynamoDBResourceStore(table, self.resource_store_config, tenant.id, resource_type)

    def build_deactivation_guard(
        self,
        table: Table,
        tenant: Tenant,
        request_id: str,
        report_alert: Callable[[MassDeactivation], None],
        report_fault: Callable[[Exception], None],
    ) -> DeactivationGuard:
        """Return the guard of a request's deactivations. Its calls are counted by ``table``."""
        from scim.service.deactivation_guard import DeactivationGuard
        from scim.service.model.deactivations.brake import DeactivationLimit
        from scim.store.deactivations.deactivation_store import DynamoDBDeactivationStore

        settings = self.settings
        return DeactivationGuard(
            tenant=tenant,
            readings=self.deactivation_readings,
            store=DynamoDBDeactivationStore(table, tenant.id, self.resource_store_config.change_expiry, runtime.new_id),
            limit=DeactivationLimit(settings.deactivation_alert_percent, settings.deactivation_alert_minimum),
            request_id=request_id,
            now=runtime.current_time,
            report_alert=report_alert,
            report_fault=report_fault,
        )

    def build_audit_log_store(self, table: Table, tenant_id: str) -> DynamoDBAuditLogStore:
        """Return the store of a tenant's audit log."""
        from scim.store.audit_log import DynamoDBAuditLogStore

        return DynamoDBAuditLogStore(table, tenant_id, runtime.current_time)


def build_scim_api_adapters(settings: Settings, report_fault: Callable[[Exception], None]) -> ScimApiAdapters:
    """Create the adapters of the SCIM endpoint. Their clients do not load credentials or open connections yet.

    ``report_fault`` receives faults that do not fail the request.
    """
    secrets_client = clients.create_client("secretsmanager", SECRETS_CONFIG, settings.aws_client)
    master_key = MasterKey(secrets_client, settings.master_key_secret, runtime.current_time, report_fault)
    token_store = SecretsManagerTokenStore(secrets_client, settings.secret_prefix, master_key)
    return ScimApiAdapters(
        settings=settings,
        dynamodb_client=create_client(settings.aws_client),
        authenticator=Authenticator(token_store, runtime.current_time, report_fault),
        cursor_signer=HmacCursorSigner(master_key, runtime.current_time),
        rate_limiter=RateLimiter(
            RateLimit(settings.rate_limit, settings.rate_limit_burst), runtime.current_time, runtime.random_fraction
        ),
    )
