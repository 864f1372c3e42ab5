"""What DynamoDB refuses is refused, and what it takes is taken; the limits are those of its documentation."""

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


def refused(operation: str, **request: Any) -> str:
    return "; ".join(violation.message for violation in check_request(operation, request))


def put(**attributes: Any) -> str:
    return refused("PutItem", Item=KEY | attributes)


def nested(levels: int) -> dict[str, Any]:
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
        (nested(33), "Nesting"),
        ({"M": {"a": {"SS": []}}}, "may not be empty"),
        ({"S": "\ud800"}, "surrogate"),
        ({}, "exactly one"),
        ({"S": "a", "N": "1"}, "exactly one"),
    ],
)
def test_value_is_refused(value: dict[str, Any], message: str) -> None:
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
        nested(32),
    ],
)
def test_value_is_taken(value: dict[str, Any]) -> None:
    assert list(check_value(value)) == []


def test_item_has_400_kb() -> None:
    rest = count_bytes(KEY | {"doc": {"S": ""}})
    assert put(doc={"S": "x" * (400 * 1024 - rest)}) == ""
    assert "Item size" in put(doc={"S": "x" * (400 * 1024 - rest + 1)})


@pytest.mark.parametrize("key", ["", "x" * 1_025])
def test_sort_key_and_key_of_the_index_are_limited(key: str) -> None:
    assert "the key sk" in refused("PutItem", Item={"pk": {"S": "p"}, "sk": {"S": key}})
    assert "the key time" in put(time={"S": key})
    assert "the key sk" in refused("GetItem", Key={"pk": {"S": "p"}, "sk": {"S": key}})


def test_key_has_the_attributes_of_the_schema() -> None:
    assert "does not match the schema" in refused("GetItem", Key=KEY | {"time": {"S": "x"}})
    assert "Type mismatch" in refused("GetItem", Key=KEY | {"sk": {"N": "1"}})


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
def test_update_is_refused(change: dict[str, Any], message: str) -> None:
    assert refused("UpdateItem", **UPDATE, **USED) == ""
    assert message in refused("UpdateItem", **UPDATE | USED | change)


def test_functions_in_an_update_are_taken() -> None:
    expression = "SET #a = if_not_exists(#a, :a), b = list_append(b, :a) ADD c :a REMOVE d[1], d[2]"
    assert refused("UpdateItem", Key=KEY, UpdateExpression=expression, **USED) == ""


def test_transaction_writes_an_item_once() -> None:
    check = {"ConditionCheck": {"Key": KEY, "ConditionExpression": "attribute_exists(pk)"}}
    assert refused("TransactWriteItems", TransactItems=[check]) == ""
    assert "duplicates" in refused("TransactWriteItems", TransactItems=[check, {"Put": {"Item": KEY}}])
    assert "no ConditionExpression" in refused("TransactWriteItems", TransactItems=[{"ConditionCheck": {"Key": KEY}}])


def test_transaction_has_4_mb_and_100_items() -> None:
    def transact(number: int, size: int) -> str:
        items = [{"pk": {"S": "p"}, "sk": {"S": str(n)}, "doc": {"S": "x" * size}} for n in range(number)]
        return refused("TransactWriteItems", TransactItems=[{"Put": {"Item": item}} for item in items])

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
    return refused("Query", **request | change)


def test_query_is_within_its_range() -> None:
    def between(first: str, last: str) -> dict[str, Any]:
        return {"ExpressionAttributeValues": {":pk": {"S": "p"}, ":first": {"S": first}, ":last": {"S": last}}}

    assert query() == ""
    assert "upper bound" in query(**between("c", "b"))
    assert "starting key is outside" in query(ExclusiveStartKey={"pk": {"S": "p"}, "sk": {"S": "a"}})
    assert "starting key is invalid" in query(ExclusiveStartKey={"pk": {"S": "p"}})
    assert "only contain non-primary key" in query(FilterExpression="contains(sk, :first)")


def test_clients_of_the_functions_are_watched(table: Any) -> None:
    """The functions make sessions of their own; their requests are held to the rules as those of boto3's."""
    from scim.aws import clients
    from scim.aws.clients import DYNAMODB_CONFIG

    item: Any = KEY | {"empty": {"SS": []}}
    for client in (clients.client("dynamodb", DYNAMODB_CONFIG), boto3.client("dynamodb")):
        with pytest.raises(RefusedByAws, match="may not be empty"):
            client.put_item(TableName=table.name, Item=item)


def test_clients_of_queue_and_bus_get_their_error_codes(aws: None) -> None:
    """The code deals with these: what a user is called decides them."""
    queues, events = boto3.client("sqs"), boto3.client("events")
    url = queues.create_queue(QueueName="rules")["QueueUrl"]
    with pytest.raises(ClientError, match="InvalidMessageContents"):
        queues.send_message(QueueUrl=url, MessageBody="\uffff")
    with pytest.raises(ClientError, match="MalformedDetail"):
        events.put_events(Entries=[{"Source": "s", "DetailType": "t", "Detail": '{"a": NaN}'}])
