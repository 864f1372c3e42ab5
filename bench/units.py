"""Compute the read and write units of calls by AWS's rules.

The rules are in the Amazon DynamoDB developer guide:

- units: "DynamoDB read and write operations"
- sizes: "DynamoDB item sizes and formats"
- double units for transactions: "Amazon DynamoDB Transactions: How it works"
- writes to indexes: "Using Global Secondary Indexes in DynamoDB"
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.wire import Arguments, AwsClient, get_service, intercept_calls, send

Item = Mapping[str, Mapping[str, Any]]

_READ_UNIT, _WRITE_UNIT = 4_096, 1_024
_TRANSACTION = 2
_WRITES = ("Put", "Update", "Delete")
_REDUCING_ARGUMENTS = ("ProjectionExpression", "FilterExpression", "Select", "ReturnConsumedCapacity")


@dataclass(slots=True)
class Units:
    """A number of read and write units."""

    read: float = 0.0
    write: float = 0.0

    def __truediv__(self, number: float) -> Units:
        return Units(self.read / number, self.write / number)


def get_item_size(item: Item) -> int:
    """Return the size of an item in bytes: its attribute names and values, in UTF-8."""
    return sum(len(name.encode()) + _get_value_size(value) for name, value in item.items())


def _get_value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return math.ceil(len(content.strip("-").replace(".", "").strip("0")) / 2) + 1
        case "B":
            return len(content)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _get_value_size(element) for element in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _get_value_size(member) for name, member in content.items())
        case "SS" | "NS" | "BS":
            return sum(_get_value_size({kind[0]: element}) for element in content)
    raise ValueError(f"DynamoDB has no type {kind}")


def read_units(sizes: Iterable[int], *, consistent: bool) -> float:
    """Return the read units of one call: the sum of the sizes in bytes, rounded up, and at least one."""
    units = max(1, math.ceil(sum(sizes) / _READ_UNIT))
    return units if consistent else units / 2


def write_units(before: Item | None, after: Item | None, *, transaction: bool) -> float:
    """Return the units of a write. The larger of the old and the new item counts."""
    size = max(get_item_size(item) if item else 0 for item in (before, after))
    return max(1, math.ceil(size / _WRITE_UNIT)) * (_TRANSACTION if transaction else 1)


def index_units(before: Item | None, after: Item | None, index: Mapping[str, Any], keys: Iterable[str]) -> float:
    """Return the units that a write of an item causes in an index: for one entry, or for two if the key changes."""
    old, new = (_build_entry(item, index, keys) for item in (before, after))
    if old == new:
        return 0
    key = get_key_attributes(index)
    if old and new and all(old[name] == new[name] for name in key):
        return write_units(old, new, transaction=False)
    return sum(write_units(entry, None, transaction=False) for entry in (old, new) if entry)


def _build_entry(item: Item | None, index: Mapping[str, Any], keys: Iterable[str]) -> Item | None:
    """Return the entry of an item in an index, or ``None`` if the item lacks a key attribute of the index."""
    own = get_key_attributes(index)
    if item is None or any(name not in item for name in own):
        return None
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return item
    shown = {*own, *keys, *projection.get("NonKeyAttributes", [])}
    return {name: value for name, value in item.items() if name in shown}


@contextmanager
def count_units() -> Iterator[Units]:
    """Count the units of the calls in the block. The calls must not run in parallel."""
    units = Units()
    schemas: dict[str, Any] = {}

    def observe(client: AwsClient, operation: str, arguments: Arguments, call: Callable[[], Any]) -> Any:
        if get_service(client) != "dynamodb":
            return call()
        written = list(_iterate_writes(operation, arguments))
        for table in {table for table, _ in written} - schemas.keys():
            schemas[table] = send(client, "DescribeTable", {"TableName": table})["Table"]
        keys = [_get_key(request, schemas[table]) for table, request in written]
        before = [_read(client, table, key) for (table, _), key in zip(written, keys, strict=True)]
        response = call()
        after = [_read(client, table, key) for (table, _), key in zip(written, keys, strict=True)]
        units.read += _count_read_units(client, operation, arguments, response)
        for (table, _), old, new in zip(written, before, after, strict=True):
            units.write += write_units(old, new, transaction=operation == "TransactWriteItems")
            for index in schemas[table].get("GlobalSecondaryIndexes", []):
                units.write += index_units(old, new, index, get_key_attributes(schemas[table]))
        return response

    with intercept_calls(observe):
        yield units


def _count_read_units(client: AwsClient, operation: str, arguments: Arguments, response: Any) -> float:
    match operation:
        case "GetItem":
            whole = send(client, operation, _request_all_attributes(arguments))
            return read_units([get_item_size(whole.get("Item", {}))], consistent=arguments.get("ConsistentRead", False))
        case "BatchGetItem":
            return sum(
                read_units(
                    [get_item_size(item)], consistent=arguments["RequestItems"][table].get("ConsistentRead", False)
                )
                for table, items in response["Responses"].items()
                for item in items
            )
        case "Query":
            whole = send(client, operation, _request_all_attributes(arguments))
            return read_units(map(get_item_size, whole["Items"]), consistent=arguments.get("ConsistentRead", False))
        case "TransactWriteItems" | "BatchWriteItem" | "PutItem" | "UpdateItem" | "DeleteItem":
            return 0
    raise ValueError(f"cannot compute the units of {operation}")


def _request_all_attributes(arguments: Arguments) -> Arguments:
    """Return the arguments without projection and filter, because units count all data that is read."""
    if not any(name in arguments for name in _REDUCING_ARGUMENTS):
        return arguments
    rest = {name: value for name, value in arguments.items() if name not in _REDUCING_ARGUMENTS}
    condition = rest.get("KeyConditionExpression", "")
    for placeholders in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        used = {name: value for name, value in rest.pop(placeholders, {}).items() if name in condition}
        rest |= {placeholders: used} if used else {}
    return rest


def _iterate_writes(operation: str, arguments: Arguments) -> Iterator[tuple[str, Arguments]]:
    """Yield the table name and the request of each write in a call."""
    if operation == "TransactWriteItems":
        for action in arguments["TransactItems"]:
            for kind, request in action.items():
                if kind in _WRITES:
                    yield request["TableName"], request
    elif operation == "BatchWriteItem":
        for table, requests in arguments["RequestItems"].items():
            for request in requests:
                yield from ((table, write) for write in request.values())
    elif operation.removesuffix("Item") in _WRITES:
        yield arguments["TableName"], arguments


def _get_key(request: Arguments, schema: Mapping[str, Any]) -> Arguments:
    if "Key" in request:
        return dict(request["Key"])
    return {name: request["Item"][name] for name in get_key_attributes(schema)}


def get_key_attributes(schema: Mapping[str, Any]) -> list[str]:
    """Return the names of the key attributes of a table or an index."""
    return [element["AttributeName"] for element in schema["KeySchema"]]


def _read(client: AwsClient, table: str, key: Arguments) -> Item | None:
    item: Item | None = send(client, "GetItem", {"TableName": table, "Key": key, "ConsistentRead": True}).get("Item")
    return item
