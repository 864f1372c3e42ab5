"""The changed moto (``tests.fast_moto``) returns the same responses as unchanged moto."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.endpoint import ENVIRONMENT, TEMPLATE

ROOT = Path(__file__).parents[1]
KEY = {"pk": {"S": "p"}, "sk": {"S": "1"}}
VALUES: dict[str, Any] = {
    "S": "text",
    "N": "1.5",
    "BOOL": True,
    "NULL": True,
    "B": b"\x00\xff",
    "SS": ["a", "b"],
    "L": [{"S": "a"}, {"M": {}}, {"L": []}],
    "M": {"name": {"N": "1"}, "empty": {"S": ""}},
}
ITEM = KEY | {f"v{kind}": {kind: value} for kind, value in VALUES.items()}


def put(number: int, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "muster", "Item": {"pk": {"S": "p"}, "sk": {"S": f"{number}"}}, **more}}


def update(number: int, value: str) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": "muster",
            "Key": {"pk": {"S": "p"}, "sk": {"S": f"{number}"}},
            "UpdateExpression": "SET #v = :v",
            "ExpressionAttributeNames": {"#v": "vS"},
            "ExpressionAttributeValues": {":v": {"S": value}},
        }
    }


CHANGED = update(1, "changed")["Update"]
IS_NEW = {"ConditionExpression": "attribute_not_exists(pk)"}
EXISTS = {"ConditionExpression": "attribute_exists(pk)"}
QUERY = {
    "TableName": "muster",
    "KeyConditionExpression": "pk = :p",
    "ExpressionAttributeValues": {":p": {"S": "p"}},
    "ConsistentRead": True,
}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("put_item", {"TableName": "muster", "Item": ITEM}),
    ("get_item", {"TableName": "muster", "Key": KEY}),
    ("get_item", {"TableName": "muster", "Key": KEY | {"sk": {"S": "none"}}}),
    ("transact_write_items", {"TransactItems": [put(2), update(1, "1"), put(3)]}),
    ("transact_write_items", {"TransactItems": [update(1, "lost"), put(4), put(2, **IS_NEW)]}),
    ("get_item", {"TableName": "muster", "Key": KEY, "ProjectionExpression": "vS, vM"}),
    ("query", QUERY),
    ("query", QUERY | {"Limit": 2}),
    ("query", QUERY | {"Select": "COUNT"}),
    ("scan", {"TableName": "muster"}),
    *(("update_item", CHANGED | {"ReturnValues": values}) for values in ("ALL_NEW", "ALL_OLD", "UPDATED_NEW", "NONE")),
    ("update_item", CHANGED | IS_NEW | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}),
    ("transact_get_items", {"TransactItems": [{"Get": {"TableName": "muster", "Key": KEY}}]}),
    ("batch_get_item", {"RequestItems": {"muster": {"Keys": [KEY]}}}),
    ("batch_write_item", {"RequestItems": {"muster": [{"DeleteRequest": {"Key": KEY}}]}}),
    ("delete_item", {"TableName": "muster", "Key": {"pk": {"S": "p"}, "sk": {"S": "2"}}, "ReturnValues": "ALL_OLD"}),
    ("scan", {"TableName": "muster"}),
    ("query", QUERY | {"KeyConditionExpression": "nothing = :p"}),
    ("get_item", {"TableName": "none", "Key": KEY}),
]


def call_all() -> list[Any]:
    """Make the calls one after another and return their responses and errors."""
    client = boto3.client("dynamodb")
    results = []
    for operation, arguments in CALLS:
        try:
            response = getattr(client, operation)(**arguments)
        except ClientError as error:
            response = dict(error.response)
        metadata = response.pop("ResponseMetadata")
        results.append([operation, metadata["HTTPStatusCode"], metadata["HTTPHeaders"]["content-type"], response])
    parsed: list[Any] = json.loads(json.dumps(results, default=repr))
    return parsed


def call_unchanged_moto() -> None:
    """Print the results of unchanged moto. This needs a process in which moto was not changed."""
    from moto import mock_aws

    with mock_aws():
        request = TEMPLATE.build_table_request(ENVIRONMENT["TABLE_NAME"])
        del request["StreamSpecification"]
        boto3.client("dynamodb").create_table(**request)
        json.dump(call_all(), sys.stdout)


@pytest.fixture(scope="module")
def unchanged_responses() -> Any:
    command = [sys.executable, "-c", "from tests.test_fast_moto import call_unchanged_moto as call; call()"]
    environment = ENVIRONMENT | {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603  # our own
    return json.loads(process.stdout)


def test_responses_are_those_of_unchanged_moto(table: Any, unchanged_responses: Any) -> None:
    assert call_all() == unchanged_responses


def test_failed_transaction_changes_nothing(table: Any) -> None:
    client = boto3.client("dynamodb")
    client.put_item(TableName="muster", Item=ITEM)
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        client.transact_write_items(TransactItems=[update(1, "lost"), put(2), put(3, **EXISTS)])
    (item,) = client.scan(TableName="muster")["Items"]
    assert item["vS"] == {"S": "text"}


@pytest.mark.parametrize("number", range(2))
def test_table_is_empty_at_start_of_test(table: Any, number: int) -> None:
    client = boto3.client("dynamodb")
    assert client.scan(TableName="muster")["Items"] == []
    client.transact_write_items(TransactItems=[put(number), put(number + 1)])
