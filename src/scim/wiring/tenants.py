"""The use cases around tenants and their tokens, which administrators and Secrets Manager's own rotation share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim.service.tenants.tenants import Tenants
from scim.store.tenants import DynamoDBTenantStore
from scim.wiring import runtime

if TYPE_CHECKING:
    from scim.auth.token_secrets import TokenSecrets
    from scim.store.table import Table


def build_tenants(table: Table, token_secrets: TokenSecrets, actor: str) -> Tenants:
    """Return the use cases around tenants; ``actor`` stands in the audit events."""
    store = DynamoDBTenantStore(table, runtime.new_id)
    return Tenants(store, token_secrets, actor, runtime.current_time, runtime.new_id)
