"""Requests of botocore's clients are validated before they are sent."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.aws_validation import RejectedByAws

KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}


def test_clients_of_functions_are_validated(table: Any) -> None:
    """The functions create their own botocore sessions. Their requests are validated, too."""
    from scim.aws import clients
    from scim.aws.config import DYNAMODB_CONFIG, ClientKind

    item: Any = KEY | {"empty": {"SS": []}}
    action: Any = {"Put": {"TableName": table.name, "Item": item}}
    own = [clients.create_client("dynamodb", DYNAMODB_CONFIG, kind) for kind in ClientKind]
    for client in (*own, boto3.client("dynamodb")):
        with pytest.raises(RejectedByAws, match="may not be empty"):
            client.transact_write_items(TransactItems=[action])


def test_sqs_and_eventbridge_clients_get_error_codes(aws: None) -> None:
    """The code handles these errors, because they depend on user data."""
    queues, events = boto3.client("sqs"), boto3.client("events")
    url = queues.create_queue(QueueName="rules")["QueueUrl"]
    with pytest.raises(ClientError, match="InvalidMessageContents"):
        queues.send_message(QueueUrl=url, MessageBody="\uffff")
    with pytest.raises(ClientError, match="MalformedDetail"):
        events.put_events(Entries=[{"Source": "s", "DetailType": "t", "Detail": '{"a": NaN}'}])
