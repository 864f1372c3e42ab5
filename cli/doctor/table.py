"""Check the table: its stream, its index, its protection, and the permissions to read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cli.aws_errors import DENIED_CODES
from cli.doctor.findings import Finding, Level
from cli.doctor.target import Target
from scim.aws.errors import ErrorResponse
from scim.store.table import TIME_INDEX

_TABLE = "table"
_TTL_ATTRIBUTE = "ttl"
_KEY = {"pk": {"S": "doctor"}, "sk": {"S": "doctor"}}  # no item has it
_PERMISSIONS = 'docs/operate/commands.md, "Permissions"'


def check_table(target: Target) -> Iterator[Finding]:
    """Check the status, the index, the stream, the deletion protection and the time of a restore."""
    table = target.create_client("dynamodb").describe_table(TableName=target.table_name)["Table"]
    status = table["TableStatus"]
    if status in ("ACTIVE", "UPDATING"):
        yield Finding(_TABLE, Level.OK, f"{target.table_name}, {status.lower()}")
    else:
        yield Finding(_TABLE, Level.FAULT, f"{target.table_name} is {status.lower()}.", "Wait, and repeat the command.")
    yield _check_index(table)
    yield _check_stream(target, table)
    if target.is_local:
        return
    if table.get("DeletionProtectionEnabled"):
        yield Finding("deletion protection", Level.OK, "on")
    else:
        yield Finding(
            "deletion protection", Level.WARNING, "It is off: one call can delete the table.", _protect(target)
        )
    yield from _check_restore(target, table)


def check_ttl(target: Target) -> Iterator[Finding]:
    """Check that expired records are deleted. The local engine has no TTL."""
    response = target.create_client("dynamodb").describe_time_to_live(TableName=target.table_name)
    ttl = response["TimeToLiveDescription"]
    if ttl["TimeToLiveStatus"] in ("ENABLED", "ENABLING") and ttl.get("AttributeName") == _TTL_ATTRIBUTE:
        yield Finding("TTL", Level.OK, f"on, attribute {_TTL_ATTRIBUTE}")
    else:
        detail = f"TTL by the attribute {_TTL_ATTRIBUTE} is off: records that have expired are never deleted."
        yield Finding("TTL", Level.FAULT, detail, _protect(target))


def check_recovery(target: Target) -> Iterator[Finding]:
    """Check that the table can be restored to an earlier time."""
    response = target.create_client("dynamodb").describe_continuous_backups(TableName=target.table_name)
    recovery = response["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") == "ENABLED":
        yield Finding("point-in-time recovery", Level.OK, f"on, {recovery.get('RecoveryPeriodInDays', 35)} days")
    else:
        detail = "It is off: after a mistake, the table cannot be restored."
        yield Finding("point-in-time recovery", Level.FAULT, detail, _protect(target))


def check_read_permissions(target: Target) -> Iterator[Finding]:
    """Try each read of the table that commands make. They read no item."""
    client, name = target.create_client("dynamodb"), target.table_name
    query: dict[str, Any] = {
        "TableName": name,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": _KEY["pk"]},
        "Limit": 1,
    }
    reads: Mapping[str, Callable[[], Any]] = {
        "dynamodb:GetItem": lambda: client.get_item(TableName=name, Key=_KEY),
        "dynamodb:BatchGetItem": lambda: client.batch_get_item(RequestItems={name: {"Keys": [_KEY]}}),
        "dynamodb:Query": lambda: client.query(**query),
        f"dynamodb:Query on the index {TIME_INDEX}": lambda: client.query(**query, IndexName=TIME_INDEX),
    }
    yield from try_permissions("permissions to read the table", reads)


def try_permissions(subject: str, reads: Mapping[str, Callable[[], Any]]) -> Iterator[Finding]:
    """Make calls that only read. Yield a fault for each that is denied. The keys are the IAM actions."""
    denied = 0
    for permission, read in reads.items():
        try:
            read()
        except ErrorResponse as error:
            if error.code not in DENIED_CODES:
                raise
            denied += 1
            detail = f"Your AWS identity lacks the permission {permission}."
            yield Finding(subject, Level.FAULT, detail, f"Ask for it: {_PERMISSIONS}.", permission.partition(" ")[0])
    if not denied:
        yield Finding(subject, Level.OK, f"{len(reads)} of {len(reads)} tried. Permissions to write are not tried.")


def _check_index(table: Mapping[str, Any]) -> Finding:
    indexes = {
        index["IndexName"]: index.get("IndexStatus", "ACTIVE") for index in table.get("GlobalSecondaryIndexes", [])
    }
    if indexes.get(TIME_INDEX) in ("ACTIVE", "UPDATING"):
        return Finding("index", Level.OK, TIME_INDEX)
    detail = f"The index {TIME_INDEX} is {indexes.get(TIME_INDEX, 'missing').lower()}: the audit log cannot be read."
    return Finding("index", Level.FAULT, detail, "Wait until it is active, or deploy the stack again: make deploy")


def _check_stream(target: Target, table: Mapping[str, Any]) -> Finding:
    stream = table.get("StreamSpecification", {})
    if not stream.get("StreamEnabled"):
        return Finding("stream", Level.FAULT, "It is off: changes do not become events.", _protect(target))
    if stream.get("StreamViewType") != "NEW_IMAGE":
        detail = f"It has the view type {stream.get('StreamViewType')}, not NEW_IMAGE: changes do not become events."
        return Finding("stream", Level.FAULT, detail, "Turn the stream off, then run make protect.")
    used, current = target.outputs.get("StreamArn"), table.get("LatestStreamArn")
    if used and used != current:
        detail = "The functions read an earlier stream of the table: changes do not become events."
        return Finding("stream", Level.FAULT, detail, f"Set the parameter StreamArn={current}, and run make deploy.")
    return Finding("stream", Level.OK, "on, NEW_IMAGE")


def _check_restore(target: Target, table: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a fault if the table was restored from a backup, and its stack does not know it."""
    restored_at = int(target.outputs.get("RestoredAt", "0"))
    if "RestoreSummary" in table and restored_at < int(table["CreationDateTime"].timestamp()):
        yield Finding(
            "restore",
            Level.FAULT,
            "The table was restored from a backup, and the stack does not know it: versions can repeat.",
            f"make protect TABLE={target.table_name} prints the parameter RestoredAt for make deploy.",
        )


def _protect(target: Target) -> str:
    return "Restart it: make run" if target.is_local else f"make protect TABLE={target.table_name}"
