"""Remove everything that a run created, also after a run that was interrupted."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from cli.deployment import Deployment
from deployment.smoke.run import PREFIX, parse_start
from deployment.smoke.stack import Stack
from scim.aws.errors import ErrorResponse
from scim.service.tenants.errors import UnknownTenant
from scim.store import keys
from scim.store.maintenance.partitions import list_tenant_partitions

ABANDONED_AFTER = timedelta(hours=1)
"""A run takes less, so what an earlier run left is not in use."""
_ABSENT = frozenset(
    ["ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "UnknownTenant"]
)
_BATCH = 25
_PASSES = 3


class Cleaner:
    """Removes the rule, the queue, the secret, the settings and the users of runs."""

    def __init__(self, stack: Stack, deployment: Deployment) -> None:
        self._stack = stack
        self._deployment = deployment
        self._bus = stack.outputs["EventBusName"]
        self._table = stack.outputs["TableName"]

    def list_abandoned_runs(self, now: datetime | None = None) -> list[str]:
        """Return the ids of earlier runs that have left something and that are no longer running."""
        limit = (now or datetime.now(UTC)) - ABANDONED_AFTER
        names = {*self._list_rules(), *self._list_queues(), *self._list_customers()}
        started = {name: parse_start(name) for name in names}
        return sorted(name for name, start in started.items() if start is not None and start < limit)

    def remove(self, run_id: str) -> list[str]:
        """Remove everything of a run. Return a line for each thing that could not be removed."""
        steps: list[tuple[str, Callable[[str], object]]] = [
            (f"the rule {run_id} on the event bus {self._bus}", self._remove_rule),
            (f"the queue {run_id}", self._remove_queue),
            (f"the customer {run_id}", self._disconnect),
            (f"the secret {self._stack.outputs['SecretPrefix']}{run_id}", self._remove_secret),
            (f"items of {run_id} in the table {self._table}", self._remove_items),
        ]
        left: list[str] = []
        for thing, remove in steps:
            try:
                remove(run_id)
            except UnknownTenant:
                pass  # the run ended before it connected the customer
            except (ClientError, ErrorResponse) as error:
                code = error.code if isinstance(error, ErrorResponse) else error.response["Error"]["Code"]
                if code not in _ABSENT:
                    left.append(f"{thing}: {error}")
            except Exception as error:  # noqa: BLE001  # the other things still have to be removed
                left.append(f"{thing}: {type(error).__name__}: {error}")
        return left

    def _list_rules(self) -> list[str]:
        pages = self._create_client("events").get_paginator("list_rules").paginate
        return [
            rule["Name"] for page in pages(NamePrefix=PREFIX, EventBusName=self._bus) for rule in page.get("Rules", [])
        ]

    def _list_queues(self) -> list[str]:
        pages = self._create_client("sqs").get_paginator("list_queues").paginate(QueueNamePrefix=PREFIX)
        return [url.rpartition("/")[2] for page in pages for url in page.get("QueueUrls", [])]

    def _list_customers(self) -> list[str]:
        tenant_ids = self._deployment.build_administration().tenant_store.list_ids()
        return [tenant_id for tenant_id in tenant_ids if tenant_id.startswith(PREFIX)]

    def _remove_rule(self, run_id: str) -> None:
        client = self._create_client("events")
        targets = client.list_targets_by_rule(Rule=run_id, EventBusName=self._bus)["Targets"]
        if targets:
            client.remove_targets(Rule=run_id, EventBusName=self._bus, Ids=[target["Id"] for target in targets])
        client.delete_rule(Name=run_id, EventBusName=self._bus)

    def _remove_queue(self, run_id: str) -> None:
        client = self._create_client("sqs")
        client.delete_queue(QueueUrl=client.get_queue_url(QueueName=run_id)["QueueUrl"])

    def _disconnect(self, run_id: str) -> None:
        self._deployment.build_administration().tenants.disconnect(run_id)

    def _remove_secret(self, run_id: str) -> None:
        """Delete the secret without a recovery window. ``muster disconnect`` keeps it for seven days."""
        name = self._stack.outputs["SecretPrefix"] + run_id
        self._create_client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    def _remove_items(self, run_id: str) -> None:
        """Delete all items of the customer, and then those that the functions wrote in the meantime."""
        for _ in range(_PASSES):
            found = list(self._list_items(run_id))
            if not found:
                return
            for start in range(0, len(found), _BATCH):
                self._delete_items(found[start : start + _BATCH])
        if remaining := len(list(self._list_items(run_id))):
            raise RuntimeError(f"{remaining} items are left.")

    def _list_items(self, run_id: str) -> Iterator[dict[str, Any]]:
        """Yield the primary keys of all items of the customer."""
        pages = self._create_client("dynamodb").get_paginator("query")
        for partition in list_tenant_partitions(run_id):
            for page in pages.paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": partition}},
                ProjectionExpression="pk, sk",
                ConsistentRead=True,
            ):
                yield from page["Items"]
        client = self._create_client("dynamodb")
        key = keys.primary_key(keys.TENANT_LIST_PARTITION, run_id)
        if "Item" in client.get_item(TableName=self._table, Key=key, ConsistentRead=True):
            yield key

    def _delete_items(self, items: list[dict[str, Any]]) -> None:
        client = self._create_client("dynamodb")
        requests = {self._table: [{"DeleteRequest": {"Key": key}} for key in items]}
        while requests:
            requests = client.batch_write_item(RequestItems=requests)["UnprocessedItems"]

    def _create_client(self, service: str) -> Any:
        return self._stack.create_client(service)
