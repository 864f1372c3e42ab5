"""The deployment that the template describes, its functions, and the permissions that several of them share."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from handlers.changes import ChangesHandler
from handlers.links import LinksHandler
from scim.service.model.tenant import DEPLOYMENT_TEST_TENANT
from scim.settings import Settings
from scim.wiring.events import build_link_processor_factory, build_stream_processor_factory
from tests.endpoint import REFERENCES, Handler
from tests.template_reader import Deployment, Permission, resolve

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
DEPLOYMENT = Deployment(ROOT / "template.yaml")
FUNCTIONS = {spec.name: spec for spec in DEPLOYMENT.read_functions(REFERENCES, {})}
HTTP_FUNCTIONS = [name for name, spec in FUNCTIONS.items() if spec.routes]

ROTATION = "RotationFunction"
"""The function without a route."""

HEALTH = "HealthFunction"
"""The function that a schedule invokes."""

HOOK = "PreTrafficHook"
"""The function that only deployments use."""

with_functions = pytest.mark.parametrize("function", FUNCTIONS)
with_http_functions = pytest.mark.parametrize("function", HTTP_FUNCTIONS)
with_all_functions = pytest.mark.parametrize("function", [*FUNCTIONS, ROTATION, HOOK])

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

_ACCOUNT = "eu-west-1:123456789012"
TABLE_ARN = f"arn:aws:dynamodb:{_ACCOUNT}:table/muster"
TEST_TOKEN_ARN = (
    f"arn:aws:secretsmanager:{_ACCOUNT}:secret:muster/muster/tenants/{DEPLOYMENT_TEST_TENANT}-??????"  # AWS's suffix
)
DEPLOYMENTS_ARN = f"arn:aws:codedeploy:{_ACCOUNT}:deploymentgroup:ServerlessDeploymentApplication/*"
TOKENS_ARN = f"arn:aws:secretsmanager:{_ACCOUNT}:secret:muster/muster/tenants/*"
_KNOWN = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackName": "muster",
    "Table": "muster",
    "Table.Arn": TABLE_ARN,
    "TableName": "muster",
    "ServerlessDeploymentApplication": "ServerlessDeploymentApplication",
    "SecretPrefix": "muster/muster/tenants/",
    "MasterKeySecret": "MasterKey",
    "AlarmTopic": "AlarmTopic",
    "AlarmMail": "AlarmMail",
}
_NAMES = ("MasterKey", "AdminPassword", "OpenIdClient", "AlertSettings", "EventBus.Arn", "FunctionLogs.Arn")
_QUEUES = [f"{name}.Arn" for name in DEPLOYMENT.select_by_type("AWS::SQS::Queue")]


def list_resources(statement: Mapping[str, Any], *, is_new: bool = True) -> list[str]:
    """Return the resources of a statement. Those that are not data have their names in the template.

    ``is_new`` is false for a stack that uses an existing table and existing secrets with the same names.
    """
    resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
    known = _KNOWN | {name: name for name in (*_NAMES, *_QUEUES, *[f"{name}.Arn" for name in FUNCTIONS])}
    conditions = {"CreatesTable": is_new, "CreatesMasterKey": is_new}
    return [resolve(resource, known, conditions) for resource in resources]


def build_changes_handler() -> Handler:
    """Return a new handler, because each test has other queues."""
    return ChangesHandler(lambda: build_stream_processor_factory(Settings.from_environment(os.environ)))


def build_links_handler() -> Handler:
    """Return a new handler, because each test has other queues."""
    return LinksHandler(lambda: build_link_processor_factory(Settings.from_environment(os.environ)))
