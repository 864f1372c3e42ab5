"""The emulator alone still has each gap that a workaround closes. If a test fails, delete its workaround."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.deployment.emulated.account import EmulatedAccount, start_account
from tests.deployment.emulated.customer import wait_for
from tests.deployment.emulated.paths import SAM
from tests.deployment.emulated.workaround import Workaround
from tests.deployment.test_signal_workarounds import PROBES

pytestmark = pytest.mark.e2e

_CODE = """
import os, sys

def handler(event, context):
    if "queue" in event:
        import boto3
        try:
            boto3.client("sqs").send_message_batch(
                QueueUrl=event["queue"], Entries=[{"Id": "1", "MessageBody": "text"}]
            )
        except Exception as error:
            return str(error)
        return "sent"
    if "Records" in event:
        return {"batchItemFailures": [{"itemIdentifier": r["dynamodb"]["SequenceNumber"]} for r in event["Records"]]}
    if "rawPath" in event:
        return {"statusCode": 200, "body": str(event.get("cookies"))}
    return sys.executable
"""

_ROLE = {
    "AssumeRolePolicyDocument": {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    },
    "Policies": [
        {
            "PolicyName": "send",
            "PolicyDocument": {
                "Statement": {
                    "Effect": "Allow",
                    "Action": "sqs:SendMessage",
                    "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
                }
            },
        }
    ],
}
_NAMES = ("pk", "sk")
_INTEGRATION = {
    "type": "aws_proxy",
    "httpMethod": "POST",
    "uri": {"Fn::GetAtt": ["Function", "Arn"]},
    "payloadFormatVersion": "2.0",
}
_RESOURCES = {
    "Queue": ("AWS::SQS::Queue", {}),
    "Secret": ("AWS::SecretsManager::Secret", {"GenerateSecretString": {}}),
    "Role": ("AWS::IAM::Role", _ROLE),
    "Function": (
        "AWS::Lambda::Function",
        {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": _CODE},
        },
    ),
    "Table": (
        "AWS::DynamoDB::Table",
        {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in _NAMES],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        },
    ),
    "Mapping": (
        "AWS::Lambda::EventSourceMapping",
        {
            "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
            "FunctionName": {"Ref": "Function"},
            "StartingPosition": "TRIM_HORIZON",
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        },
    ),
    "ApiWithBody": (
        "AWS::ApiGatewayV2::Api",
        {
            "Body": {
                "openapi": "3.0.1",
                "info": {"title": "api", "version": "1"},
                "paths": {"/users": {"get": {"x-amazon-apigateway-integration": _INTEGRATION}}},
            }
        },
    ),
    "Api": ("AWS::ApiGatewayV2::Api", {"Name": "api", "ProtocolType": "HTTP"}),
    "Stage": ("AWS::ApiGatewayV2::Stage", {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True}),
    "Integration": (
        "AWS::ApiGatewayV2::Integration",
        {
            "ApiId": {"Ref": "Api"},
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": {"Fn::GetAtt": ["Function", "Arn"]},
            "PayloadFormatVersion": "2.0",
        },
    ),
    "Route": (
        "AWS::ApiGatewayV2::Route",
        {
            "ApiId": {"Ref": "Api"},
            "RouteKey": "$default",
            "Target": {"Fn::Sub": "integrations/${Integration}"},
        },
    ),
}
_ALARM = {
    "Metrics": [
        {"Id": "all", "Expression": "a + 1"},
        {
            "Id": "a",
            "ReturnData": False,
            "MetricStat": {"Metric": {"Namespace": "A", "MetricName": "B"}, "Period": 60, "Stat": "Sum"},
        },
    ],
    "Threshold": 1,
    "EvaluationPeriods": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedAccount]:
    """An account without workarounds."""
    with start_account(tmp_path_factory.mktemp("account"), workarounds=()) as account:
        yield account


def _create_stack(account: EmulatedAccount, name: str, resources: dict[str, tuple[str, Any]]) -> dict[str, str]:
    """Create a stack, and return the values of ``Ref`` of its resources."""
    template = {
        "Resources": {key: {"Type": kind, "Properties": properties} for key, (kind, properties) in resources.items()},
        "Outputs": {key: {"Value": {"Ref": key}} for key in resources},
    }
    client = account.client("cloudformation")
    client.create_stack(StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


@pytest.fixture(scope="module")
def resources(account: EmulatedAccount) -> dict[str, str]:
    """The values of ``Ref`` of ``_RESOURCES``."""
    return _create_stack(account, "gaps", _RESOURCES)


def _invoke(account: EmulatedAccount, resources: dict[str, str], event: dict[str, str]) -> Any:
    response = account.client("lambda").invoke(FunctionName=resources["Function"], Payload=json.dumps(event).encode())
    assert "FunctionError" not in response
    return json.loads(response["Payload"].read())


def test_each_workaround_has_a_test() -> None:
    """Find a test for each workaround by its name, here or in ``test_signal_workarounds.py``."""
    assert [name for name in Workaround if f"test_{name}" not in globals() and name not in PROBES] == []


def test_set_secret_version(account: EmulatedAccount) -> None:
    """CreateSecret ignores ``ClientRequestToken``."""
    token = "00000000-0000-4000-8000-000000000001"
    created = account.client("secretsmanager").create_secret(Name="new", SecretString="x", ClientRequestToken=token)
    assert created["VersionId"] != token


def test_reference_secrets_by_arn(resources: dict[str, str]) -> None:
    """``Ref`` of a secret is its name."""
    assert not resources["Secret"].startswith("arn:")


def test_create_routes_of_body(account: EmulatedAccount, resources: dict[str, str]) -> None:
    """The body of an HTTP API creates no routes."""
    assert account.client("apigatewayv2").get_routes(ApiId=resources["ApiWithBody"])["Items"] == []


def test_create_metric_math_alarms(account: EmulatedAccount) -> None:
    """An alarm on several metrics makes its stack fail."""
    with pytest.raises(WaiterError, match="ROLLBACK"):
        _create_stack(account, "alarm", {"Alarm": ("AWS::CloudWatch::Alarm", _ALARM)})


def test_create_codedeploy_resources(account: EmulatedAccount) -> None:
    """A template with a CodeDeploy application is rejected."""
    with pytest.raises(ClientError, match="Unrecognized resource types"):
        _create_stack(account, "codedeploy", {"Application": ("AWS::CodeDeploy::Application", {})})


def test_run_functions_in_lambda_python(account: EmulatedAccount, resources: dict[str, str]) -> None:
    """Functions run in the interpreter of the emulator."""
    assert Path(_invoke(account, resources, {})).samefile(SAM / "python")


def test_rotate_secrets_by_function(account: EmulatedAccount, resources: dict[str, str]) -> None:
    """RotateSecret promotes a copy of the current version, and invokes no function."""
    client, secret = account.client("secretsmanager"), resources["Secret"]
    before = client.get_secret_value(SecretId=secret)
    missing = "arn:aws:lambda:eu-west-1:000000000000:function:missing"
    client.rotate_secret(SecretId=secret, RotationLambdaARN=missing)
    after = client.get_secret_value(SecretId=secret)
    assert after["VersionId"] != before["VersionId"]
    assert after["SecretString"] == before["SecretString"]


def test_allow_batches_of_messages(account: EmulatedAccount, resources: dict[str, str]) -> None:
    """The permission ``sqs:SendMessage`` does not allow SendMessageBatch."""
    assert "sqs:SendMessageBatch" in _invoke(account, resources, {"queue": resources["Queue"]})


def test_pass_cookies_as_list(account: EmulatedAccount, resources: dict[str, str]) -> None:
    """The event of an HTTP API has no ``cookies``."""
    api = account.client("apigatewayv2").get_api(ApiId=resources["Api"])["ApiEndpoint"].removeprefix("http://")
    response = httpx.get(f"{account.endpoint}/", headers={"Host": api, "Cookie": "a=1; b=2"}, trust_env=False)
    assert response.text == "None"


def test_retry_failed_stream_records(account: EmulatedAccount, resources: dict[str, str]) -> None:
    """Records of a stream that a function reports as failed count as processed."""
    account.client("dynamodb").put_item(TableName=resources["Table"], Item={name: {"S": "1"} for name in _NAMES})
    client = account.client("lambda")

    def find_result() -> str | None:
        result: str = client.get_event_source_mapping(UUID=resources["Mapping"])["LastProcessingResult"]
        return None if result == "No records processed" else result

    assert wait_for(find_result).startswith("OK")
