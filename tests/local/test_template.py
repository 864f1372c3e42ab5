"""What the local run takes from a SAM template."""

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
  Days: {Type: Number, Default: 400}
  Url: {Type: String}
Globals:
  Function:
    CodeUri: src/
    Timeout: 29
    Environment:
      Variables:
        TABLE_NAME: !Ref Table
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


def test_a_function_has_the_globals_and_its_own_properties(path: Path) -> None:
    users, *_ = Template(path).read_functions(KNOWN, {})
    assert (users.name, users.handler, users.code) == ("Users", "handlers.users.handler", path.parent / "src")
    assert (users.timeout, users.memory) == (29, 1024)


def test_variables_are_resolved(path: Path) -> None:
    users, *_ = Template(path).read_functions(KNOWN, {})
    assert users.variables == {
        "TABLE_NAME": "muster",
        "DAYS": "400",
        "PREFIX": "muster/local/",
        "STRICT": "true",
        "LEVEL": "DEBUG",
    }


def test_local_values_come_before_those_of_the_template(path: Path) -> None:
    users, *_ = Template(path).read_functions(KNOWN, {"PREFIX": "p", "MORE": "m"})
    assert (users.variables["PREFIX"], users.variables["MORE"]) == ("p", "m")


def test_the_routes_are_those_of_the_http_api(path: Path) -> None:
    users, *_ = Template(path).read_functions(KNOWN, {})
    assert users.routes == (Route("$default", "Users"), Route("GET /Users/{id}", "Users"))


def test_a_function_that_the_stream_leads_to_has_its_mapping(path: Path) -> None:
    users, changes, _ = Template(path).read_functions(KNOWN, {})
    assert (users.stream, changes.routes) == (None, ())
    assert changes.stream == StreamMapping(batch_size=7, failure_queue="DeadQueue")


def test_function_of_a_queue_has_its_mapping(path: Path) -> None:
    *_, worker = Template(path).read_functions(KNOWN, {})
    assert worker.queue == QueueMapping("WorkQueue", 3, 0, True, 2)
    assert worker.variables["QUEUE_URL"] == "http://q/work"
    assert worker.variables["DEAD_ARN"] == "arn:dead"
    assert Template(path).read_consumed_queues() == {"WorkQueue"}


def test_queues_have_their_properties(path: Path) -> None:
    assert Template(path).read_queues() == [
        QueueConfig("WorkQueue", visibility_timeout=180, dead_letter_queue="DeadQueue", max_receives=5),
        QueueConfig("DeadQueue", retention=1_209_600),
    ]


def test_visibility_timeout_below_the_functions_is_a_problem(path: Path) -> None:
    """Lambda refuses such a mapping."""
    path.write_text(TEMPLATE.replace("VisibilityTimeout: 180", "VisibilityTimeout: 28"))
    with pytest.raises(
        LocalRunError, match="VisibilityTimeout of WorkQueue is 28 s, less than the Timeout of Worker, 29 s"
    ):
        Template(path).read_functions(KNOWN, {})


def test_queue_that_is_not_of_the_template_is_a_problem(path: Path) -> None:
    path.write_text(TEMPLATE.replace("!GetAtt WorkQueue.Arn", "arn:aws:sqs:eu-west-1:1:other"))
    with pytest.raises(LocalRunError, match="does not name a queue of the template"):
        Template(path).read_functions(KNOWN, {})


def test_a_function_that_nothing_leads_to_is_left_out(path: Path) -> None:
    assert {spec.name for spec in Template(path).read_functions(KNOWN, {})} == {"Users", "Changes", "Worker"}


@pytest.mark.parametrize("value", ["!GetAtt Table.Arn", "!Ref Url", "!Sub x-${Unknown}", "!If [A, b, c]"])
def test_a_variable_without_a_value_is_a_problem_that_names_it(value: str, path: Path) -> None:
    path.write_text(TEMPLATE.replace("!Ref Days", value))
    with pytest.raises(LocalRunError, match="Users's DAYS is !"):
        Template(path).read_functions(KNOWN, {})


def test_the_table_is_what_every_engine_understands(path: Path) -> None:
    assert Template(path).build_table_request("muster") == {
        "TableName": "muster",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    }


@pytest.mark.parametrize("text", ["Resources: [", "just text", "Parameters: {}", ""])
def test_what_is_no_template_is_a_problem_of_one_line(text: str, path: Path) -> None:
    path.write_text(text)
    with pytest.raises(LocalRunError) as caught:
        Template(path)
    assert "\n" not in str(caught.value)


def test_a_missing_template_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(LocalRunError, match=r"template\.yaml"):
        Template(tmp_path / "template.yaml")
