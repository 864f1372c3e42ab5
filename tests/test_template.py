"""Compare the template and the sample events with the code: handlers, routes, permissions and variables."""

import ast
import base64
import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from aws_lambda_powertools.shared import constants
from botocore import xform_name
from botocore.client import BaseClient

from handlers.changes import ChangesHandler
from handlers.console.settings import ConsoleSettings
from handlers.links import LinksHandler
from local.api_gateway.event import Request, build_event
from local.api_gateway.routes import Routes
from local.aws_lambda.queue_mapping import build_record
from local.services.messaging import Messaging
from local.template import Intrinsic
from scim.auth import token_format
from scim.auth.cached_secret import CachedSecret
from scim.auth.master_key.rotation import MasterKeyRotation
from scim.auth.token_rotation import TokenRotation
from scim.auth.token_store import SecretsManagerTokenStore
from scim.service.console.invitations import build_console_url
from scim.service.model.audit.audit_event import AuditAction, AuditEvent
from scim.service.model.tenant import Tenant
from scim.settings import Settings
from scim.store.audit_log import DynamoDBAuditLogStore
from scim.store.console import DynamoDBConsoleStore, DynamoDBInvitationStore
from scim.store.table import Table
from scim.store.tenants import DynamoDBTenantStore
from scim.wiring.events import build_link_processor_factory, build_stream_processor_factory
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import ENTERPRISE, REFERENCES, Endpoint, Handler, LambdaContext, invoke, load
from tests.events.history import build_stream_record
from tests.events.schemas import validate
from tests.handlers.console.visitor import Visitor
from tests.template_reader import Deployment, Permission, find_references, resolve
from tests.test_docs import read_table

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
EVENTS = sorted((ROOT / "events").glob("*.json"))

DEPLOY_PAGE = "docs/operate/deploy.md"

DEPLOYMENT = Deployment(ROOT / "template.yaml")
FUNCTIONS = {spec.name: spec for spec in DEPLOYMENT.read_functions(REFERENCES, {})}
HTTP_FUNCTIONS = [name for name, spec in FUNCTIONS.items() if spec.routes]

# The function without a route.
ROTATION = "RotationFunction"

with_functions = pytest.mark.parametrize("function", FUNCTIONS)
with_http_functions = pytest.mark.parametrize("function", HTTP_FUNCTIONS)
with_all_functions = pytest.mark.parametrize("function", [*FUNCTIONS, ROTATION])
with_sample_events = pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)


# Functions


@with_functions
def test_function_has_handler(function: str) -> None:
    spec = FUNCTIONS[function]
    module, _, name = spec.handler.rpartition(".")
    tree = ast.parse(spec.code.joinpath(*module.split(".")).with_suffix(".py").read_text())
    assert spec.code == SOURCE
    assert name in {target.id for target in ast.walk(tree) if isinstance(target, ast.Name)}


def test_functions_except_rotation_have_event_source() -> None:
    assert {*FUNCTIONS, ROTATION} == set(DEPLOYMENT.select_by_type("AWS::Serverless::Function"))


def test_only_secrets_manager_may_invoke_rotation() -> None:
    (permission,) = DEPLOYMENT.select_by_type("AWS::Lambda::Permission").values()
    assert permission == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": Intrinsic("Ref", "RotationFunction.Alias"),
        "Principal": "secretsmanager.amazonaws.com",
        "SourceAccount": Intrinsic("Ref", "AWS::AccountId"),
    }


def test_secrets_have_no_rotation_schedule() -> None:
    assert DEPLOYMENT.select_by_type("AWS::SecretsManager::RotationSchedule") == {}


def test_route_has_one_function() -> None:
    routes = [(route.key, route.function) for spec in FUNCTIONS.values() for route in spec.routes]
    assert sorted(routes) == [
        ("$default", "UsersFunction"),
        ("ANY /admin", "AdminFunction"),
        ("ANY /admin/", "AdminFunction"),
        ("ANY /admin/{proxy+}", "AdminFunction"),
        ("ANY /scim/v2/Bulk", "BulkFunction"),
        ("ANY /scim/v2/ResourceTypes", "DiscoveryFunction"),
        ("ANY /scim/v2/ResourceTypes/{id}", "DiscoveryFunction"),
        ("ANY /scim/v2/Schemas", "DiscoveryFunction"),
        ("ANY /scim/v2/Schemas/{id}", "DiscoveryFunction"),
        ("ANY /scim/v2/ServiceProviderConfig", "DiscoveryFunction"),
    ]


