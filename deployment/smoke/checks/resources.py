"""Check the resources of the stack: the table, the functions, their event sources, and the log groups."""

from typing import Any

from deployment.smoke.check import CheckFailed, NotApplicable
from deployment.smoke.run import SmokeRun
from deployment.smoke.stack import FUNCTIONS
from deployment.table_protection import TTL_ATTRIBUTE

SNAPSTART_FUNCTIONS = ("UsersFunction", "BulkFunction", "DiscoveryFunction", "AdminFunction")
"""The functions with a snapshot if the parameter ``SnapStart`` is on."""
_SOURCES = {"ChangesFunction": "the stream of the table", "LinksFunction": "the links queue"}


def check_stream(run: SmokeRun) -> str:
    """Check that the table has the stream from which the stack publishes events."""
    table = _describe_table(run)
    stream = table.get("StreamSpecification", {})
    if not stream.get("StreamEnabled") or stream.get("StreamViewType") != "NEW_IMAGE":
        raise CheckFailed("The table has no stream of new images.")
    if table["LatestStreamArn"] != run.stack.outputs["StreamArn"]:
        raise CheckFailed("The stack reads another stream than that of the table.")
    return str(stream["StreamViewType"])


def check_backups(run: SmokeRun) -> str:
    """Check that the table has continuous backups."""
    client = run.stack.create_client("dynamodb")
    backups = client.describe_continuous_backups(TableName=run.stack.outputs["TableName"])
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    if recovery["PointInTimeRecoveryStatus"] != "ENABLED":
        raise CheckFailed("Point-in-time recovery of the table is off.")
    return f"{recovery.get('RecoveryPeriodInDays', 35)} days"


def check_expiry(run: SmokeRun) -> str:
    """Check that DynamoDB deletes items whose time has come."""
    client = run.stack.create_client("dynamodb")
    ttl = client.describe_time_to_live(TableName=run.stack.outputs["TableName"])["TimeToLiveDescription"]
    if ttl["TimeToLiveStatus"] not in ("ENABLED", "ENABLING") or ttl.get("AttributeName") != TTL_ATTRIBUTE:
        raise CheckFailed("The expiry of items (TTL) of the table is off.")
    return str(ttl["TimeToLiveStatus"])


def check_deletion_protection(run: SmokeRun) -> str:
    """Check that the table cannot be deleted by mistake."""
    if not _describe_table(run).get("DeletionProtectionEnabled"):
        raise CheckFailed("The deletion protection of the table is off.")
    return "on"


def check_encryption(run: SmokeRun) -> str:
    """Check that the table and the queues are encrypted with ``KmsKeyArn``."""
    key = run.stack.parameters.get("KmsKeyArn")
    if not key:
        raise NotApplicable("KmsKeyArn is empty")
    if _describe_table(run).get("SSEDescription", {}).get("KMSMasterKeyArn") != key:
        raise CheckFailed("The table is not encrypted with KmsKeyArn.")
    client = run.stack.create_client("sqs")
    for name, url in run.stack.resources["AWS::SQS::Queue"].items():
        attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["KmsMasterKeyId"]).get("Attributes", {})
        if attributes.get("KmsMasterKeyId") != key:
            raise CheckFailed(f"{name} is not encrypted with KmsKeyArn.")
    return key


def check_functions(run: SmokeRun) -> str:
    """Check that the alias of each function leads to a published version that is ready."""
    versions = {function: run.stack.read_live_version(function) for function in FUNCTIONS}
    for function, configuration in versions.items():
        if not str(configuration["Version"]).isdigit():
            raise CheckFailed(f"The alias of {function} leads to {configuration['Version']}, not to a version.")
        if (state := configuration.get("State", "Active")) != "Active":
            raise CheckFailed(f"{function} is {state}: {configuration.get('StateReason', 'no reason given')}.")
    return ", ".join(f"{function.removesuffix('Function')} {item['Version']}" for function, item in versions.items())


def check_snapstart(run: SmokeRun) -> str:
    """Check that the functions of the API start from snapshots."""
    if run.stack.parameters.get("SnapStart") != "on":
        raise NotApplicable("the parameter SnapStart is off")
    for function in SNAPSTART_FUNCTIONS:
        snapstart = run.stack.read_live_version(function).get("SnapStart", {})
        if snapstart.get("OptimizationStatus") != "On":
            raise CheckFailed(f"The live version of {function} has no snapshot ({snapstart}).")
    return "on"


def check_event_sources(run: SmokeRun) -> str:
    """Check that Lambda reads the table's stream and the links queue."""
    client = run.stack.create_client("lambda")
    for function, source in _SOURCES.items():
        arn = run.stack.read_live_version(function)["FunctionArn"].rpartition(":")[0] + ":live"
        mappings = client.list_event_source_mappings(FunctionName=arn)["EventSourceMappings"]
        if not mappings:
            raise CheckFailed(f"{function} has no event source mapping of {source}.")
        for mapping in mappings:
            if mapping["State"] not in ("Enabled", "Enabling", "Updating"):
                raise CheckFailed(f"The event source mapping of {function} is {mapping['State']}.")
            if (result := str(mapping.get("LastProcessingResult") or "")).startswith("PROBLEM"):
                raise CheckFailed(f"{function} cannot read {source}: {result}.")
    return "enabled"


def check_log_groups(run: SmokeRun) -> str:
    """Check that the log groups exist and keep log lines as long as the parameter says."""
    client = run.stack.create_client("logs")
    expected = run.stack.parameters.get("LogRetentionDays")
    for name, group in run.stack.resources["AWS::Logs::LogGroup"].items():
        groups = client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        retention = next((item.get("retentionInDays") for item in groups if item["logGroupName"] == group), None)
        if group not in [item["logGroupName"] for item in groups]:
            raise CheckFailed(f"The log group of {name}, {group}, does not exist.")
        if str(retention) != expected:
            raise CheckFailed(f"{group} keeps log lines for {retention or 'unlimited'} days instead of {expected}.")
    return f"{expected} days"


def _describe_table(run: SmokeRun) -> dict[str, Any]:
    client = run.stack.create_client("dynamodb")
    return dict(client.describe_table(TableName=run.stack.outputs["TableName"])["Table"])
