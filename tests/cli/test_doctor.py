"""Test ``doctor`` on a stack whose table and secrets are moto's. The other services are fakes."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from cli import deployment
from cli.doctor import api
from cli.doctor.findings import Level
from tests.cli.conftest import Muster
from tests.cli.stack import FAKE_CLIENTS, META, OUTPUTS, CloudFormation, Session
from tests.tokens import MASTER_KEY, put_master_key

CONFIGURATION = json.dumps({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]}).encode()
RESOURCES = {
    "UsersFunction": "AWS::Lambda::Function",
    "ChangesFunction": "AWS::Lambda::Function",
    "ChangesFunctionStream": "AWS::Lambda::EventSourceMapping",
    "FaultAlarm": "AWS::CloudWatch::Alarm",
    "AlarmMail": "AWS::SNS::Topic",
}


def create_error(code: str, message: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Denying:
    """A client to whose user AWS denies some operations, with the names of methods and arguments."""

    def __init__(self, client: Any, *denied: tuple[str, str]) -> None:
        self._client = client
        self._denied = denied
        self.meta = client.meta

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            if any(name == method and argument in arguments for method, argument in self._denied):
                message = f"User: arn:aws:iam::1:user/ada is not authorized to perform: service:{name} on resource: *"
                raise create_error("AccessDeniedException", message, name)
            return getattr(self._client, name)(**arguments)

        return call


class Stack:
    """The state of the fake services."""

    def __init__(self) -> None:
        self.status = "UPDATE_COMPLETE"
        self.function_state = "Active"
        self.mapping_state = "Enabled"
        self.alarm: dict[str, Any] = {"StateValue": "OK", "ActionsEnabled": True, "AlarmActions": ["arn:topic"]}
        self.subscription = "arn:aws:sns:eu-west-1:1:topic:1"
        self.messages = "0"
        self.responses: dict[str, tuple[int, bytes]] = {
            "ServiceProviderConfig": (200, CONFIGURATION),
            "Users": (401, b""),
        }

    def describe_stacks(self, **arguments: Any) -> Any:
        response = CloudFormation().describe_stacks(**arguments)
        (description,) = response["Stacks"]
        return {"Stacks": [{**description, "StackName": arguments["StackName"], "StackStatus": self.status}]}

    def list_stack_resources(self, **arguments: str) -> Any:
        """Return two pages."""
        names = list(RESOURCES)
        page = names[2:] if "NextToken" in arguments else names[:2]
        summaries = [
            {
                "LogicalResourceId": name,
                "ResourceType": RESOURCES[name],
                "PhysicalResourceId": f"muster-{name}",
                "ResourceStatus": "CREATE_COMPLETE",
            }
            for name in page
        ]
        return {"StackResourceSummaries": summaries} | ({} if "NextToken" in arguments else {"NextToken": "2"})

    def get_function_configuration(self, **arguments: str) -> Any:
        if self.function_state == "missing":
            raise create_error("ResourceNotFoundException", "no alias", "GetFunctionConfiguration")
        return {"State": self.function_state if "Users" in arguments["FunctionName"] else "Active"}

    def get_event_source_mapping(self, **_: str) -> Any:
        return {"State": self.mapping_state}

    def get_queue_attributes(self, **_: Any) -> Any:
        return {"Attributes": {"ApproximateNumberOfMessages": self.messages}}

    def describe_alarms(self, **arguments: Any) -> Any:
        return {"MetricAlarms": [{"AlarmName": name, **self.alarm} for name in arguments["AlarmNames"] if self.alarm]}

    def list_subscriptions_by_topic(self, **_: str) -> Any:
        return {"Subscriptions": [{"Endpoint": "ops@example.com", "SubscriptionArn": self.subscription}]}

    def get(self, url: str) -> tuple[int, bytes]:
        return self.responses[url.rpartition("/")[2].partition("?")[0]]


@pytest.fixture
def stack(run: Muster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Return a complete stack."""
    stack = Stack()
    client = SimpleNamespace(meta=META, **{name: getattr(stack, name) for name in dir(stack) if "_" in name[1:-1]})
    for service in ("cloudformation", "lambda", "sqs", "cloudwatch", "sns"):
        monkeypatch.setitem(FAKE_CLIENTS, service, client)
    for name in ("DeadLetterQueueUrl", "LinksDeadLetterQueueUrl"):
        monkeypatch.setitem(OUTPUTS, name, f"https://sqs.example.com/{name}")
    monkeypatch.setattr(api, "_get", stack.get)
    monkeypatch.setattr(deployment, "open_session", open_session)
    put_master_key(MASTER_KEY)
    dynamodb = boto3.client("dynamodb")
    dynamodb.update_table(
        TableName="muster",
        DeletionProtectionEnabled=True,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    dynamodb.update_time_to_live(TableName="muster", TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": True})
    set_recovery(is_on=True)
    yield stack
    dynamodb.update_table(TableName="muster", DeletionProtectionEnabled=False)


def open_session(profile: str | None, region: str | None) -> Session:
    return Session(profile_name=profile, region_name=region, timeout_s=None)


def set_recovery(*, is_on: bool) -> None:
    boto3.client("dynamodb").update_continuous_backups(
        TableName="muster", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": is_on}
    )


def list_problems(run: Muster, code: int = 1) -> list[tuple[str, str, str]]:
    """Return the level, the subject and the detail of all findings that are not ok."""
    lines = map(json.loads, run("doctor", "--json", code=code).stdout.splitlines())
    return [(line["level"], line["subject"], line["detail"]) for line in lines if line["level"] != Level.OK]


def test_complete_stack_has_no_problem(run: Muster, stack: Stack) -> None:
    run("connect", "acme")
    findings = run.json_lines("doctor")
    assert {finding["level"] for finding in findings} == {"ok"}
    assert [finding["subject"] for finding in findings] == [
        "identity",
        "endpoint",
        "stack",
        "table",
        "index",
        "stream",
        "deletion protection",
        "TTL",
        "point-in-time recovery",
        "permissions to read the table",
        "master key",
        "secrets of tenants",
        "permission to read tokens",
        "functions",
        "event source mappings",
        "dead-letter queue",
        "dead-letter queue of links",
        "alarms",
        "API",
    ]
    details = {finding["subject"]: finding["detail"] for finding in findings}
    assert details["identity"].startswith("arn:aws:sts::123456789012:user/moto, account 123456789012, region ")
    assert details["endpoint"].startswith("DynamoDB at https://dynamodb.")
    assert details["functions"] == "2 are active"


def test_table_for_people_ends_with_the_counts(run: Muster, stack: Stack) -> None:
    set_recovery(is_on=False)
    stack.messages = "3"
    lines = run("doctor", code=1).stdout.splitlines()
    assert lines[0].split() == ["LEVEL", "SUBJECT", "RESULT"]
    row = next(number for number, line in enumerate(lines) if line.startswith("fault"))
    assert "It is off: after a mistake, the table cannot be restored." in lines[row]
    assert lines[row + 1] == "    Next: make protect TABLE=muster"
    assert lines[-1] == "1 fault, 2 warnings"


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        ("status", "UPDATE_IN_PROGRESS", ("warning", "stack", "muster is UPDATE_IN_PROGRESS.")),
        ("status", "ROLLBACK_COMPLETE", ("fault", "stack", "muster is ROLLBACK_COMPLETE.")),
        ("function_state", "Failed", ("fault", "functions", "UsersFunction is Failed.")),
        ("function_state", "missing", ("fault", "functions", "UsersFunction is without a version live.")),
        ("messages", "1", ("warning", "dead-letter queue", "1 message")),
        ("alarm", {}, ("fault", "alarms", "Deleted: muster-FaultAlarm.")),
    ],
)
def test_problem_of_the_stack(
    run: Muster, stack: Stack, attribute: str, value: Any, expected: tuple[str, str, str]
) -> None:
    setattr(stack, attribute, value)
    assert list_problems(run, code=int(expected[0] == "fault"))[0] == expected