@with_http_functions
def test_functions_time_out_before_gateway(function: str) -> None:
    assert FUNCTIONS[function].timeout < 30


@with_http_functions
def test_http_functions_use_snapstart(function: str) -> None:
    properties = DEPLOYMENT.get_function(function)
    assert properties["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert properties["AutoPublishAlias"] == "live"
    assert properties["AutoPublishAliasAllProperties"] is True


@with_all_functions
def test_changed_parameter_publishes_new_versions(function: str) -> None:
    properties = DEPLOYMENT.get_function(function)
    described = find_references(properties.pop("VersionDescription"))
    assert described == find_references(properties) & set(DEPLOYMENT["Parameters"])


@with_all_functions
def test_version_description_is_not_too_long(function: str) -> None:
    text = DEPLOYMENT.get_function(function)["VersionDescription"].argument
    parameters = {name: DEPLOYMENT["Parameters"][name] for name in find_references(Intrinsic("Sub", text))}
    constant = re.sub(r"\$\{[^}]+\}", "", text)
    assert len(constant) + sum(map(_compute_max_length, parameters.values())) <= 256


def _compute_max_length(parameter: Mapping[str, Any]) -> int:
    if "MaxLength" in parameter:
        return int(parameter["MaxLength"])
    return max(len(str(value)) for value in parameter.get("AllowedValues", [parameter.get("MaxValue", "")]))


def test_package_is_compiled_by_python_of_functions() -> None:
    """``sam build`` creates no compiled files, and functions cannot write them."""
    recipe = re.search(r"^deploy:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    (python,) = {DEPLOYMENT.get_function(function)["Runtime"] for function in FUNCTIONS}
    assert [step for step in recipe.group(1).splitlines() if not step.startswith("\t@")] == [
        "\t.venv-sam/bin/sam build",
        f"\t{python} -m compileall -q --invalidation-mode unchecked-hash .aws-sam/build",
        "\t.venv-sam/bin/sam deploy",
    ]


# Variables


def test_variables_are_the_settings() -> None:
    settings = {field.alias for field in ConsoleSettings.model_fields.values()}
    powertools = {value for value in vars(constants).values() if isinstance(value, str)}
    variables = {name for spec in FUNCTIONS.values() for name in spec.variables}
    assert {name for name in variables if not name.startswith("POWERTOOLS_")} == settings
    assert {name for name in variables if name.startswith("POWERTOOLS_")} <= powertools


@with_functions
def test_functions_have_valid_settings(function: str) -> None:
    kind = ConsoleSettings if function == "AdminFunction" else Settings
    kind.from_environment(FUNCTIONS[function].variables)


def test_template_and_settings_have_same_defaults() -> None:
    """A variable can therefore be omitted from a function that does not read the setting."""
    settings = Settings.from_environment(FUNCTIONS["UsersFunction"].variables)
    required = {
        "TABLE_NAME": settings.table_name,
        "SECRET_PREFIX": settings.secret_prefix,
        "MASTER_KEY_SECRET": settings.master_key_secret,
    }
    assert settings == Settings.from_environment(required)


# Permissions

OPERATIONS = {
    xform_name(operation): operation
    for service in ("dynamodb", "secretsmanager")
    for operation in botocore.session.get_session().get_service_model(service).operation_names
}
# Methods that only an operator, the rotation or the console may call.
OPERATOR_METHODS = {
    method.__qualname__
    for method in (
        MasterKeyRotation.read_key_ring,
        MasterKeyRotation.rotate,
        MasterKeyRotation.remove_earlier_generations,
        DynamoDBConsoleStore.count_attempt,
        DynamoDBConsoleStore.reset_attempts,
        DynamoDBConsoleStore.mark_ended,
        DynamoDBConsoleStore.has_ended,
        DynamoDBInvitationStore.add,
        DynamoDBInvitationStore.get,
        DynamoDBInvitationStore.accept,
        CachedSecret.get,
        TokenRotation.run_step,
        DynamoDBTenantStore.write,
        DynamoDBTenantStore.list_ids,
        DynamoDBTenantStore.get_last_token_usage,
        DynamoDBTenantStore.count_users,
        DynamoDBTenantStore.list_users,
        SecretsManagerTokenStore.create_secret,
        SecretsManagerTokenStore.add_pending,
        SecretsManagerTokenStore.read_stages,
        SecretsManagerTokenStore.promote,
        SecretsManagerTokenStore.cancel_pending,
        SecretsManagerTokenStore.delete_secret,
        SecretsManagerTokenStore.restore_secret,
        DynamoDBAuditLogStore.list_records,
        DynamoDBAuditLogStore.find_failures,
        DynamoDBAuditLogStore.find_failures_by_name,
        DynamoDBAuditLogStore.list_changes,
        DynamoDBAuditLogStore.count_changes,
        DynamoDBAuditLogStore.find_previous_owner_ids,
        DynamoDBAuditLogStore.get_user_names,
        DynamoDBAuditLogStore.list_rejected_tokens,
        DynamoDBAuditLogStore.list_malformed_tokens,
        DynamoDBAuditLogStore.get_daily_failures,
    )
}
TRANSACTION_OPERATIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}

LOG_AND_TRACE = {
    Permission("logs:CreateLogStream"),
    Permission("logs:PutLogEvents"),
    Permission("xray:PutTraceSegments"),
    Permission("xray:PutTelemetryRecords"),
}
# The permissions with which Lambda reads a stream (AWS Lambda developer guide, "Process DynamoDB records with Lambda").
READ_STREAM = {
    f"dynamodb:{operation}" for operation in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
}
PUBLISH_EVENTS = {Permission("events:PutEvents"), Permission("sqs:SendMessage")}
# The permissions with which Lambda reads a queue (AWS Lambda developer guide, "Using Lambda with Amazon SQS").
READ_QUEUE = {f"sqs:{operation}" for operation in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}
# Two kinds of items are written outside transactions: the use of tokens, and failures.
AUTHENTICATE = {
    Permission("secretsmanager:GetSecretValue"),
    Permission("dynamodb:GetItem", "A#*"),
    Permission("dynamodb:UpdateItem", "F#*"),
    Permission("dynamodb:UpdateItem", "R#*"),
}


def _list_definitions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from _list_definitions(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node


def _list_names(function: ast.AST) -> set[str]:
    names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    return names | {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}


def _list_request_functions() -> list[ast.FunctionDef]:
    """Return the functions of the adapters that requests use, read from the source.

    Methods that only an operator calls are omitted. Calls are found by name: a function is also omitted if all
    functions that mention its name are omitted.
    """
    modules = [path for package in ("store", "auth") for path in (SOURCE / "scim" / package).rglob("*.py")]
    known = {name: node for path in modules for name, node in _list_definitions(ast.parse(path.read_text()))}
    mentions = {name: _list_names(node) for name, node in known.items()}
    served = known.keys() - OPERATOR_METHODS
    while True:
        callers = {name: {caller for caller in known if name.rpartition(".")[2] in mentions[caller]} for name in served}
        needed = {name for name in served if not callers[name] or callers[name] & served}
        if needed == served:
            return [known[name] for name in served]
        served = needed


def _list_called_operations() -> set[str]:
    """Return the operations of AWS that requests call."""
    nodes = [
        node for function in _list_request_functions() for node in ast.walk(function) if isinstance(node, ast.Attribute)
    ]
    return {OPERATIONS[node.attr] for node in nodes if ast.unparse(node.value).endswith("_client")}


def _list_transaction_operations() -> set[str]:
    """Return the operations in transactions. Each of them needs a permission."""
    nodes = [
        node for function in _list_request_functions() for node in ast.walk(function) if isinstance(node, ast.Constant)
    ]
    return {TRANSACTION_OPERATIONS[node.value] for node in nodes if node.value in TRANSACTION_OPERATIONS}


def test_users_function_has_exactly_used_permissions() -> None:
    """In the partition of counters, transactions only update items, and only bookmarks are written without one."""
    called = _list_called_operations() - {"TransactWriteItems", "GetSecretValue", "UpdateItem"}
    users = {Permission(f"dynamodb:{operation}", "T#*") for operation in called - {"BatchWriteItem"}}
    paging = {Permission(f"dynamodb:{operation}", "L#*") for operation in called & {"BatchWriteItem", "Query"}}
    changes = {
        Permission(f"dynamodb:{operation}", "L#*" if operation == "UpdateItem" else "T#*", "TransactWriteItems")
        for operation in _list_transaction_operations()
    }
    assert {"TransactWriteItems", "BatchWriteItem"} <= _list_called_operations()
    for function in ("UsersFunction", "BulkFunction"):
        assert DEPLOYMENT.list_permissions(function) == LOG_AND_TRACE | AUTHENTICATE | users | paging | changes


def test_discovery_function_may_only_authenticate() -> None:
    assert {"GetSecretValue", "GetItem", "UpdateItem"} <= _list_called_operations()
    assert DEPLOYMENT.list_permissions("DiscoveryFunction") == LOG_AND_TRACE | AUTHENTICATE


@with_all_functions
def test_permissions_have_no_wildcard_resources(function: str) -> None:
    secrets = DEPLOYMENT.get_function(function)["Environment"]["SECRET_PREFIX"].argument
    tokens_of_tenants = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:" + secrets + "*"
    resources_by_service: dict[str, list[object]] = {
        "dynamodb": [Intrinsic("GetAtt", "Table.Arn"), Intrinsic("Sub", "${Table.Arn}/index/ByTime")],
        "events": [Intrinsic("GetAtt", "EventBus.Arn")],
        "logs": [Intrinsic("GetAtt", "FunctionLogs.Arn")],
        "secretsmanager": [
            Intrinsic("Sub", tokens_of_tenants),
            *map(_ref, ("MasterKey", "AdminPassword", "OpenIdClient")),
        ],
        "sqs": [Intrinsic("GetAtt", f"{queue}.Arn") for queue in DEPLOYMENT.select_by_type("AWS::SQS::Queue")],
        "xray": ["*"],  # X-Ray does not support resources
    }
    streams: dict[str, list[object]] = {
        permission: [Intrinsic("GetAtt", "Table.StreamArn")] for permission in READ_STREAM
    }
    streams["dynamodb:ListStreams"] = [Intrinsic("Sub", "${Table.Arn}/stream/*")]
    for statement in DEPLOYMENT.list_statements(function):
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in statement["Action"])
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        assert all(
            resource in streams.get(action, resources_by_service[action.partition(":")[0]])
            for action in statement["Action"]
            for resource in resources
        )


# Events


def test_failing_stream_record_goes_to_queue() -> None:
    (event,) = DEPLOYMENT.get_function("ChangesFunction")["Events"].values()
    mapping = event["Properties"]
    assert mapping["Stream"] == Intrinsic("GetAtt", "Table.StreamArn")
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert 0 < mapping["MaximumRetryAttempts"] <= 100
    assert 0 < mapping["MaximumRecordAgeInSeconds"] <= 86_400
    destination = {"Type": "SQS", "Destination": Intrinsic("GetAtt", "DeadLetterQueue.Arn")}
    assert mapping["DestinationConfig"] == {"OnFailure": destination}


@pytest.mark.parametrize(
    ("name", "sort_key", "is_delivered"),
    [("INSERT", "C#1", True), ("REMOVE", "C#1", False), ("MODIFY", "C#1", False), ("INSERT", "U#1", False)],
)
def test_only_new_change_records_reach_function(name: str, sort_key: str, *, is_delivered: bool) -> None:
    mapping = FUNCTIONS["ChangesFunction"].stream
    assert mapping is not None
    assert mapping.accepts({"eventName": name, "dynamodb": {"Keys": {"sk": {"S": sort_key}}}}) is is_delivered


def test_queues_are_encrypted_with_longest_retention() -> None:
    queues = DEPLOYMENT.select_by_type("AWS::SQS::Queue")
    assert set(queues) == {"DeadLetterQueue", "LinksQueue", "LinksDeadLetterQueue"}
    for queue in queues.values():
        assert (queue["SqsManagedSseEnabled"], queue["MessageRetentionPeriod"]) == (True, 14 * 86_400)


def test_failing_message_leaves_links_queue() -> None:
    queue = DEPLOYMENT.select_by_type("AWS::SQS::Queue")["LinksQueue"]
    target = Intrinsic("GetAtt", "LinksDeadLetterQueue.Arn")
    assert queue["RedrivePolicy"] == {"deadLetterTargetArn": target, "maxReceiveCount": 20}
    # The Lambda developer guide recommends six times the timeout.
    assert queue["VisibilityTimeout"] >= 6 * FUNCTIONS["LinksFunction"].timeout


def test_links_function_receives_single_messages() -> None:
    """A message never waits for one of another tenant, and Lambda does not stop a chain of messages as recursive."""
    properties = DEPLOYMENT.get_function("LinksFunction")
    (event,) = properties["Events"].values()
    assert event["Properties"] == {
        "Queue": Intrinsic("GetAtt", "LinksQueue.Arn"),
        "BatchSize": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 10},
    }
    assert properties["RecursiveLoop"] == "Allow"


