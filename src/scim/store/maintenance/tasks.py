"""Read and write task records: the adapter for :class:`scim.service.ports.TaskStore`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from scim.aws.errors import AwsError, ErrorResponse, can_be_repeated
from scim.service.model.maintenance_task import Task, TaskKind, TaskState
from scim.service.model.stored_resource import VersionConflict, encode_json
from scim.store.keys import primary_key
from scim.store.maintenance.keys import TASK_PARTITION, task_key
from scim.store.table import Item, Table


@dataclass(frozen=True, slots=True)
class DynamoDBTaskStore:
    """The task records of all tenants."""

    table: Table

    def get(self, kind: TaskKind, tenant_id: str) -> Task | None:
        """Return the record of a task, ``None`` if it never ran."""
        item = self.table.get(TASK_PARTITION, task_key(kind, tenant_id))
        return None if item is None else _decode(kind, tenant_id, item)

    def write(self, before: Task | None, after: Task) -> None:
        """Replace ``before`` by ``after``. Raise :class:`VersionConflict` if another run has written the record."""
        attempt = 0
        while True:
            try:
                self.table.update_once(
                    TASK_PARTITION, task_key(after.kind, after.tenant_id), **_build_update(before, after)
                )
            except AwsError as error:
                if isinstance(error, ErrorResponse) and error.code == "ConditionalCheckFailedException":
                    if attempt and self.get(after.kind, after.tenant_id) == after:
                        return  # an earlier attempt was successful, but its response was lost
                    raise VersionConflict from error
                if not can_be_repeated(error):
                    raise
                self.table.deadline.pause(attempt)
            else:
                return
            attempt += 1

    def delete(self, kind: TaskKind, tenant_id: str) -> None:
        """Delete the record of a task, if there is one."""
        self.table.write_all(delete=[primary_key(TASK_PARTITION, task_key(kind, tenant_id))])


def _build_update(before: Task | None, after: Task) -> dict[str, Any]:
    """Return the arguments of the ``UpdateItem`` call that writes ``after``."""
    attributes = _encode(after)
    condition = "attribute_not_exists(sk)" if before is None else "#run = :before"
    values = {f":{name}": value for name, value in attributes.items()}
    return {
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
        "ExpressionAttributeValues": values | ({} if before is None else {":before": {"S": before.run_id}}),
    }


def _encode(task: Task) -> Item:
    return {
        "run": {"S": task.run_id},
        "actor": {"S": task.actor},
        "state": {"S": task.state},
        "started": {"N": str(task.started)},
        "updated": {"N": str(task.updated)},
        "position": {"S": task.position},
        "counts": {"S": encode_json(dict(task.counts))},
        "details": {"S": encode_json(dict(task.details))},
    }


def _decode(kind: TaskKind, tenant_id: str, item: Item) -> Task:
    return Task(
        kind,
        tenant_id,
        run_id=item["run"]["S"],
        actor=item["actor"]["S"],
        state=TaskState(item["state"]["S"]),
        started=float(item["started"]["N"]),
        updated=float(item["updated"]["N"]),
        position=item["position"]["S"],
        counts=json.loads(item["counts"]["S"]),
        details=json.loads(item["details"]["S"]),
    )
