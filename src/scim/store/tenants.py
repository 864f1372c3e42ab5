"""The settings of tenants in the table."""

from __future__ import annotations

import json

from botocore.exceptions import ClientError

from scim.service.ports import Tenant
from scim.store import items, keys
from scim.store.dynamo import Dynamo, error_code


class TenantStore:
    def __init__(self, dynamo: Dynamo) -> None:
        self._dynamo = dynamo

    def get(self, tenant_id: str) -> Tenant | None:
        item = self._dynamo.get(keys.settings(tenant_id), keys.SETTINGS)
        if item is None:
            return None
        return Tenant(tenant_id, strict=item["mode"]["S"] == "strict", extensions=json.loads(item["extensions"]["S"]))

    def create(self, tenant: Tenant) -> bool:
        return self._put_settings(tenant, "attribute_not_exists(sk)")

    def replace(self, tenant: Tenant) -> bool:
        return self._put_settings(tenant, "attribute_exists(sk)")

    def _put_settings(self, tenant: Tenant, condition: str) -> bool:
        """Write the settings, whole; false if the condition does not hold."""
        try:
            self._dynamo.put(items.settings(keys.settings(tenant.id), keys.SETTINGS, tenant), condition)
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True
