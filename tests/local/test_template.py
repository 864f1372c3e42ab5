"""Reading functions, routes, queues and the table from a SAM template."""

from pathlib import Path

import pytest

from local.api_gateway.routes import Route
from local.aws_lambda.queue_mapping import QueueMapping
from local.aws_lambda.stream_mapping import StreamMapping
from local.errors import LocalRunError
from local.services.queue_config import QueueConfig
from local.template import Template

TEMPLATE = """
Parameters:
  Days: {Type: Number, Default: 400, MinValue: 0, MaxValue: 9000}
  Url: {Type: String}
  Other: {Type: String, Default: ""}
Conditions:
  CreatesTable: !Equals [!Ref Other, ""]
  HasOther: !Not [!Equals [!Ref Other, ""]]
Globals:
  Function:
    CodeUri: src/
    Timeout: 29
    Environment:
      Variables:
        TABLE_NAME: !If [CreatesTable, !Ref Table, !Ref Other]
        OTHER: !If [HasOther, !Ref Other, none]
        DAYS: !Ref Days
        PREFIX: !Sub muster/${AWS::StackName}/
        STRICT: true
        LEVEL: INFO
Resources:
  Users:
    Type: AWS::Serverless::Function
    Properties:
      Handler: handlers.users.handler
      MemorySize: 1024
      Environment: {Variables: {LEVEL: DEBUG}}
      Events:
        Default: {Type: HttpApi, Properties: {Path: $default, Method: ANY}}
        One: {Type: HttpApi, Properties: {Path: "/Users/{id}", Method: get}}
  Changes:
    Type: AWS::Serverless::Function
    Properties:
      Handler: handlers.changes.handler
      Events:
        Stream:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Table.StreamArn
            BatchSize: 7
            DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt DeadQueue.Arn}}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Handler: handlers.worker.handler
      Environment: {Variables: {QUEUE_URL: !Ref WorkQueue, DEAD_ARN: !GetAtt DeadQueue.Arn}}
      Events:
        Messages:
          Type: SQS
          Properties:
            Queue: !GetAtt WorkQueue.Arn
            BatchSize: 3
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 2}
  Rotation:
    Type: AWS::Serverless::Function
    Properties: {Handler: handlers.rotation.handler}
  WorkQueue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 180
      RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadQueue.Arn, maxReceiveCount: 5}
  DeadQueue:
    Type: AWS::SQS::Queue
    Properties: {MessageRetentionPeriod: 1209600}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}
      SSESpecification: {SSEEnabled: true}
      TimeToLiveSpecification: {AttributeName: ttl, Enabled: true}
"""
KNOWN = {"Table": "muster", "AWS::StackName": "local", "WorkQueue": "http://q/work", "DeadQueue.Arn": "arn:dead"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE)
    return path


def test_function_has_global_and_own_properties(path: Path) -> None:
    users, *_ = Template(path).read_functions(KNOWN, {})
    assert (users.name, users.handler, users.code) == ("Users", "handlers.users.handler", path.parent / "src")
    assert (users.timeout, users.memory) == (29, 1024)


def test_variables_are_resolved(path: Path) -> None:
    users, *_ = Template(path).read_functions(KNOWN, {})
    assert users.variables == {
        "TABLE_NAME": "muster",
        "OTHER": "none",
        "DAYS": "400",
        "PREFIX": "muster/local/",
        "STRICT": "true",
        "LEVEL": "DEBUG",
    }


def test_parameters_replace_defaults(path: Path) -> None:
    users, *_ = Template(path, {"Days": "30", "Other": "old"}).read_functions(KNOWN, {})
    assert [users.variables[name] for name in ("DAYS", "OTHER", "TABLE_NAME")] == ["30", "old", "old"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Hours", "1", "no parameter Hours; its parameters are Days, Url, Other"),
        ("Days", "9001", "Days is '9001'; it must be a number from 0 to 9000"),
        ("Days", "a month", "it must be a number"),
    ],
)
def test_parameter_that_cloudformation_rejects_is_error(path: Path, name: str, value: str, message: str) -> None:
    with pytest.raises(LocalRunError, match=message):
        Template(path, {name: value})


