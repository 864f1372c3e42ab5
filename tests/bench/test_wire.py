"""Calls are recorded, replayed, intercepted and repeated."""

from typing import Any

import boto3
import pytest

from bench import wire

KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}


def test_recorded_response_is_replayed_without_call(table: Any) -> None:
    client = boto3.client("dynamodb")
    table.put_item(Item={"pk": "p", "sk": "s", "v": 1})
    with wire.record_calls() as calls:
        response = client.get_item(TableName=table.name, Key=KEY)
    table.delete_item(Key={"pk": "p", "sk": "s"})
    assert [(call.service, call.operation) for call in calls] == [("dynamodb", "GetItem")]
    with wire.replay_calls(calls):
        assert client.get_item(TableName=table.name, Key=KEY) is response
        assert client.get_item(TableName=table.name, Key=KEY) is response


def test_unrecorded_call_raises(table: Any) -> None:
    client = boto3.client("dynamodb")
    with wire.record_calls() as calls:
        client.get_item(TableName=table.name, Key=KEY)
    with wire.replay_calls(calls), pytest.raises(wire.UnexpectedCall, match="DescribeTable instead of GetItem"):
        client.describe_table(TableName=table.name)


def test_only_transactions_are_intercepted(table: Any) -> None:
    client = boto3.client("dynamodb")
    transactions: list[dict[str, Any]] = []
    with wire.collect_transactions(transactions.append):
        client.transact_write_items(TransactItems=[{"Put": {"TableName": table.name, "Item": KEY}}])
        assert "Item" not in client.get_item(TableName=table.name, Key=KEY)
    assert [transaction["TransactItems"][0]["Put"]["Item"] for transaction in transactions] == [KEY]


def test_calls_are_repeated_with_other_table_and_token(table: Any) -> None:
    client = boto3.client("dynamodb")
    action = {"Put": {"TableName": table.name, "Item": KEY}}
    with wire.record_calls(responses=False) as calls:
        client.transact_write_items(TransactItems=[action], ClientRequestToken="a" * 36)
    repeated: list[dict[str, Any]] = []
    with wire.collect_transactions(repeated.append):
        for call in wire.build_repetitions(calls, client, table.name, "other"):
            call()
    (sent,) = repeated
    assert sent["TransactItems"] == [{"Put": {"TableName": "other", "Item": KEY}}]
    assert sent["ClientRequestToken"] != "a" * 36
