"""Protect a table, and turn on what a stack needs from it.

The command is ``python -m deployment.table_protection ENVIRONMENT [TABLE]``, with an environment in ``samconfig.toml``.
Without ``TABLE``, it is the table of the stack. ``make deploy`` runs it after each deployment,
because the template cannot turn on deletion protection (docs/decisions/template/first-deployment.md). A table that was
restored from a backup has none of these settings (Amazon DynamoDB developer guide, "Restoring a table"). Its stack must
know the time of the restore, so the command prints it (docs/operate/restore.md).
"""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deployment.preflight import PreflightError, read_sam_options

TTL_ATTRIBUTE = "ttl"
_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}


class ProtectionError(Exception):
    """The table cannot be protected. The message says why and how to fix it."""


def main(config: str, table: str = "") -> int:
    """Protect the table, print its parameters for a stack, and return the exit code."""
    try:
        options = read_sam_options(Path(), config)
        session = boto3.Session(profile_name=options.get("profile"), region_name=options.get("region"))
        outputs = {} if table else read_outputs(session.client("cloudformation"), options["stack_name"])
        name = table or outputs["TableName"]
        client = session.client("dynamodb")
        stream = protect(client, name, print)
        restored_at = find_restore_time(client, name, outputs)
    except (PreflightError, ProtectionError, BotoCoreError, ClientError) as error:
        command = f"make protect CONFIG_ENV={config}" + (f" TABLE={table}" if table else "")
        print(f"error: the table is not completely protected: {error} To try again: {command}", file=sys.stderr)
        return 1
    restore = f" RestoredAt={restored_at}" if restored_at else ""
    print(f"The table is protected. To use it in another stack: TableName={name} StreamArn={stream}{restore}")
    return 0


def read_outputs(client: Any, stack: str) -> dict[str, str]:
    """Return the outputs of a stack. Raise :class:`ProtectionError` if there is no ``TableName``."""
    (description,) = client.describe_stacks(StackName=stack)["Stacks"]
    outputs: dict[str, str] = {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
    if "TableName" not in outputs:
        raise ProtectionError(f"the stack {stack} has no output TableName; is it a stack of Muster, and complete?")
    return outputs


def find_restore_time(client: Any, name: str, outputs: Mapping[str, str]) -> int:
    """Return the parameter ``RestoredAt`` for a table, 0 if it was never restored from a backup.

    ``outputs`` are those of the stack that uses the table, empty if no stack uses it yet. Then the time is now. Raise
    :class:`ProtectionError` if the table was restored and its stack does not know it.
    """
    known = int(outputs.get("RestoredAt", "0"))
    table = client.describe_table(TableName=name)["Table"]
    # An earlier time is that of an earlier restore.
    if "RestoreSummary" not in table or known >= int(table["CreationDateTime"].timestamp()):
        return known
    now = int(time.time())
    if outputs:
        raise ProtectionError(
            f"{name} was restored from a backup, and the stack does not know it; set RestoredAt={now} in "
            "parameter_overrides in samconfig.toml, and run make deploy (docs/operate/restore.md)."
        )
    return now


def protect(client: Any, name: str, report: Callable[[str], object]) -> str:
    """Turn on the missing settings of a table. Call ``report`` for each of them, and return the ARN of the stream.

    Raise :class:`ProtectionError` if its stream has another content than the functions need.
    """
    table = client.describe_table(TableName=name)["Table"]
    if not table.get("StreamSpecification", {}).get("StreamEnabled"):
        _update(client, name, StreamSpecification=_STREAM)
        report(f"{name}: turned on the stream")
    elif table["StreamSpecification"] != _STREAM:
        raise ProtectionError(f"the stream of {name} has no new images; turn the stream off, then repeat this command")
    if not table.get("DeletionProtectionEnabled"):
        _update(client, name, DeletionProtectionEnabled=True)
        report(f"{name}: turned on deletion protection")
    if _turn_on_expiry(client, name):
        report(f"{name}: turned on the expiry of items (TTL)")
    if _turn_on_recovery(client, name):
        report(f"{name}: turned on point-in-time recovery")
    stream_arn: str = client.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    return stream_arn


def _update(client: Any, name: str, **setting: Any) -> None:
    """Change one setting, and wait until the next can be changed."""
    client.update_table(TableName=name, **setting)
    while client.describe_table(TableName=name)["Table"]["TableStatus"] == "UPDATING":
        time.sleep(2)


def _turn_on_expiry(client: Any, name: str) -> bool:
    """Turn on TTL, and return whether it was off."""
    description = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if description["TimeToLiveStatus"] in ("ENABLED", "ENABLING"):
        return False
    specification = {"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
    client.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)
    return True


def _turn_on_recovery(client: Any, name: str) -> bool:
    """Turn on point-in-time recovery, and return whether it was off."""
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    if backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED":
        return False
    specification = {"PointInTimeRecoveryEnabled": True}
    client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=specification)
    return True


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
