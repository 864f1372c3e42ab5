"""Build the tenant service, for administration and for the rotation of tokens by Secrets Manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim.service.tenants.tenant_service import TenantService
from scim.store.tenants import DynamoDBTenantStore
from scim.wiring import runtime

if TYPE_CHECKING:
    from scim.auth.token_store import SecretsManagerTokenStore
    from scim.store.table import Table


def build_tenant_service(table: Table, token_store: SecretsManagerTokenStore, actor: str) -> TenantService:
    """Return the tenant service. ``actor`` is the actor in the audit events."""
    store = DynamoDBTenantStore(table, runtime.new_id)
    return TenantService(store, token_store, actor, runtime.current_time, runtime.new_id)