@pytest.mark.parametrize(
    ("name", "metric", "dimension", "value"),
    [
        ("DeadLetterAlarm", "ApproximateNumberOfMessagesVisible", "QueueName", ("GetAtt", "DeadLetterQueue.QueueName")),
        (
            "LinksDeadLetterAlarm",
            "ApproximateNumberOfMessagesVisible",
            "QueueName",
            ("GetAtt", "LinksDeadLetterQueue.QueueName"),
        ),
        ("LateLinksAlarm", "ApproximateAgeOfOldestMessage", "QueueName", ("GetAtt", "LinksQueue.QueueName")),
        ("LateChangesAlarm", "IteratorAge", "FunctionName", ("Ref", "ChangesFunction")),
    ],
)
def test_alarm_watches_queue_or_function(name: str, metric: str, dimension: str, value: tuple[str, str]) -> None:
    alarm = DEPLOYMENT.select_by_type("AWS::CloudWatch::Alarm")[name]
    assert alarm["MetricName"] == metric
    assert alarm["Dimensions"] == [{"Name": dimension, "Value": Intrinsic(*value)}]
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert "AlarmTopic" in find_references(alarm["AlarmActions"])


def _ref(name: str) -> Intrinsic:
    return Intrinsic("Ref", name)


# Data and logs


