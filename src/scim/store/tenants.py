"""The tenants in the table: their settings, what was done with them, and when their tokens were used."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from scim.aws.errors import error_code
from scim.service.model.log_record import AuditEvent
from scim.service.model.stored_resource import StoredResource, VersionConflict
from scim.service.model.tenant import Tenant
from scim.service.model.token import TokenUsage
from scim.store import items, keys
from scim.store.query.counters import ResourceCounters
from scim.store.table import Item, Table
from scim.store.transactions import Action, ConditionFailed, TransactionRole, commit

_USE_EVERY_S = 60.0


class DynamoDBTenantStore:
    def __init__(self, dynamo: Table, new_id: Callable[[], str]) -> None:
        self._dynamo = dynamo
        self._new_id = new_id

    # While requests are served

    def get(self, tenant_id: str) -> Tenant | None:
        item = self._dynamo.get(keys.settings(tenant_id), keys.SETTINGS)
        return None if item is None else items.tenant(tenant_id, item)

    def record_use(self, tenant_id: str, use: TokenUsage) -> None:
        """Record the use of a token, unless one of the last minute is recorded.

        Make one attempt, and raise what the SDK does.
        """
        at, is_write = {"N": str(use.at)}, {"BOOL": use.is_write}
        try:
            self._dynamo.update(
                keys.uses(tenant_id),
                keys.use(use.version),
                UpdateExpression="SET last_used = :at, user_agent = :agent, is_write = :write, "
                "first_used = if_not_exists(first_used, :at), first_is_write = if_not_exists(first_is_write, :write), "
                "first_user_agent = if_not_exists(first_user_agent, :agent)",
                ConditionExpression="attribute_not_exists(sk) OR last_used <= :before",
                ExpressionAttributeValues={
                    ":at": at,
                    ":agent": {"S": use.agent},
                    ":write": is_write,
                    ":before": {"N": str(use.at - _USE_EVERY_S)},
                },
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise

    # For whoever administers tenants

    def write(self, before: Tenant | None, after: Tenant, act: AuditEvent) -> None:
        """Make ``after`` of ``before``, ``None`` for a new tenant, together with the record.

        Raises :class:`VersionConflict` if what is stored is not ``before``.
        """
        partition, record = keys.settings(after.id), keys.act(act.at, act.id)
        absent = {"ConditionExpression": "attribute_not_exists(sk)"}
        unchanged = absent
        if before is not None:
            version = {":v": {"N": str(before.version)}}
            unchanged = {"ConditionExpression": "v = :v", "ExpressionAttributeValues": version}  # type: ignore[dict-item]
        actions = [
            self._put(TransactionRole.RESOURCE, items.settings(partition, keys.SETTINGS, after), unchanged),
            self._put(TransactionRole.CHANGE, items.act(partition, record, act), absent),
        ]
        if before is None:
            actions.append(self._put(TransactionRole.INDEX, items.key(keys.TENANTS, after.id), {}))
        try:
            commit(
                self._dynamo,
                actions,
                token=self._new_id(),
                is_committed=lambda: self._dynamo.get(partition, record) is not None,
                new_token=self._new_id,
            )
        except ConditionFailed as failed:
            raise VersionConflict from failed

    def ids(self, after: str = "") -> Iterator[str]:
        """All tenants that were ever connected, in order, behind the id ``after``."""
        found = (str(item["sk"]["S"]) for item in self._dynamo.query(keys.TENANTS, keys.tenants(after)))
        return (each for each in found if each != after)

    def last_use(self, tenant_id: str) -> TokenUsage | None:
        uses = map(items.use, self._dynamo.query(keys.uses(tenant_id), keys.USES))
        return max(uses, key=lambda use: use.at, default=None)

    def count(self, tenant_id: str) -> tuple[int, int]:
        """How many users the tenant has, and how many of them are active."""
        found = list(self._dynamo.query(keys.ledger(tenant_id), keys.ALL_COUNTERS))
        counters = ResourceCounters([(item["sk"]["S"], int(item["counts"]["N"])) for item in found])
        return counters.total, sum(int(item["active"]["N"]) for item in found)

    def users(self, tenant_id: str, after: str = "") -> Iterator[StoredResource]:
        """The users in the order of their ids, behind the id ``after``, read as they are drawn."""
        found = map(items.stored, self._dynamo.query(keys.tenant(tenant_id), keys.users(after)))
        return (stored for stored in found if stored.id != after)

    def _put(self, part: TransactionRole, item: Item, condition: dict[str, str]) -> Action:
        return Action(part, {"Put": {"TableName": self._dynamo.table, "Item": item, **condition}})
