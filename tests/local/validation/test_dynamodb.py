"""Requests that DynamoDB rejects are rejected; the limits are those of its documentation."""

from typing import Any

import pytest

from local.validation.dynamodb import check_request
from local.validation.dynamodb_values import count_bytes

KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}
UPDATE = {"Key": KEY, "UpdateExpression": "SET #a = :a"}
NAMES, VALUES = {"#a": "a"}, {":a": {"S": "x"}}
USED = {"ExpressionAttributeNames": NAMES, "ExpressionAttributeValues": VALUES}


def find_errors(operation: str, **request: Any) -> str:
    return "; ".join(violation.message for violation in check_request(operation, request))


def put_item(**attributes: Any) -> str:
    return find_errors("PutItem", Item=KEY | attributes)


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
    expression = "SET #a = if_not_exists(#a, :a), b = list_append(b, :b) ADD c :c DELETE e :e REMOVE d[1], d[2]"
    values = VALUES | {":b": {"L": []}, ":c": {"N": "1"}, ":e": {"SS": ["x"]}}
    request = {"UpdateExpression": expression, "ExpressionAttributeValues": values}
    assert find_errors("UpdateItem", Key=KEY, ExpressionAttributeNames=NAMES, **request) == ""


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
    assert "Limit must be" in query(Limit=0)
    assert "Limit must be" in query(Limit=2**31)
    assert "only contain non-primary key" in query(FilterExpression="contains(sk, :first)")