def test_table_is_protected_encrypted_and_streamed() -> None:
    (table,) = DEPLOYMENT.select_by_type("AWS::DynamoDB::Table").values()
    assert DEPLOYMENT["Resources"]["Table"]["DeletionPolicy"] == "Retain"
    assert DEPLOYMENT["Resources"]["Table"]["UpdateReplacePolicy"] == "Retain"
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}


def test_table_is_on_demand_without_local_indexes() -> None:
    """With a local secondary index, DynamoDB could not split the partition of a large tenant by sort key."""
    (table,) = DEPLOYMENT.select_by_type("AWS::DynamoDB::Table").values()
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert "LocalSecondaryIndexes" not in table


def test_log_groups_have_retention() -> None:
    groups = DEPLOYMENT.select_by_type("AWS::Logs::LogGroup")
    (api,) = DEPLOYMENT.select_by_type("AWS::Serverless::HttpApi").values()
    assert api["AccessLogSettings"]["DestinationArn"] == Intrinsic("GetAtt", "AccessLogs.Arn")
    assert all(DEPLOYMENT.get_function(name)["LoggingConfig"]["LogGroup"].argument in groups for name in FUNCTIONS)
    assert all(group["RetentionInDays"] == Intrinsic("Ref", "LogRetentionDays") for group in groups.values())