def test_failed_deployment_is_a_warning(run: Muster, stack: Stack) -> None:
    stack.status = "UPDATE_ROLLBACK_COMPLETE"
    ((level, subject, detail),) = list_problems(run, code=0)
    assert (level, subject) == ("warning", "stack")
    assert "the last deployment failed, and the earlier version runs" in detail


def test_disabled_event_source_is_a_fault(run: Muster, stack: Stack) -> None:
    stack.mapping_state = "Disabled"
    ((_, subject, detail),) = list_problems(run)
    assert (subject, detail.partition(":")[0]) == ("event source mappings", "ChangesFunctionStream is Disabled")


def test_raised_alarm_is_a_fault(run: Muster, stack: Stack) -> None:
    stack.alarm["StateValue"] = "ALARM"
    assert list_problems(run) == [("fault", "alarms", "muster-FaultAlarm is in the state ALARM.")]


def test_alarms_must_notify_someone(run: Muster, stack: Stack) -> None:
    stack.alarm["AlarmActions"] = []
    stack.subscription = "PendingConfirmation"
    detail = "ops@example.com has not confirmed the subscription, and receives no mail."
    assert list_problems(run, code=0) == [
        ("warning", "alarms", "1 alarms notify no one."),
        ("warning", "alarms", detail),
    ]


