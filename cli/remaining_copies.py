"""List the copies of a purged tenant's data that a purge cannot delete: backups, the stream, messages and logs."""

from collections.abc import Iterator, Mapping
from typing import Any

from cli.aws_session import create_client
from scim.service.model.maintenance.certificate import RemainingCopy
from scim.service.model.timestamps import format_rfc3339

_DAY_S = 86_400
_DEFAULT_RECOVERY_DAYS = 35
"""The recovery period of a table that does not say (Amazon DynamoDB developer guide, "Point-in-time recovery")."""
_STREAM_S = 86_400
"""How long a stream keeps records (Amazon DynamoDB developer guide, "Change data capture for DynamoDB Streams")."""
_QUEUES = {
    "LinksQueueUrl": "ids and identifier hashes",
    "DeadLetterQueueUrl": "messages that do not name their customer (muster redrive lists them)",
    "LinksDeadLetterQueueUrl": "messages that do not name their customer (muster redrive lists them)",
}
"""The outputs with the queues, and what their messages contain after a purge."""


def list_remaining_copies(
    session: Any, outputs: Mapping[str, str], parameters: Mapping[str, str], finished: float
) -> list[RemainingCopy]:
    """Return the copies in a stack. ``finished`` is when the purge is finished, in seconds since 1970.

    ``outputs`` and ``parameters`` are those of the stack.
    """
    dynamodb, table = create_client(session, "dynamodb"), outputs["TableName"]
    return [
        *_list_recovery(dynamodb, table, finished),
        *_list_backups(dynamodb, table),
        RemainingCopy("stream of the table", "changed items", format_rfc3339(finished + _STREAM_S)),
        *_list_messages(create_client(session, "sqs"), outputs, finished),
        *_list_logs(parameters, finished),
    ]


def _list_recovery(dynamodb: Any, table: str, finished: float) -> Iterator[RemainingCopy]:
    backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") == "ENABLED":
        until = finished + recovery.get("RecoveryPeriodInDays", _DEFAULT_RECOVERY_DAYS) * _DAY_S
        yield RemainingCopy("point-in-time recovery of the table", "all data", format_rfc3339(until))


def _list_backups(dynamodb: Any, table: str) -> Iterator[RemainingCopy]:
    request: dict[str, Any] = {"TableName": table, "BackupType": "ALL"}
    while True:
        response = dynamodb.list_backups(**request)
        for backup in response.get("BackupSummaries", []):
            expiry = backup.get("BackupExpiryDateTime")
            until = format_rfc3339(expiry.timestamp()) if expiry else ""
            yield RemainingCopy(f"backup {backup['BackupName']} of the table", "all data", until)
        if not (last := response.get("LastEvaluatedBackupArn")):
            return
        request["ExclusiveStartBackupArn"] = last


def _list_messages(sqs: Any, outputs: Mapping[str, str], finished: float) -> Iterator[RemainingCopy]:
    for output, content in _QUEUES.items():
        attributes = sqs.get_queue_attributes(QueueUrl=outputs[output], AttributeNames=["MessageRetentionPeriod"])
        until = finished + float(attributes["Attributes"]["MessageRetentionPeriod"])
        yield RemainingCopy(outputs[output].rpartition("/")[2], content, format_rfc3339(until))


def _list_logs(parameters: Mapping[str, str], finished: float) -> Iterator[RemainingCopy]:
    content = "the id of the customer, ids of users and requests, IP addresses; no names"
    until = format_rfc3339(finished + int(parameters["LogRetentionDays"]) * _DAY_S)
    yield RemainingCopy("logs in CloudWatch", content, until)
