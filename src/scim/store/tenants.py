"""Read and write tenants: their settings, their audit events and the usage of their tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from scim.aws.errors import ErrorResponse
from scim.service.model.audit.audit_event import AuditEvent
from scim.service.model.stored_resource import StoredResource, VersionConflict
from scim.service.model.tenant import TENANT_ID_PATTERN, Tenant
from scim.service.model.token import TokenUsage
from scim.store import items, keys
from scim.store.query.counters import ResourceCounters
from scim.store.table import Table
from scim.store.transactions import (
    NOT_EXISTS_CONDITION,
    Action,
    ConditionFailed,
    TransactionRole,
    build_version_condition,
    commit,
)

_USAGE_INTERVAL_S = 60.0


class DynamoDBTenantStore:
    """All tenants: the adapter for :class:`scim.service.ports.TenantStore`, and for token usage."""

    def __init__(self, table: Table, new_id: Callable[[], str]) -> None:
        self._table = table
        self._new_id = new_id

    # For requests of identity providers

    def get(self, tenant_id: str) -> Tenant | None:
        """Return the settings of a tenant, or ``None`` if it was never connected. The id can be any text."""
        if not TENANT_ID_PATTERN.fullmatch(tenant_id):
            return None
        item = self._table.get(keys.settings_partition(tenant_id), keys.SETTINGS_KEY)
        return None if item is None else items.decode_tenant(tenant_id, item)

    def record_token_usage(self, tenant_id: str, usage: TokenUsage) -> None:
        """Record the use of a token, unless a use in the last minute is already recorded.

        If only one of them was sent to a wrong SCIM URL, this use is recorded in any case. So the last use is newer
        than the last failure because of the SCIM URL as soon as a request arrives at the right one.

        The first use is kept with the last one. Make one attempt, and raise :class:`AwsError`.
        """
        at, is_write = {"N": str(usage.last_used)}, {"BOOL": usage.is_write}
        try:
            self._table.update_once(
                keys.token_usage_partition(tenant_id),
                keys.token_usage_key(usage.version_id),
                UpdateExpression="SET last_used = :at, user_agent = :agent, is_write = :write, has_wrong_url = :wrong, "
                "first_used = if_not_exists(first_used, :at), first_is_write = if_not_exists(first_is_write, :write), "
                "first_user_agent = if_not_exists(first_user_agent, :agent)",
                ConditionExpression="attribute_not_exists(has_wrong_url) OR has_wrong_url <> :wrong "
                "OR last_used <= :before",
                ExpressionAttributeValues={
                    ":at": at,
                    ":agent": {"S": usage.user_agent},
                    ":write": is_write,
                    ":wrong": {"BOOL": usage.has_wrong_url},
                    ":before": {"N": str(usage.last_used - _USAGE_INTERVAL_S)},
                },
            )
        except ErrorResponse as error:
            if error.code != "ConditionalCheckFailedException":
                raise

    # For administration

    def write(self, before: Tenant | None, after: Tenant, event: AuditEvent) -> None:
        """Write the settings ``after`` and the audit event in one transaction. ``before`` is ``None`` for a new tenant.

        Raise :class:`VersionConflict` if the stored version is not the version of ``before``.
        """
        partition_key = keys.settings_partition(after.id)
        condition = NOT_EXISTS_CONDITION if before is None else build_version_condition(before.version)
        settings = items.encode_tenant(partition_key, keys.SETTINGS_KEY, after)
        actions = [Action.put(TransactionRole.RESOURCE, settings, condition)]
        if before is None:
            list_entry = keys.primary_key(keys.TENANT_LIST_PARTITION, after.id)
            actions.append(Action.put(TransactionRole.INDEX, list_entry))
        record = items.encode_audit_event(partition_key, keys.audit_event_key(event.at, event.id), event)
        try:
            commit(self._table, actions, record, self._new_id(), self._new_id)
        except ConditionFailed as failed:
            raise VersionConflict from failed

    def list_ids(self, after: str = "") -> Iterator[str]:
        """Yield the ids of all tenants that were ever connected, in order, after the id ``after``."""
        found_items = self._table.query(keys.TENANT_LIST_PARTITION, keys.tenant_range(after))
        ids = (str(item["sk"]["S"]) for item in found_items)
        return (tenant_id for tenant_id in ids if tenant_id != after)

    def get_last_token_usage(self, tenant_id: str) -> TokenUsage | None:
        """Return the usage of the token that was used last, or ``None`` if no token was ever used."""
        found_items = self._table.query(keys.token_usage_partition(tenant_id), keys.TOKEN_USAGE_RANGE)
        return max(map(items.decode_token_usage, found_items), key=lambda usage: usage.last_used, default=None)

    def count_users(self, tenant_id: str) -> tuple[int, int]:
        """Return the number of users of a tenant, and the number of active users, from the counters."""
        found_items = list(self._table.query(keys.paging_partition(tenant_id), keys.COUNTER_RANGE))
        counters = ResourceCounters([(item["sk"]["S"], items.get_number(item, "counts")) for item in found_items])
        return counters.total, sum(items.get_number(item, "active") for item in found_items)

    def list_users(self, tenant_id: str, after: str = "") -> Iterator[StoredResource]:
        """Yield the users in the order of their ids, after the id ``after``. Make calls as the caller consumes them."""
        found_items = self._table.query(keys.resource_partition(tenant_id), keys.user_range(after))
        users = items.decode_resources(found_items, self._table.version_floor)
        return (user for user in users if user.id != after)