def turn_off_deletion_protection() -> None:
    boto3.client("dynamodb").update_table(TableName="muster", DeletionProtectionEnabled=False)


def turn_off_stream() -> None:
    boto3.client("dynamodb").update_table(TableName="muster", StreamSpecification={"StreamEnabled": False})


def turn_off_ttl() -> None:
    specification = {"AttributeName": "ttl", "Enabled": False}
    boto3.client("dynamodb").update_time_to_live(TableName="muster", TimeToLiveSpecification=specification)


def turn_off_recovery() -> None:
    set_recovery(is_on=False)


@pytest.mark.parametrize(
    ("turn_off", "subject"),
    [
        (turn_off_deletion_protection, "deletion protection"),
        (turn_off_stream, "stream"),
        (turn_off_ttl, "TTL"),
        (turn_off_recovery, "point-in-time recovery"),
    ],
)
def test_unprotected_table(run: Muster, stack: Stack, turn_off: Callable[[], None], subject: str) -> None:
    turn_off()
    level = "warning" if subject == "deletion protection" else "fault"
    findings = [json.loads(line) for line in run("doctor", "--json", code=int(level == "fault")).stdout.splitlines()]
    ((found, next_step),) = [
        (finding["level"], finding["next_step"]) for finding in findings if finding["subject"] == subject
    ]
    assert (found, next_step) == (level, "make protect TABLE=muster")


def test_earlier_stream_is_a_fault(run: Muster, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OUTPUTS, "StreamArn", "arn:aws:dynamodb:earlier")
    ((_, subject, detail),) = list_problems(run)
    assert (subject, detail.partition(":")[0]) == ("stream", "The functions read an earlier stream of the table")


def test_missing_master_key_is_a_fault(run: Muster, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OUTPUTS, "MasterKeySecret", "no-such-secret")
    ((_, subject, detail),) = list_problems(run)
    assert (subject, "does not exist" in detail) == ("master key", True)


def test_damaged_master_key_is_a_fault(run: Muster, stack: Stack) -> None:
    put_master_key("edited by hand")
    try:
        problems = list_problems(run)
    finally:
        put_master_key(MASTER_KEY)
    assert [(level, subject) for level, subject, _ in problems] == [("fault", "master key")]
    assert "cannot be read" in problems[0][2]
    assert "edited by hand" not in problems[0][2]


def test_deleted_secret_of_a_tenant_is_a_fault(run: Muster, stack: Stack) -> None:
    run("connect", "acme")
    name = f"{OUTPUTS['SecretPrefix']}acme"
    boto3.client("secretsmanager").delete_secret(SecretId=name)
    ((_, subject, detail),) = list_problems(run)
    assert (subject, "tenant acme is deleted" in detail) == ("secrets of tenants", True)
    boto3.client("secretsmanager").restore_secret(SecretId=name)


