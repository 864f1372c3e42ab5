"""The emulator still needs the workarounds in ``signals.py``, and they close their gaps.

Each probe returns whether the emulator has a gap. A test without the workaround fails as soon as ministack has closed
the gap itself: then remove the workaround.
"""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.deployment.emulated.account import REGION, EmulatedAccount, start_account
from tests.deployment.emulated.workaround import Workaround

pytestmark = pytest.mark.e2e

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
SOURCE = "def handler(event, context):\n    return {'statusCode': 204}\n"


@pytest.fixture(scope="module")
def bare_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedAccount]:
    """An account on ministack with only those workarounds that ``signals.py`` does not contain."""
    others = [workaround for workaround in Workaround if workaround not in PROBES]
    with start_account(tmp_path_factory.mktemp("bare"), others) as account:
        yield account


def _allow(account: EmulatedAccount, role: str, **statement: Any) -> str:
    """Create a role with one statement, and return its ARN."""
    client = account.client("iam")
    arn: str = client.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
    client.put_role_policy(RoleName=role, PolicyName="policy", PolicyDocument=document)
    return arn


def _create_function(account: EmulatedAccount, name: str) -> str:
    """Create a function that returns a response, and return its ARN."""
    role = _allow(account, name, Action="dynamodb:*", Resource="*")
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("main.py", SOURCE)
    code = {"ZipFile": package.getvalue()}
    client = account.client("lambda")
    arn: str = client.create_function(
        FunctionName=name, Runtime="python3.13", Handler="main.handler", Role=role, Code=code
    )["FunctionArn"]
    return arn


def _log(account: EmulatedAccount, group: str, *lines: dict[str, Any]) -> None:
    client = account.client("logs")
    client.create_log_group(logGroupName=group)
    client.create_log_stream(logGroupName=group, logStreamName="stream")
    if group == "metrics":
        metric = {"metricNamespace": "probe", "metricName": "Value", "metricValue": "$.value"}
        arguments = {"filterName": "filter", "filterPattern": "{ $.value > 1 }", "metricTransformations": [metric]}
        client.put_metric_filter(logGroupName=group, **arguments)
    now = int(time.time() * 1_000)
    events = [{"timestamp": now, "message": json.dumps(line)} for line in lines]
    client.put_log_events(logGroupName=group, logStreamName="stream", logEvents=events)


def _sum_metric(account: EmulatedAccount, namespace: str, name: str, **dimensions: str) -> float | None:
    """Return the sum of a metric, ``None`` if it has no data."""
    points = account.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=time.time() - 600,
        EndTime=time.time() + 60,
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points) if points else None


def ignores_json_patterns(account: EmulatedAccount) -> bool:
    _log(account, "patterns", {"value": 1}, {"value": 2})
    events = account.client("logs").filter_log_events(logGroupName="patterns", filterPattern="{ $.value = 1 }")
    return [json.loads(event["message"]) for event in events["events"]] != [{"value": 1}]


def publishes_no_filtered_metrics(account: EmulatedAccount) -> bool:
    _log(account, "metrics", {"value": 1}, {"value": 2}, {"value": 3}, {"other": 4})
    return _sum_metric(account, "probe", "Value") != 5


def publishes_no_iterator_age(account: EmulatedAccount) -> bool:
    _create_function(account, "reader")
    client = account.client("dynamodb")
    stream = client.create_table(
        TableName="probe",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]["LatestStreamArn"]
    account.client("lambda").create_event_source_mapping(
        FunctionName="reader", EventSourceArn=stream, StartingPosition="TRIM_HORIZON"
    )
    client.put_item(TableName="probe", Item={"pk": {"S": "1"}, "sk": {"S": "1"}})
    deadline = time.monotonic() + 60
    while not account.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/reader")["logGroups"]:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    time.sleep(0.5)  # the workaround publishes after the invocation
    return _sum_metric(account, "AWS/Lambda", "IteratorAge", FunctionName="reader") is None


def rotates_without_permission(account: EmulatedAccount) -> bool:
    client = account.client("secretsmanager")
    client.create_secret(Name="probe", SecretString="1")
    arn = _create_function(account, "rotator")
    try:
        client.rotate_secret(SecretId="probe", RotationLambdaARN=f"{arn}:live")
    except ClientError as error:
        return "cannot invoke the specified Lambda function" not in str(error)
    return True


def simulates_without_context(account: EmulatedAccount) -> bool:
    condition = {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["T#*"]}}
    role = _allow(account, "reader-of-keys", Action="dynamodb:GetItem", Resource="*", Condition=condition)
    decisions = [
        account.client("iam").simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=["dynamodb:GetItem"],
            ResourceArns=[f"arn:aws:dynamodb:{REGION}:000000000000:table/probe"],
            ContextEntries=[
                {
                    "ContextKeyName": "dynamodb:LeadingKeys",
                    "ContextKeyValues": [key],
                    "ContextKeyType": "stringList",
                }
            ],
        )["EvaluationResults"][0]["EvalDecision"]
        for key in ("T#acme", "A#acme")
    ]
    return decisions != ["allowed", "implicitDeny"]


def leaves_alarms_without_state(account: EmulatedAccount) -> bool:
    client = account.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName="probe",
        Namespace="probe",
        MetricName="Absent",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    return bool(client.describe_alarms(AlarmNames=["probe"])["MetricAlarms"][0]["StateValue"] != "OK")


def writes_no_access_log(account: EmulatedAccount) -> bool:
    logs, client = account.client("logs"), account.client("apigatewayv2")
    logs.create_log_group(logGroupName="access")
    (group,) = logs.describe_log_groups(logGroupNamePrefix="access")["logGroups"]
    api = client.create_api(Name="probe", ProtocolType="HTTP")["ApiId"]
    integration = client.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=_create_function(account, "answerer"),
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    client.create_route(ApiId=api, RouteKey="$default", Target=f"integrations/{integration}")
    settings = {"DestinationArn": group["arn"].removesuffix(":*"), "Format": '{"requestId": "$context.requestId"}'}
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True, AccessLogSettings=settings)
    with account.open_http_client() as http:
        response = http.get(f"https://{api}.execute-api.{REGION}.amazonaws.com/")
    assert response.status_code == 204
    lines = [json.loads(event["message"]) for event in logs.filter_log_events(logGroupName="access")["events"]]
    return lines != [{"requestId": response.headers.get("apigw-requestid")}]


PROBES: dict[Workaround, Callable[[EmulatedAccount], bool]] = {
    Workaround.MATCH_JSON_PATTERNS: ignores_json_patterns,
    Workaround.PUBLISH_FILTERED_METRICS: publishes_no_filtered_metrics,
    Workaround.PUBLISH_ITERATOR_AGE: publishes_no_iterator_age,
    Workaround.REQUIRE_ROTATION_PERMISSION: rotates_without_permission,
    Workaround.SIMULATE_WITH_CONTEXT: simulates_without_context,
    Workaround.TREAT_MISSING_DATA: leaves_alarms_without_state,
    Workaround.WRITE_ACCESS_LOG: writes_no_access_log,
}


@pytest.mark.parametrize("workaround", PROBES)
def test_workaround_is_needed(bare_account: EmulatedAccount, workaround: Workaround) -> None:
    """Find the gap of the emulator without the workaround for the smoke test."""
    assert PROBES[workaround](bare_account)


@pytest.mark.parametrize("workaround", PROBES)
def test_workaround_closes_gap(account: EmulatedAccount, workaround: Workaround) -> None:
    """Close the gap of the emulator with the workaround for the smoke test."""
    assert not PROBES[workaround](account)