def test_overrides_replace_template_values(path: Path) -> None:
    users, *_ = Template(path).read_functions(KNOWN, {"PREFIX": "p", "MORE": "m"})
    assert (users.variables["PREFIX"], users.variables["MORE"]) == ("p", "m")


def test_routes_are_those_of_http_api(path: Path) -> None:
    users, *_ = Template(path).read_functions(KNOWN, {})
    assert users.routes == (Route("$default", "Users"), Route("GET /Users/{id}", "Users"))


def test_stream_function_has_mapping(path: Path) -> None:
    users, changes, _ = Template(path).read_functions(KNOWN, {})
    assert (users.stream, changes.routes) == (None, ())
    assert changes.stream == StreamMapping(batch_size=7, failure_queue="DeadQueue")


def test_queue_function_has_mapping(path: Path) -> None:
    *_, worker = Template(path).read_functions(KNOWN, {})
    assert worker.queue == QueueMapping("WorkQueue", 3, 0, True, 2)
    assert worker.variables["QUEUE_URL"] == "http://q/work"
    assert worker.variables["DEAD_ARN"] == "arn:dead"
    assert Template(path).read_consumed_queues() == {"WorkQueue"}


def test_queues_have_properties(path: Path) -> None:
    assert Template(path).read_queues() == [
        QueueConfig("WorkQueue", visibility_timeout=180, dead_letter_queue="DeadQueue", max_receives=5),
        QueueConfig("DeadQueue", retention=1_209_600),
    ]


def test_visibility_timeout_below_function_timeout_is_error(path: Path) -> None:
    """Lambda rejects such a mapping."""
    path.write_text(TEMPLATE.replace("VisibilityTimeout: 180", "VisibilityTimeout: 28"))
    with pytest.raises(
        LocalRunError, match="VisibilityTimeout of WorkQueue is 28 s, less than the Timeout of Worker, 29 s"
    ):
        Template(path).read_functions(KNOWN, {})


def test_queue_outside_template_is_error(path: Path) -> None:
    path.write_text(TEMPLATE.replace("!GetAtt WorkQueue.Arn", "arn:aws:sqs:eu-west-1:1:other"))
    with pytest.raises(LocalRunError, match="is not the ARN of a queue in the template"):
        Template(path).read_functions(KNOWN, {})


def test_function_without_event_source_is_skipped(path: Path) -> None:
    assert {spec.name for spec in Template(path).read_functions(KNOWN, {})} == {"Users", "Changes", "Worker"}


@pytest.mark.parametrize("value", ["!GetAtt Table.Arn", "!Ref Url", "!Sub x-${Unknown}", "!If [A, b, c]"])
def test_variable_without_value_is_named_in_error(value: str, path: Path) -> None:
    path.write_text(TEMPLATE.replace("!Ref Days", value))
    with pytest.raises(LocalRunError, match="Users's DAYS is !"):
        Template(path).read_functions(KNOWN, {})


def test_table_request_has_portable_properties(path: Path) -> None:
    assert Template(path).build_table_request("muster") == {
        "TableName": "muster",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    }


@pytest.mark.parametrize("text", ["Resources: [", "just text", "Parameters: {}", ""])
def test_invalid_template_is_one_line_error(text: str, path: Path) -> None:
    path.write_text(text)
    with pytest.raises(LocalRunError) as error:
        Template(path)
    assert "\n" not in str(error.value)


def test_missing_template_is_error(tmp_path: Path) -> None:
    with pytest.raises(LocalRunError, match=r"template\.yaml"):
        Template(tmp_path / "template.yaml")


def test_condition_with_other_functions_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE.replace('!Not [!Equals [!Ref Other, ""]]', "!Or [!Condition A, !Condition B]"))
    with pytest.raises(LocalRunError, match="cannot evaluate the condition !Or"):
        Template(path).read_functions({}, {})