def test_missing_permissions_are_named_with_their_actions(
    run: Muster, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    denied = (("get_item", "Key"), ("query", "IndexName"), ("describe_time_to_live", "TableName"))
    monkeypatch.setitem(FAKE_CLIENTS, "dynamodb", Denying(boto3.client("dynamodb"), *denied))
    findings = [json.loads(line) for line in run("doctor", "--json", code=1).stdout.splitlines()]
    missing = [
        (finding["level"], finding["subject"], finding["missing_permission"])
        for finding in findings
        if finding["missing_permission"]
    ]
    assert missing[:3] == [
        ("warning", "TTL", "service:describe_time_to_live"),
        ("fault", "permissions to read the table", "dynamodb:GetItem"),
        ("fault", "permissions to read the table", "dynamodb:Query"),
    ]


def test_denied_check_does_not_end_the_others(run: Muster, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    denying = Denying(FAKE_CLIENTS["lambda"], ("get_function_configuration", "FunctionName"))
    monkeypatch.setitem(FAKE_CLIENTS, "lambda", denying)
    ((level, subject, detail),) = list_problems(run, code=0)
    assert (level, subject) == ("warning", "functions")
    assert detail == "Not checked, because your AWS identity lacks the permission service:get_function_configuration."


def test_without_credentials_only_that_is_reported(run: Muster, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise create_error("ExpiredToken", "expired", "GetCallerIdentity")

    monkeypatch.setitem(FAKE_CLIENTS, "sts", SimpleNamespace(meta=META, get_caller_identity=fail))
    ((level, subject, detail),) = list_problems(run)
    assert (level, subject) == ("fault", "access")
    assert detail.startswith("Your AWS session has ended. Sign in again")


@pytest.mark.parametrize(
    ("name", "detail"), [("gone", "There is no stack gone in eu-west-1."), ("other", "has no output")]
)
def test_wrong_stack(run: Muster, stack: Stack, name: str, detail: str) -> None:
    lines = [json.loads(line) for line in run("doctor", "--stack", name, "--json", code=1).stdout.splitlines()]
    assert (lines[-1]["level"], lines[-1]["subject"]) == ("fault", "stack")
    assert detail in lines[-1]["detail"]


def test_other_endpoint_is_a_warning(run: Muster, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_GLUE", "https://glue.example.com")
    ((level, subject, detail),) = list_problems(run, code=0)
    assert (level, subject) == ("warning", "endpoint")
    assert detail.endswith("because AWS_ENDPOINT_URL_GLUE is set")


@pytest.mark.parametrize(
    ("responses", "detail"),
    [
        ({"ServiceProviderConfig": (200, b"<html>")}, "answers 200, and is not SCIM"),
        ({"ServiceProviderConfig": (404, b"{}")}, "answers 404, and is not SCIM"),
        ({"ServiceProviderConfig": (503, b"{}")}, "answers 503."),
        ({"Users": (200, b"{}")}, "GET /Users without a token answers 200, not 401."),
    ],
)
def test_wrong_response_of_the_api(
    run: Muster, stack: Stack, responses: dict[str, tuple[int, bytes]], detail: str
) -> None:
    stack.responses |= responses
    ((level, subject, found),) = list_problems(run)
    assert (level, subject, detail in found) == ("fault", "API", True)


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        ("https://missing.invalid/scim/v2", "The host missing.invalid has no address in DNS."),
        ("http://127.0.0.1:1/scim/v2", "http://127.0.0.1:1/scim/v2 does not answer"),
    ],
)
def test_unreachable_api(url: str, detail: str) -> None:
    target: Any = SimpleNamespace(scim_url=url, is_local=False)
    (finding,) = api.check_api(target)
    assert (finding.level, detail in finding.detail) == (Level.FAULT, True)
