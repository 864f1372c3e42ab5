"""Requests that DynamoDB rejects are rejected; the limits are those of its documentation."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.validation.dynamodb import check_request
from local.validation.dynamodb_values import check_value, count_bytes
from tests.aws_rules import RefusedByAws

KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}
UPDATE = {"Key": KEY, "UpdateExpression": "SET #a = :a"}
NAMES, VALUES = {"#a": "a"}, {":a": {"S": "x"}}
USED = {"ExpressionAttributeNames": NAMES, "ExpressionAttributeValues": VALUES}


def find_errors(operation: str, **request: Any) -> str:
    return "; ".join(violation.message for violation in check_request(operation, request))


def put_item(**attributes: Any) -> str:
    return find_errors("PutItem", Item=KEY | attributes)


def nest(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "x"}
    for _ in range(levels):
        value = {"L": [value]}
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"SS": []}, "may not be empty"),
        ({"SS": ["a", "a"]}, "duplicates"),
        ({"NS": ["1", "1.0"]}, "duplicates"),
        ({"N": "1" * 39}, "significant digits"),
        ({"N": "1E126"}, "overflow"),
        ({"N": "1E-131"}, "overflow"),
        ({"N": "x"}, "numeric"),
        ({"N": "NaN"}, "numeric"),
        ({"NS": ["1" * 39]}, "significant digits"),
        (nest(33), "Nesting"),
        ({"M": {"a": {"SS": []}}}, "may not be empty"),
        ({"S": "\ud800"}, "surrogate"),
        ({}, "exactly one"),
        ({"S": "a", "N": "1"}, "exactly one"),
    ],
)
def test_invalid_value_is_rejected(value: dict[str, Any], message: str) -> None:
    assert message in "; ".join(check_value(value))


@pytest.mark.parametrize(
    "value",
    [
        {"S": ""},
        {"SS": [""]},
        {"N": "1" * 38},
        {"N": "1" * 38 + "0" * 80},
        {"N": "0"},
        {"N": "-9.9E125"},
        {"N": "1E-130"},
        {"L": []},
        {"M": {}},
        {"NULL": True},
        nest(32),
    ],
)
def test_value_is_accepted(value: dict[str, Any]) -> None:
    assert list(check_value(value)) == []


def test_item_size_is_limited() -> None:
    rest = count_bytes(KEY | {"doc": {"S": ""}})
    assert put_item(doc={"S": "x" * (400 * 1024 - rest)}) == ""
    assert "Item size" in put_item(doc={"S": "x" * (400 * 1024 - rest + 1)})


@pytest.mark.parametrize("key", ["", "x" * 1_025])
def test_key_size_is_limited(key: str) -> None:
    assert "the key sk" in find_errors("PutItem", Item={"pk": {"S": "p"}, "sk": {"S": key}})
    assert "the key time" in put_item(time={"S": key})
    assert "the key sk" in find_errors("GetItem", Key={"pk": {"S": "p"}, "sk": {"S": key}})


def test_key_must_match_schema() -> None:
    assert "does not match the schema" in find_errors("GetItem", Key=KEY | {"time": {"S": "x"}})
    assert "Type mismatch" in find_errors("GetItem", Key=KEY | {"sk": {"N": "1"}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ExpressionAttributeValues": VALUES | {":b": {"S": "x"}}}, "unused in expressions: [':b']"),
        ({"ExpressionAttributeNames": NAMES | {"#b": "b"}}, "unused in expressions: ['#b']"),
        ({"ExpressionAttributeValues": {":b": {"S": "x"}}}, "does not define [':a']"),
        ({"ExpressionAttributeNames": {}}, "must not be empty"),
        ({"ExpressionAttributeValues": {":a": {"SS": []}}}, "may not be empty"),
        ({"UpdateExpression": "SET #a = :a, #a = :a"}, "overlap"),
        ({"UpdateExpression": "SET #a = :a REMOVE #a.b"}, "overlap"),
        ({"UpdateExpression": "SET #a = :a SET b = :a"}, "only be used once"),
        ({"ExpressionAttributeNames": {"#a": "sk"}}, "part of the key"),
        ({"UpdateExpression": "SET #a = :a, status = :a"}, "reserved keyword: status"),
        ({"UpdateExpression": "SET #a = :a" + "".join(f", x{n} = :a" for n in range(301))}, "operators"),
        ({"UpdateExpression": "SET #a = :a, " + "x" * 4_096 + " = :a"}, "size"),
        ({"UpdateExpression": " "}, "can not be empty"),
        ({"ConditionExpression": f"a IN ({','.join([':a'] * 101)})"}, "100 operands"),
        ({"ReturnValues": "ALL"}, "Return values"),
    ],
)
def test_invalid_update_is_rejected(change: dict[str, Any], message: str) -> None:
    assert find_errors("UpdateItem", **UPDATE, **USED) == ""
    assert message in find_errors("UpdateItem", **UPDATE | USED | change)


def test_update_functions_are_accepted() -> None:
    expression = "SET #a = if_not_exists(#a, :a), b = list_append(b, :a) ADD c :a REMOVE d[1], d[2]"
    assert find_errors("UpdateItem", Key=KEY, UpdateExpression=expression, **USED) == ""


def test_transaction_with_duplicate_item_is_rejected() -> None:
    check = {"ConditionCheck": {"Key": KEY, "ConditionExpression": "attribute_exists(pk)"}}
    assert find_errors("TransactWriteItems", TransactItems=[check]) == ""
    assert "duplicates" in find_errors("TransactWriteItems", TransactItems=[check, {"Put": {"Item": KEY}}])
    assert "no ConditionExpression" in find_errors(
        "TransactWriteItems", TransactItems=[{"ConditionCheck": {"Key": KEY}}]
    )


def test_transaction_size_is_limited() -> None:
    def transact(number: int, size: int) -> str:
        items = [{"pk": {"S": "p"}, "sk": {"S": str(n)}, "doc": {"S": "x" * size}} for n in range(number)]
        return find_errors("TransactWriteItems", TransactItems=[{"Put": {"Item": item}} for item in items])

    assert transact(10, 400_000) == ""
    assert "more than 4 MB" in transact(11, 400_000)
    assert transact(100, 1) == ""
    assert "101 items" in transact(101, 1)


def query(**change: Any) -> str:
    request: dict[str, Any] = {
        "KeyConditionExpression": "pk = :pk AND #sort BETWEEN :first AND :last",
        "ExpressionAttributeNames": {"#sort": "sk"},
        "ExpressionAttributeValues": {":pk": {"S": "p"}, ":first": {"S": "b"}, ":last": {"S": "c"}},
    }
    return find_errors("Query", **request | change)


def test_query_range_is_checked() -> None:
    def between(first: str, last: str) -> dict[str, Any]:
        return {"ExpressionAttributeValues": {":pk": {"S": "p"}, ":first": {"S": first}, ":last": {"S": last}}}

    assert query() == ""
    assert "upper bound" in query(**between("c", "b"))
    assert "starting key is outside" in query(ExclusiveStartKey={"pk": {"S": "p"}, "sk": {"S": "a"}})
    assert "starting key is invalid" in query(ExclusiveStartKey={"pk": {"S": "p"}})
    assert "only contain non-primary key" in query(FilterExpression="contains(sk, :first)")


def test_clients_of_functions_are_validated(table: Any) -> None:
    """The functions create their own botocore sessions; their requests are validated like those of boto3."""
    from scim.aws import clients
    from scim.aws.clients import DYNAMODB_CONFIG

    item: Any = KEY | {"empty": {"SS": []}}
    for client in (clients.client("dynamodb", DYNAMODB_CONFIG), boto3.client("dynamodb")):
        with pytest.raises(RefusedByAws, match="may not be empty"):
            client.put_item(TableName=table.name, Item=item)


def test_sqs_and_eventbridge_clients_get_error_codes(aws: None) -> None:
    """The code handles these errors: they depend on user data."""
    queues, events = boto3.client("sqs"), boto3.client("events")
    url = queues.create_queue(QueueName="rules")["QueueUrl"]
    with pytest.raises(ClientError, match="InvalidMessageContents"):
        queues.send_message(QueueUrl=url, MessageBody="\uffff")
    with pytest.raises(ClientError, match="MalformedDetail"):
        events.put_events(Entries=[{"Source": "s", "DetailType": "t", "Detail": '{"a": NaN}'}])
