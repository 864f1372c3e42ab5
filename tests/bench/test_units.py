"""Read and write units are counted as AWS counts them."""

from typing import Any

import boto3
import pytest

from bench.units import count_units, get_item_size, index_units, read_units, write_units

KB = 1_024


def build_item(size: int, **attributes: Any) -> dict[str, Any]:
    """Return an item of exactly this size in bytes."""
    padded: dict[str, Any] = {"pk": {"S": "p"}, "sk": {"S": "s"}, "doc": {"S": ""}, **attributes}
    padded["doc"] = {"S": "x" * (size - get_item_size(padded))}
    return padded


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "abc"}, 3),
        ({"S": "é€"}, 5),
        ({"N": "7"}, 2),
        ({"N": "-1234"}, 3),
        ({"N": "100"}, 2),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"B": b"abc"}, 3),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"S": "c"}]}, 3 + 3 + 2),
        ({"M": {"k": {"S": "ab"}}}, 3 + 1 + 1 + 2),
        ({"SS": ["a", "bc"]}, 3),
    ],
)
def test_item_size(value: dict[str, Any], size: int) -> None:
    assert get_item_size({"name": value}) == len("name") + size


@pytest.mark.parametrize(
    ("sizes", "units"), [([], 1), ([1], 1), ([4 * KB], 1), ([4 * KB + 1], 2), ([KB] * 4, 1), ([KB] * 5, 2)]
)
def test_read_units_are_rounded_after_sum(sizes: list[int], units: int) -> None:
    assert read_units(sizes, consistent=True) == units
    assert read_units(sizes, consistent=False) == units / 2


def test_write_units_of_item() -> None:
    small, large = build_item(KB), build_item(2 * KB + 1)
    assert write_units(None, small, transaction=False) == 1
    assert write_units(large, small, transaction=False) == 3
    assert write_units(small, large, transaction=True) == 6
    assert write_units(None, None, transaction=False) == 1  # deleting an item that does not exist


INDEX = {
    "KeySchema": [{"AttributeName": "g"}, {"AttributeName": "at"}],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["shown"]},
}


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        ({}, {"g": "a", "at": "1"}, 1),
        ({"g": "a", "at": "1"}, None, 1),
        ({"g": "a", "at": "1"}, {"g": "a", "at": "2"}, 2),
        ({"g": "a", "at": "1", "shown": "x"}, {"g": "a", "at": "1", "shown": "y"}, 1),
        ({"g": "a", "at": "1", "hidden": "x"}, {"g": "a", "at": "1", "hidden": "y"}, 0),
        ({"hidden": "x"}, {"hidden": "y"}, 0),
    ],
)
def test_index_units_of_write(before: dict[str, str] | None, after: dict[str, str] | None, units: int) -> None:
    old, new = (
        None if item is None else {name: {"S": value} for name, value in item.items()} for item in (before, after)
    )
    assert index_units(old, new, INDEX, ["pk", "sk"]) == units


def test_units_of_calls_are_counted(table: Any) -> None:
    client, name = boto3.client("dynamodb"), table.name
    with count_units() as units:
        client.transact_write_items(TransactItems=[{"Put": {"TableName": name, "Item": build_item(3 * KB)}}])
    assert (units.read, units.write) == (0, 6)
    with count_units() as units:
        client.get_item(TableName=name, Key={"pk": {"S": "p"}, "sk": {"S": "s"}}, ConsistentRead=True)
    assert (units.read, units.write) == (1, 0)


def test_projection_does_not_reduce_read_units(table: Any) -> None:
    table.put_item(Item={"pk": "p", "sk": "s", "doc": "x" * 5 * KB})
    with count_units() as units:
        boto3.client("dynamodb").query(
            TableName=table.name,
            KeyConditionExpression="pk = :pk",
            ProjectionExpression="#sk",
            ExpressionAttributeNames={"#sk": "sk"},
            ExpressionAttributeValues={":pk": {"S": "p"}},
        )
    assert units.read == 2 / 2
