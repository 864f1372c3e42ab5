"""The stream, the queues and their alarms."""

import pytest

from local.template import Intrinsic
from scim.service.model.tenant import DEPLOYMENT_TEST_TENANT
from scim.store import keys
from tests.template.deployment import DEPLOYMENT, FUNCTIONS
from tests.template_reader import find_references


def test_failing_stream_record_goes_to_queue() -> None:
    (event,) = DEPLOYMENT.get_function("ChangesFunction")["Events"].values()
    mapping = event["Properties"]
    new, existing = Intrinsic("GetAtt", "Table.StreamArn"), Intrinsic("Ref", "StreamArn")
    assert mapping["Stream"] == Intrinsic("If", ["CreatesTable", new, existing])
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert 0 < mapping["MaximumRetryAttempts"] <= 100
    assert 0 < mapping["MaximumRecordAgeInSeconds"] <= 86_400
    destination = {"Type": "SQS", "Destination": Intrinsic("GetAtt", "DeadLetterQueue.Arn")}
    assert mapping["DestinationConfig"] == {"OnFailure": destination}


@pytest.mark.parametrize(
    ("name", "tenant", "sort_key", "is_delivered"),
    [
        ("INSERT", "acme", "C#1", True),
        ("REMOVE", "acme", "C#1", False),
        ("MODIFY", "acme", "C#1", False),
        ("INSERT", "acme", "U#1", False),
        ("INSERT", DEPLOYMENT_TEST_TENANT, "C#1", False),
        ("INSERT", f"{DEPLOYMENT_TEST_TENANT}s", "C#1", True),
    ],
)
def test_only_new_change_records_reach_function(name: str, tenant: str, sort_key: str, *, is_delivered: bool) -> None:
    """Nothing is published about the test customer of the pre-traffic hook."""
    mapping = FUNCTIONS["ChangesFunction"].stream
    assert mapping is not None
    item = {"pk": {"S": keys.resource_partition(tenant)}, "sk": {"S": sort_key}}
    assert mapping.accepts({"eventName": name, "dynamodb": {"Keys": item}}) is is_delivered


def test_queues_are_encrypted_with_longest_retention() -> None:
    queues = DEPLOYMENT.apply_parameters().select_by_type("AWS::SQS::Queue")
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
