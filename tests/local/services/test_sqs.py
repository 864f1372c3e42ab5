"""The SQS of the local run, called by botocore's client: responses and rejected requests."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.services.messaging import Messaging, serve_messaging
from local.services.queue_config import QueueConfig
from tests.local.messaging import create_unvalidated_client

QUEUES = [
    QueueConfig("work", dead_letter_queue="dead", max_receives=3),
    QueueConfig("dead"),
    QueueConfig("small", max_bytes=1_024),
]
MB = 1_048_576


@pytest.fixture
def messaging(tmp_path: Path) -> Iterator[Messaging]:
    with serve_messaging(tmp_path, QUEUES, ["work"]) as messaging:
        yield messaging


@pytest.fixture
def sqs(messaging: Messaging) -> Any:
    return create_unvalidated_client("sqs", messaging)


@pytest.fixture
def url(messaging: Messaging) -> str:
    return messaging.build_queue_url("work")


def get_error_code(operation: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as error:
        operation(**request)
    code: str = error.value.response["Error"]["Code"]
    return code


def test_sent_message_is_received(sqs: Any, url: str) -> None:
    attributes = {
        "kind": {"DataType": "String", "StringValue": "x"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\0"},
    }
    sent = sqs.send_message(QueueUrl=url, MessageBody="zoë", MessageGroupId="acme", MessageAttributes=attributes)
    assert sent["MD5OfMessageBody"] == hashlib.md5("zoë".encode(), usedforsecurity=False).hexdigest()
    request = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    (message,) = sqs.receive_message(QueueUrl=url, **request)["Messages"]
    assert (message["Body"], message["MessageId"]) == ("zoë", sent["MessageId"])
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert message["Attributes"]["MessageGroupId"] == "acme"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_md5_of_attributes(sqs: Any, url: str) -> None:
    """The digest equals the one of moto, which is tested with the AWS SDKs."""
    from moto.sqs.models import Message

    attributes = {
        "b": {"DataType": "Number", "StringValue": "12"},
        "a": {"DataType": "Binary.x", "BinaryValue": b"\1\2"},
    }
    sent = sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=attributes)
    message = Message("1", "x")
    message.message_attributes = attributes
    assert sent["MD5OfMessageAttributes"] == message.attribute_md5


def test_batch_has_result_for_each_entry(sqs: Any, url: str) -> None:
    entries = [
        {"Id": "a", "MessageBody": "a"},
        {"Id": "b", "MessageBody": "\ufffe"},
        {"Id": "c", "MessageBody": "c", "MessageGroupId": "no group"},
    ]
    response = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in response["Successful"]] == ["a"]
    failed = {entry["Id"]: (entry["Code"], entry["SenderFault"]) for entry in response["Failed"]}
    assert failed == {"b": ("InvalidMessageContents", True), "c": ("InvalidParameterValue", True)}
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    handles = [{"Id": "a", "ReceiptHandle": message["ReceiptHandle"]}, {"Id": "b", "ReceiptHandle": "x"}]
    deleted = sqs.delete_message_batch(QueueUrl=url, Entries=handles)
    assert ([entry["Id"] for entry in deleted["Successful"]], deleted["Failed"][0]["Code"]) == (
        ["a"],
        "ReceiptHandleIsInvalid",
    )


@pytest.mark.parametrize("text", ["\0", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff", "a\uffffb"])
def test_non_xml_character_is_rejected(text: str, sqs: Any, url: str) -> None:
    assert get_error_code(sqs.send_message, QueueUrl=url, MessageBody=text) == "InvalidMessageContents"


@pytest.mark.parametrize("text", ["\t\n\r", " ", "\x7f", "\ud7ff\ue000\ufffd", "\U00010000\U0010ffff", '"\\uffff"'])
def test_xml_character_is_accepted(text: str, sqs: Any, url: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody=text)
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == text


def test_size_is_limited(sqs: Any, url: str, messaging: Messaging) -> None:
    sqs.send_message(QueueUrl=url, MessageBody="é" * (MB // 2))
    assert get_error_code(sqs.send_message, QueueUrl=url, MessageBody="é" * (MB // 2) + "x") == "InvalidParameterValue"
    small = messaging.build_queue_url("small")
    sqs.send_message(QueueUrl=small, MessageBody="x" * 1_024)
    assert get_error_code(sqs.send_message, QueueUrl=small, MessageBody="x" * 1_025) == "InvalidParameterValue"
    attribute = {"a": {"DataType": "String", "StringValue": "x"}}
    request = {"MessageBody": "x" * 1_020, "MessageAttributes": attribute}
    assert get_error_code(sqs.send_message, QueueUrl=small, **request) == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(n), "MessageBody": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": "x" * 81, "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": str(n), "MessageBody": "x" * 600_000} for n in range(2)], "BatchRequestTooLong"),
    ],
)
def test_invalid_batch_is_rejected(entries: Any, code: str, sqs: Any, url: str) -> None:
    assert get_error_code(sqs.send_message_batch, QueueUrl=url, Entries=entries) == f"AWS.SimpleQueueService.{code}"
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


@pytest.mark.parametrize(
    "request_",
    [
        {"MessageGroupId": ""},
        {"MessageGroupId": "x" * 129},
        {"MessageGroupId": "ä"},
        {"DelaySeconds": 901},
        {"MessageDeduplicationId": "x"},
        {"MessageAttributes": {"AWS.x": {"DataType": "String", "StringValue": "x"}}},
        {"MessageAttributes": {"a": {"DataType": "Text", "StringValue": "x"}}},
        {"MessageAttributes": {"a": {"DataType": "String", "StringValue": ""}}},
        {"MessageAttributes": {str(n): {"DataType": "String", "StringValue": "x"} for n in range(11)}},
    ],
)
def test_invalid_message_parameter_is_rejected(request_: Any, sqs: Any, url: str) -> None:
    assert get_error_code(sqs.send_message, QueueUrl=url, MessageBody="x", **request_) == "InvalidParameterValue"


@pytest.mark.parametrize(
    "request_", [{"MaxNumberOfMessages": 11}, {"WaitTimeSeconds": 21}, {"VisibilityTimeout": 43_201}]
)
def test_invalid_receive_parameter_is_rejected(request_: Any, sqs: Any, url: str) -> None:
    assert get_error_code(sqs.receive_message, QueueUrl=url, **request_) == "InvalidParameterValue"


def test_visibility_can_be_changed(sqs: Any, url: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody="x")
    handle = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    assert sqs.receive_message(QueueUrl=url)["Messages"]
    request = {"QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 43_201}
    assert get_error_code(sqs.change_message_visibility, **request) == "InvalidParameterValue"


def test_queue_attributes_are_those_of_template(sqs: Any, url: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody="x")
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (attributes["ApproximateNumberOfMessages"], attributes["ApproximateNumberOfMessagesNotVisible"]) == (
        "1",
        "0",
    )
    assert attributes["QueueArn"] == "arn:aws:sqs:us-east-1:000000000000:work"
    assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] == 3


def test_queue_url_is_looked_up_by_name(sqs: Any, url: str) -> None:
    assert sqs.get_queue_url(QueueName="work")["QueueUrl"] == url
    assert get_error_code(sqs.get_queue_url, QueueName="other") == "AWS.SimpleQueueService.NonExistentQueue"


def test_unknown_operation_is_rejected(sqs: Any) -> None:
    assert get_error_code(sqs.create_queue, QueueName="x") == "AWS.SimpleQueueService.UnsupportedOperation"