def test_access_log_is_json_without_client_data() -> None:
    (api,) = DEPLOYMENT.select_by_type("AWS::Serverless::HttpApi").values()
    line = json.loads(api["AccessLogSettings"]["Format"])
    assert all(value.startswith("$context.") for value in line.values())
    assert not any(word in value.lower() for value in line.values() for word in ("path", "query", "useragent"))


@pytest.mark.parametrize("section", ["Parameters", "Outputs"])
def test_all_parameters_and_outputs_are_described(section: str) -> None:
    assert all(len(item["Description"]) > 20 for item in DEPLOYMENT[section].values())


def test_parameters_are_documented_with_defaults() -> None:
    documented = {name.strip("`"): default.strip("`") for name, default, _ in read_table(DEPLOY_PAGE, "## Parameters")}
    assert documented == {name: str(parameter["Default"]) for name, parameter in DEPLOYMENT["Parameters"].items()}


def test_outputs_are_documented() -> None:
    documented = {name for names, _ in read_table(DEPLOY_PAGE, "## Outputs") for name in re.findall(r"`(\w+)`", names)}
    assert documented == set(DEPLOYMENT["Outputs"])


@pytest.mark.parametrize(
    ("public_url", "console"),
    [
        ("", "https://api.execute-api.eu-west-1.amazonaws.com/admin"),
        ("https://scim.example.com/scim/v2", "https://scim.example.com/admin"),
        ("https://scim.example.com:8443", "https://scim.example.com:8443/admin"),
    ],
)
def test_console_url_is_next_to_scim_url(public_url: str, console: str) -> None:
    known = {"PublicUrl": public_url, "HttpApi": "api", "AWS::Region": "eu-west-1", "AWS::URLSuffix": "amazonaws.com"}
    conditions = {"HasPublicUrl": bool(public_url)}
    scim_url, console_url = (
        resolve(DEPLOYMENT["Outputs"][name]["Value"], known, conditions) for name in ("ScimUrl", "ConsoleUrl")
    )
    assert console_url == console == build_console_url(str(scim_url))


