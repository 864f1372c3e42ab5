"""Ways to break a deployed stack on purpose, each with the check that must fail."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from tests.deployment.emulated.stack import ALIAS, DeployedStack
from tests.deployment.smoke.tampering_proxy import Message, Tamper, run_proxy


@dataclass
class Attempt:
    """The options of a run against the broken stack."""

    url: str = ""
    variables: dict[str, str] | None = None


Break = Callable[[DeployedStack], AbstractContextManager[Attempt]]


@dataclass(frozen=True)
class Breakage:
    """A mistake, the check that must fail, and a part of the detail that it must show."""

    check: str
    mistake: str
    apply: Break
    detail: str
    is_quick: bool = False
    """Whether ``make e2e SHORT=1`` also runs the test."""


@contextmanager
def _move_alias_to_latest(stack: DeployedStack) -> Iterator[Attempt]:
    with _keep_alias(stack, "LinksFunction") as (client, name):
        client.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion="$LATEST")
        yield Attempt()


@contextmanager
def _publish_without_snapshot(stack: DeployedStack) -> Iterator[Attempt]:
    with _keep_alias(stack, "UsersFunction") as (client, name):
        client.update_function_configuration(FunctionName=name, SnapStart={"ApplyOn": "None"}, Description="broken")
        version = client.publish_version(FunctionName=name)["Version"]
        client.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=version)
        yield Attempt()
        client.update_function_configuration(FunctionName=name, SnapStart={"ApplyOn": "PublishedVersions"})


@contextmanager
def _keep_alias(stack: DeployedStack, function: str) -> Iterator[tuple[Any, str]]:
    """Return the alias of a function to its version at the end of the block."""
    client, name = stack.account.client("lambda"), stack.find_resource(function)
    version = client.get_alias(FunctionName=name, Name=ALIAS)["FunctionVersion"]
    yield client, name
    client.update_alias(FunctionName=name, Name=ALIAS, FunctionVersion=version)


def _set_variable(function: str, name: str, value: str) -> Break:
    @contextmanager
    def apply(stack: DeployedStack) -> Iterator[Attempt]:
        with _keep_alias(stack, function) as (client, function_name):
            before = client.get_function_configuration(FunctionName=function_name)["Environment"]
            stack.set_variable(function, name, value)
            yield Attempt()
            client.update_function_configuration(FunctionName=function_name, Environment=before)

    return apply


def _disable_event_source(function: str) -> Break:
    @contextmanager
    def apply(stack: DeployedStack) -> Iterator[Attempt]:
        client, name = stack.account.client("lambda"), stack.find_resource(function)
        mappings = client.list_event_source_mappings()["EventSourceMappings"]
        stack.disable_event_source(function)
        yield Attempt()
        for mapping in mappings:
            if f":function:{name}:" in mapping["FunctionArn"]:
                client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    return apply


def _set_table(operation: str, broken: dict[str, Any], correct: dict[str, Any]) -> Break:
    @contextmanager
    def apply(stack: DeployedStack) -> Iterator[Attempt]:
        call = getattr(stack.account.client("dynamodb"), operation)
        call(TableName=stack.outputs["TableName"], **broken)
        yield Attempt()
        call(TableName=stack.outputs["TableName"], **correct)

    return apply


def _add_policy(role: str, effect: str, action: str, resource: str = "*") -> Break:
    """Add a policy to a role that allows or denies an action."""

    @contextmanager
    def apply(stack: DeployedStack) -> Iterator[Attempt]:
        client, name = stack.account.client("iam"), stack.find_resource(role)
        statement = {"Effect": effect, "Action": action, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        client.put_role_policy(RoleName=name, PolicyName="mistake", PolicyDocument=document)
        yield Attempt()
        client.delete_role_policy(RoleName=name, PolicyName="mistake")

    return apply


def _detach_policy(role: str, policy: str) -> Break:
    @contextmanager
    def apply(stack: DeployedStack) -> Iterator[Attempt]:
        client = stack.account.client("iam")
        arguments = {"RoleName": stack.find_resource(role), "PolicyArn": stack.find_resource(policy)}
        client.detach_role_policy(**arguments)
        yield Attempt()
        client.attach_role_policy(**arguments)

    return apply


@contextmanager
def _shorten_retention(stack: DeployedStack) -> Iterator[Attempt]:
    client, group = stack.account.client("logs"), stack.outputs["FunctionLogGroup"]
    client.put_retention_policy(logGroupName=group, retentionInDays=1)
    yield Attempt()
    client.put_retention_policy(logGroupName=group, retentionInDays=90)


@contextmanager
def _distrust_certificate(stack: DeployedStack) -> Iterator[Attempt]:
    yield Attempt(variables={"SSL_CERT_FILE": str(stack.account.directory / "samconfig.toml")})


@contextmanager
def _delete_master_key(stack: DeployedStack) -> Iterator[Attempt]:
    client, secret = stack.account.client("secretsmanager"), stack.outputs["MasterKeySecret"]
    client.delete_secret(SecretId=secret, RecoveryWindowInDays=7)
    yield Attempt()
    client.restore_secret(SecretId=secret)


@contextmanager
def _delete_event_bus(stack: DeployedStack) -> Iterator[Attempt]:
    client = stack.account.client("events")
    client.delete_event_bus(Name=stack.outputs["EventBusName"])
    yield Attempt()
    client.create_event_bus(Name=stack.outputs["EventBusName"])


@contextmanager
def _remove_permission(stack: DeployedStack) -> Iterator[Attempt]:
    client, arn = stack.account.client("lambda"), stack.outputs["RotationFunctionArn"]
    name = stack.find_resource("RotationFunction")
    (statement,) = json.loads(client.get_policy(FunctionName=name, Qualifier=ALIAS)["Policy"])["Statement"]
    client.remove_permission(FunctionName=name, Qualifier=ALIAS, StatementId=statement["Sid"])
    yield Attempt()
    client.add_permission(
        FunctionName=arn.removesuffix(f":{ALIAS}"),
        Qualifier=ALIAS,
        StatementId=statement["Sid"],
        Action=statement["Action"],
        Principal=statement["Principal"]["Service"],
    )


@contextmanager
def _move_access_log(stack: DeployedStack) -> Iterator[Attempt]:
    client, api = stack.account.client("apigatewayv2"), stack.find_resource("HttpApi")
    before = client.get_stage(ApiId=api, StageName="$default")["AccessLogSettings"]
    another = {**before, "DestinationArn": before["DestinationArn"].replace("/access", "/another")}
    client.update_stage(ApiId=api, StageName="$default", AccessLogSettings=another)
    yield Attempt()
    client.update_stage(ApiId=api, StageName="$default", AccessLogSettings=before)


@contextmanager
def _delete_metric_filter(stack: DeployedStack) -> Iterator[Attempt]:
    client, group = stack.account.client("logs"), stack.outputs["FunctionLogGroup"]
    filters = client.describe_metric_filters(logGroupName=group)["metricFilters"]
    (stored,) = [item for item in filters if item["metricTransformations"][0]["metricName"] == "BulkOperations"]
    client.delete_metric_filter(logGroupName=group, filterName=stored["filterName"])
    yield Attempt()
    names = ("logGroupName", "filterName", "filterPattern", "metricTransformations")
    client.put_metric_filter(**{name: stored[name] for name in names})


@contextmanager
def _log_fault(stack: DeployedStack) -> Iterator[Attempt]:
    client, group = stack.account.client("logs"), stack.outputs["FunctionLogGroup"]
    line = json.dumps({"message": "fault", "kind": "ErrorResponse", "code": "AccessDeniedException"})
    client.create_log_stream(logGroupName=group, logStreamName="mistake")
    event = {"timestamp": 4_000_000_000_000, "message": line}  # in the future, so it is during the run
    client.put_log_events(logGroupName=group, logStreamName="mistake", logEvents=[event])
    yield Attempt()
    client.delete_log_stream(logGroupName=group, logStreamName="mistake")


@contextmanager
def _delete_alarm(stack: DeployedStack) -> Iterator[Attempt]:
    client, name = stack.account.client("cloudwatch"), stack.find_resource("FaultAlarm")
    (alarm,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    stack.delete_alarm("FaultAlarm")
    yield Attempt()
    names = ["AlarmName", "Namespace", "MetricName", "Statistic", "Period", "EvaluationPeriods", "Threshold"]
    names += ["ComparisonOperator", "TreatMissingData"]
    client.put_metric_alarm(**{key: alarm[key] for key in names})


def _tamper(tamper: Tamper) -> Break:
    @contextmanager
    def apply(stack: DeployedStack) -> Iterator[Attempt]:
        with run_proxy(stack, tamper) as url:
            yield Attempt(url=url)

    return apply


def _drop_if_match(message: Message) -> Message:
    return message.without_header("if-match")


def _ignore_cursor(message: Message) -> Message:
    """Cache a page without its query string, like a CDN with a wrong cache key."""
    return message if message.status else replace(message, target=message.target.partition("&cursor=")[0])


def _fail_head(message: Message) -> Message:
    return replace(message, status=405) if message.status and message.method == "HEAD" else message


def _replace_bytes(message: Message) -> Message:
    """Replace bytes that are not UTF-8, and count the body again."""
    return message if message.status else replace(message, body=message.body.decode("iso-8859-1").encode())


def _hide_console(message: Message) -> Message:
    """Send ``/admin/`` to the SCIM endpoint."""
    is_console = message.target == "/admin/" and not message.status
    return replace(message, target="/scim/v2/Users") if is_console else message


_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
_RECOVERY = "PointInTimeRecoveryEnabled"

BREAKAGES = [
    Breakage("functions", "an alias leads to $LATEST", _move_alias_to_latest, "leads to $LATEST", is_quick=True),
    Breakage("SnapStart", "a version without a snapshot is live", _publish_without_snapshot, "has no snapshot"),
    Breakage(
        "event sources",
        "the mapping of the stream is disabled",
        _disable_event_source("ChangesFunction"),
        "is Disabled",
        is_quick=True,
    ),
    Breakage(
        "backups",
        "point-in-time recovery is off",
        _set_table(
            "update_continuous_backups",
            {"PointInTimeRecoverySpecification": {_RECOVERY: False}},
            {"PointInTimeRecoverySpecification": {_RECOVERY: True}},
        ),
        "Point-in-time recovery of the table is off",
        is_quick=True,
    ),
    Breakage(
        "expiry",
        "TTL is off",
        _set_table(
            "update_time_to_live",
            {"TimeToLiveSpecification": {"Enabled": False, "AttributeName": "ttl"}},
            {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "ttl"}},
        ),
        "(TTL) of the table is off",
    ),
    Breakage(
        "deletion protection",
        "the stack was deployed with sam deploy only",
        _set_table("update_table", {"DeletionProtectionEnabled": False}, {"DeletionProtectionEnabled": True}),
        "make protect",
        is_quick=True,
    ),
    Breakage("log groups", "the retention was changed", _shorten_retention, "for 1 days instead of 90"),
    Breakage("TLS", "the certificate is not trusted", _distrust_certificate, "CERTIFICATE_VERIFY_FAILED"),
    Breakage("connect", "the master key is scheduled for deletion", _delete_master_key, "master"),
    Breakage("temporary rule", "the event bus was deleted", _delete_event_bus, "ResourceNotFoundException"),
    Breakage(
        "authentication",
        "the users function looks for tokens elsewhere",
        _set_variable("UsersFunction", "SECRET_PREFIX", "another/"),
        "503 instead of 200",
    ),
    Breakage(
        "discovery",
        "the discovery function has lost its policy",
        _detach_policy("DiscoveryRole", "AuthenticatePolicy"),
        "instead of 200",
    ),
    Breakage(
        "create",
        "IAM denies PutItem in the transaction",
        _add_policy("ProvisioningRole", "Deny", "dynamodb:PutItem"),
        "instead of 201",
        is_quick=True,
    ),
    Breakage(
        "filters",
        "IAM denies the index",
        _add_policy("ProvisioningRole", "Deny", "dynamodb:Query", "arn:aws:dynamodb:*:*:table/*/index/ByTime"),
        "instead of 200",
    ),
    Breakage("PATCH and PUT", "a proxy drops If-Match", _tamper(_drop_if_match), "instead of 412"),
    Breakage(
        "bulk",
        "the bulk function uses another table",
        _set_variable("BulkFunction", "TABLE_NAME", "another"),
        "instead of 200",
    ),
    Breakage("pages", "a CDN ignores the cursor", _tamper(_ignore_cursor), "pages by cursor contain"),
    Breakage("HEAD", "a proxy does not know HEAD", _tamper(_fail_head), "405 instead of 200"),
    Breakage("encoding", "a proxy replaces bytes", _tamper(_replace_bytes), "201 instead of 400"),
    Breakage(
        "DELETE",
        "IAM denies DeleteItem in the transaction",
        _add_policy("ProvisioningRole", "Deny", "dynamodb:DeleteItem"),
        "instead of",
    ),
    Breakage("console", "/admin/ leads to the SCIM endpoint", _tamper(_hide_console), "not a page of the console"),
    Breakage(
        "events",
        "the changes function publishes to another bus",
        _set_variable("ChangesFunction", "EVENT_BUS_NAME", "another"),
        "No event",
    ),
    Breakage(
        "links", "the mapping of the links queue is disabled", _disable_event_source("LinksFunction"), "did not arrive"
    ),
    Breakage("rotation", "the permission is missing", _remove_permission, "cannot start the rotation", is_quick=True),
    Breakage(
        "needed permissions",
        "the rotation function has lost its policy",
        _detach_policy("RotationRole", "RotatePolicy"),
        "RotationFunction: dynamodb:PutItem",
        is_quick=True,
    ),
    Breakage(
        "forbidden calls",
        "a policy allows the links function to read all tables",
        _add_policy("LinksRole", "Allow", "dynamodb:GetItem"),
        "LinksFunction: dynamodb:GetItem",
        is_quick=True,
    ),
    Breakage(
        "log lines",
        "the log level hides the line of a request",
        _set_variable("UsersFunction", "POWERTOOLS_LOG_LEVEL", "CRITICAL"),
        "did not arrive",
    ),
    Breakage("access log", "the access log goes to another log group", _move_access_log, "did not arrive"),
    Breakage(
        "metrics", "a metric filter is missing", _delete_metric_filter, "The metric BulkOperations", is_quick=True
    ),
    Breakage("no faults", "a function logged a fault", _log_fault, "ErrorResponse AccessDeniedException"),
    Breakage("alarms", "an alarm was deleted", _delete_alarm, "FaultAlarm", is_quick=True),
    # The last one: the stream that is turned on again has another ARN.
    Breakage(
        "stream",
        "the stream of the table is off",
        _set_table(
            "update_table",
            {"StreamSpecification": {"StreamEnabled": False}},
            {"StreamSpecification": _STREAM},
        ),
        "no stream of new images",
    ),
]