def test_all_parameters_are_used() -> None:
    used = {name for section in ("Conditions", "Globals", "Resources") for name in find_references(DEPLOYMENT[section])}
    assert set(DEPLOYMENT["Parameters"]) <= used


# Events

TOKEN = "muster_acme_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_02db57a39b4fba2a592a968e79a022ac"


def _request(event: Mapping[str, Any]) -> Request:
    """Return the HTTP request of an event, without the headers that API Gateway adds."""
    http = event["requestContext"]["http"]
    added = {"content-length", "x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
    headers = tuple((name, value) for name, value in event["headers"].items() if name not in added)
    body = event.get("body", "").encode()
    content = base64.b64decode(body, validate=True) if event["isBase64Encoded"] else body
    return Request(http["method"], event["rawPath"], event["rawQueryString"], headers, content, http["sourceIp"])


def _remove_deployment(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event without the values that depend on the deployment: account, API id, port and trace."""
    context = event["requestContext"]
    gateways = ("x-amzn-trace-id", "x-forwarded-port", "x-forwarded-proto")
    return {
        **event,
        "headers": {name: value for name, value in event["headers"].items() if name not in gateways},
        "requestContext": {name: value for name, value in context.items() if name not in ("accountId", "apiId")},
    }


@with_sample_events
def test_sample_event_has_format_of_gateway(path: Path) -> None:
    event = json.loads(path.read_text())
    context = event["requestContext"]
    routes = Routes(route for spec in FUNCTIONS.values() for route in spec.routes)
    match = routes.select(context["http"]["method"], event["rawPath"])
    assert match is not None
    sent = datetime.fromtimestamp(context["timeEpoch"] / 1000, UTC)
    expected = build_event(_request(event), event["rawPath"], match, sent, context["requestId"])
    assert _remove_deployment(expected) == _remove_deployment(event)


@with_sample_events
def test_sample_body_is_json(path: Path) -> None:
    request = _request(json.loads(path.read_text()))
    assert bool(request.body) == (request.method in ("POST", "PUT", "PATCH"))
    assert not request.body or json.loads(request.body)["schemas"]


@with_sample_events
def test_sample_event_has_sample_token(path: Path) -> None:
    headers = json.loads(path.read_text())["headers"]
    has_none = path.stem.startswith(("missing-token", "admin"))
    assert headers.get("authorization") == (None if has_none else f"Bearer {TOKEN}")


def test_sample_token_is_well_formed() -> None:
    token = token_format.parse_token(TOKEN)
    assert token is not None
    assert token.tenant_id == "acme"


def test_all_routes_have_sample_event() -> None:
    served = {json.loads(path.read_text())["routeKey"] for path in EVENTS}
    assert served == {route.key for spec in FUNCTIONS.values() for route in spec.routes}


@pytest.fixture
def used_permissions(monkeypatch: pytest.MonkeyPatch) -> set[Permission]:
    """Record the permissions that the calls of the test need on AWS, except those for logs and traces."""
    permissions: set[Permission] = set()
    call = vars(BaseClient)["_make_api_call"]  # all calls of all clients use it

    def record(client: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        permissions.update(_list_permissions(client.meta.service_model.service_name, operation, arguments))
        return call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return permissions


def _list_permissions(service: str, operation: str, arguments: Mapping[str, Any]) -> Iterator[Permission]:
    if operation != "TransactWriteItems":
        operation = "SendMessage" if operation == "SendMessageBatch" else operation  # IAM has one action for both
        yield Permission(f"{service}:{operation}", _describe_keys(arguments))
        return
    for action in arguments["TransactItems"]:
        for part, request in action.items():
            yield Permission(f"{service}:{TRANSACTION_OPERATIONS[part]}", _describe_keys(request), operation)


def _describe_keys(arguments: Mapping[str, Any]) -> str:
    """Return the partition keys in the arguments of a call, as patterns of a policy."""
    kinds = {f"{kind}*" for kind in re.findall(r"':?pk': {'S': '(.#)", repr(arguments))}
    kinds |= {"TENANTS"} if "{'S': 'TENANTS'}" in repr(arguments) else set()
    return ", ".join(sorted(kinds))


def test_sample_events_need_permissions_of_functions_only(
    settings: Settings, used_permissions: set[Permission]
) -> None:
    secret = json.dumps({"token": TOKEN})
    boto3.client("secretsmanager").create_secret(Name=f"{settings.secret_prefix}acme", SecretString=secret)
    operator = build_operator_adapters(settings, "tests")
    operator.build_administration().tenant_store.write(
        None, Tenant("acme"), AuditEvent("1", "2026-01-31T09:30:00.000Z", AuditAction.CONNECT, "tests", {})
    )
    functions = {route.key: spec for spec in FUNCTIONS.values() for route in spec.routes}
    for path in EVENTS:
        used_permissions.clear()
        event = json.loads(path.read_text())
        function = functions[event["routeKey"]]
        status, *_ = invoke(load(function.handler), event)
        assert (status == 401) == (path.stem == "missing-token")
        assert used_permissions <= DEPLOYMENT.list_permissions(function.name), path.stem


def test_stream_sample_needs_exactly_permissions_of_function(
    settings: Settings, bus: Messaging, used_permissions: set[Permission]
) -> None:
    event = json.loads((ROOT / "events/stream/changes.json").read_text())
    assert _changes_handler()(event, LambdaContext()) == {"batchItemFailures": []}
    (published,) = bus.events.read_text().splitlines()
    (letter,) = bus.queues.receive("DeadLetterQueue")
    validate(json.loads(published))
    assert json.loads(letter.body)["reason"] == "malformed: userName"
    assert LOG_AND_TRACE | {
        Permission(action) for action in READ_STREAM
    } | used_permissions == DEPLOYMENT.list_permissions("ChangesFunction")
    assert used_permissions == PUBLISH_EVENTS


def test_changes_function_cannot_access_table() -> None:
    permissions = {permission.action for permission in DEPLOYMENT.list_permissions("ChangesFunction")}
    assert {action for action in permissions if action.startswith("dynamodb:")} == READ_STREAM


def test_links_function_has_exactly_used_permissions(
    scim: Endpoint, bus: Messaging, used_permissions: set[Permission], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: dict[str, set[str]] = {"PutItem": set(), "UpdateItem": set()}
    transact_once = Table.transact_once

    def record_attributes(table: Table, actions: list[dict[str, Any]], token: str) -> None:
        """Record the attributes in each part of a transaction, as ``dynamodb:Attributes`` contains them."""
        for part, request in ((part, request) for action in actions for part, request in action.items()):
            expressions = f"{request.get('UpdateExpression', '')} {request.get('ConditionExpression', '')}"
            named = set(re.findall(r"(?<![:\w])[a-z]+(?= =|\))", expressions))
            written[TRANSACTION_OPERATIONS[part]] |= {*request.get("Key", ()), *request.get("Item", ()), *named}
        transact_once(table, actions, token)

    alice = scim.create(externalId="a", **{ENTERPRISE: {"manager": {"value": "boss"}}})
    boss = scim.create(userName="boss")
    scim.create(**{ENTERPRISE: {"manager": {"value": "nobody"}}})
    _process_changes()
    used_permissions.clear()
    monkeypatch.setattr(Table, "transact_once", record_attributes)
    _update_links(bus)
    assert f"/Users/{boss['id']}" in scim.request("GET", f"/Users/{alice['id']}").json()[ENTERPRISE]["manager"]["$ref"]
    permissions_of_links = set(used_permissions)
    attributes_by_operation = {name: set(attributes) for name, attributes in written.items()}
    for user in (boss, alice):
        scim.request("DELETE", f"/Users/{user['id']}")
    _process_changes()
    bus.queues.send("LinksQueue", "no task")
    used_permissions.clear()
    _update_links(bus)
    permissions = (
        LOG_AND_TRACE | {Permission(action) for action in READ_QUEUE} | permissions_of_links | used_permissions
    )
    assert permissions == DEPLOYMENT.list_permissions("LinksFunction")
    statements = DEPLOYMENT.list_statements("LinksFunction")
    for name, attributes in attributes_by_operation.items():
        (statement,) = [item for item in statements if f"dynamodb:{name}" in item["Action"]]
        assert set(statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]) == attributes


def _process_changes() -> None:
    """Invoke the function of the stream with all change records of the table."""
    scanned = boto3.client("dynamodb").scan(TableName="muster")["Items"]
    records = [build_stream_record(item) for item in scanned if item["sk"]["S"].startswith("C#")]
    assert _changes_handler()({"Records": records}, LambdaContext()) == {"batchItemFailures": []}


def _changes_handler() -> Handler:
    """Return a new handler, because each test has other queues."""
    return ChangesHandler(lambda: build_stream_processor_factory(Settings.from_environment(os.environ)))


def _update_links(bus: Messaging) -> None:
    """Invoke the function of the links queue with all its messages."""
    handler: Handler = LinksHandler(lambda: build_link_processor_factory(Settings.from_environment(os.environ)))
    while messages := bus.queues.receive("LinksQueue", 10):
        for message in messages:
            assert handler({"Records": [build_record(message)]}, LambdaContext()) == {"batchItemFailures": []}
            bus.queues.delete("LinksQueue", message.receipt_handle)


def test_rotation_has_exactly_used_permissions(settings: Settings, used_permissions: set[Permission]) -> None:
    operator = build_operator_adapters(settings, "tests")
    tenant = f"tenant-{uuid.uuid4()}"[:40]
    operator.build_administration().tenants.connect(tenant)
    handler = load(DEPLOYMENT.get_function(ROTATION)["Handler"])
    used_permissions.clear()
    for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
        secret = settings.secret_prefix + tenant
        handler({"Step": step, "SecretId": secret, "ClientRequestToken": "0" * 32}, LambdaContext())
    assert LOG_AND_TRACE | used_permissions == DEPLOYMENT.list_permissions(ROTATION)


def test_console_has_exactly_used_permissions(settings: Settings, used_permissions: set[Permission]) -> None:
    operator, tenant = Visitor(), f"tenant-{uuid.uuid4()}"[:40]
    start = operator.sign_in()
    page = operator.submit(start, start.form("/admin"), tenant=tenant)
    page = operator.submit(page, page.form("/token"))
    used = set(used_permissions)
    scim = Endpoint(page.value("token"))
    user = scim.create(displayName="Ada Lovelace")
    assert scim.request("POST", "/Users", {"schemas": user["schemas"], "userName": user["userName"]}).status == 409
    used_permissions.clear()
    here = f"/admin/tenants/{tenant}"
    for path in (
        "",
        "/connect",
        "/log",
        "/people?who=love",
        "/people?who=nobody",
        f"/people/{user['id']}",
        "/active-users.csv",
        "",
    ):
        assert operator.get(here + path).status == 200
    invited = operator.submit(connect := operator.get(f"{here}/connect"), connect.form("/invite"))
    guest = Visitor()
    guest.submit(door := guest.get(invited.value("link")), door.forms[0])
    for action in ("/token", "/mode", "/revoke", "/disconnect"):
        page = operator.get(f"{here}/connect")
        assert operator.submit(page, page.form(action)).status == 200
    page = operator.get(f"{here}/connect")
    operator.submit(page, page.form("/token"))
    operator.submit(page, page.form("/sign-out"))
    assert LOG_AND_TRACE | used | used_permissions == DEPLOYMENT.list_permissions("AdminFunction")
