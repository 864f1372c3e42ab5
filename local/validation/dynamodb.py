"""Validate requests to DynamoDB. The local engines and moto accept some requests that DynamoDB rejects.

Sources: Amazon DynamoDB API reference (Query, GetItem, BatchGetItem, BatchWriteItem, PutItem, UpdateItem, DeleteItem,
TransactWriteItems) and developer guide, "Constraints in Amazon DynamoDB". DynamoDB reports all of these errors as
ValidationException.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from local.validation import Violation
from local.validation.dynamodb_expressions import check_expressions
from local.validation.dynamodb_values import check_item, check_key, check_key_size, check_value, count_bytes

Json = Mapping[str, Any]

_MAX_GET, _MAX_WRITE, _MAX_TRANSACTION = 100, 25, 100
_MAX_LIMIT = 2**31 - 1
_MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
_MAX_BATCH_BYTES = 16 * 1024 * 1024
_BETWEEN = re.compile(r"BETWEEN\s+(:\w+)\s+AND\s+(:\w+)", re.IGNORECASE)
_PARTITION = re.compile(r"^pk\s*=\s*(:\w+)")
_RETURNED_BY_UPDATE = ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")


def check_request(operation: str, request: Json) -> Iterator[Violation]:
    """Yield the rules that a request to the table or its index violates."""
    if check := _RULES.get(operation):
        for message in check(request):
            yield Violation("ValidationException", message)


def _check_query(request: Json) -> Iterator[str]:
    yield from check_expressions(request)
    index = request.get("IndexName")
    if index and request.get("ConsistentRead"):
        yield "Consistent reads are not supported on global secondary indexes"
    if request.get("Select") == "COUNT" and "ProjectionExpression" in request:
        yield "Cannot specify the ProjectionExpression when choosing to get only the Count"
    if not 1 <= request.get("Limit", 1) <= _MAX_LIMIT:
        yield f"Limit must be from 1 to {_MAX_LIMIT}"
    yield from _check_filter(request, index)
    values = request.get("ExpressionAttributeValues", {})
    partition = _PARTITION.search(request.get("KeyConditionExpression", ""))
    between = _BETWEEN.search(request.get("KeyConditionExpression", ""))
    if partition is None or between is None or not {partition[1], *between.groups()} <= set(values):
        return
    first, last = (values[name]["S"] for name in between.groups())
    yield from chain.from_iterable(check_key_size("sk", key) for key in (first, last))
    if first.encode() > last.encode():
        yield "The BETWEEN operator requires upper bound to be greater than or equal to lower bound"
    if start := request.get("ExclusiveStartKey"):
        yield from _check_start(start, values[partition[1]]["S"], (first, last), index)


def _check_filter(request: Json, index: str | None) -> Iterator[str]:
    names = request.get("ExpressionAttributeNames") or {}
    tokens = re.findall(r"[#\w]+", request.get("FilterExpression", ""))
    keys = {"pk", "time" if index else "sk"}
    if used := sorted(keys & {names.get(token, token) for token in tokens}):
        yield f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {used[0]}"


def _check_start(start: Json, partition: str, span: tuple[str, str], index: str | None) -> Iterator[str]:
    if set(start) != ({"pk", "sk", "time"} if index else {"pk", "sk"}):
        yield "The provided starting key is invalid"
        return
    yield from check_key(start)
    sort = start["time" if index else "sk"]["S"].encode()
    if start["pk"]["S"] != partition or not span[0].encode() <= sort <= span[1].encode():
        yield "The provided starting key is outside query boundaries based on provided conditions"


def _check_get(request: Json) -> Iterator[str]:
    yield from _check_whole_key(request["Key"])
    yield from check_expressions(request)


def _check_batch_get(request: Json) -> Iterator[str]:
    keys = [key for table in request["RequestItems"].values() for key in table["Keys"]]
    yield from _check_keys(keys, _MAX_GET)
    for table in request["RequestItems"].values():
        yield from check_expressions(table)


def _check_batch_write(request: Json) -> Iterator[str]:
    actions = [action for requests in request["RequestItems"].values() for action in requests]
    yield from _check_keys([_get_key(action) for action in actions], _MAX_WRITE)
    items = [action["PutRequest"]["Item"] for action in actions if "PutRequest" in action]
    yield from chain.from_iterable(map(check_item, items))
    if sum(map(count_bytes, items)) > _MAX_BATCH_BYTES:
        yield "the items of a batch have more than 16 MB"


def _check_put(request: Json) -> Iterator[str]:
    if request.get("ReturnValues", "NONE") not in ("NONE", "ALL_OLD"):
        yield "Return values set to invalid value"
    yield from _check_write("Put", request)


def _check_update(request: Json) -> Iterator[str]:
    if request.get("ReturnValues", "NONE") not in _RETURNED_BY_UPDATE:
        yield "Return values set to invalid value"
    yield from _check_write("Update", request)


def _check_write(action: str, request: Json) -> Iterator[str]:
    """Check one write, alone or in a transaction."""
    yield from check_item(request["Item"]) if action == "Put" else _check_whole_key(request["Key"])
    yield from check_expressions(request)
    if action == "Update" and "UpdateExpression" not in request:
        yield "an update has no UpdateExpression"
    if action == "ConditionCheck" and "ConditionExpression" not in request:
        yield "a check has no ConditionExpression"


def _check_transaction(request: Json) -> Iterator[str]:
    actions = request["TransactItems"]
    yield from _check_keys([_get_key(action) for action in actions], _MAX_TRANSACTION)
    for action in actions:
        ((name, part),) = action.items()
        yield from _check_write(name, part)
    size = sum(_count_written_bytes(part) for action in actions for part in action.values())
    if size > _MAX_TRANSACTION_BYTES:
        yield f"the items of a transaction have {size} bytes, more than 4 MB"
    if not 1 <= len(request.get("ClientRequestToken", "x")) <= 36:
        yield "ClientRequestToken must have 1 to 36 characters"


def _count_written_bytes(part: Json) -> int:
    """Return the minimum size of the item that an action writes. The values of an update are part of the item."""
    return count_bytes(part.get("Item") or {**part["Key"], **part.get("ExpressionAttributeValues", {})})


def _get_key(action: Json) -> Json:
    (part,) = action.values()
    key: Json = part.get("Key") or part["Item"]
    return key


def _check_keys(items: list[Json], most: int) -> Iterator[str]:
    if not 1 <= len(items) <= most:
        yield f"the request has {len(items)} items; it must have 1 to {most}"
    if len({tuple(item.get(name, {}).get("S") for name in ("pk", "sk")) for item in items}) < len(items):
        yield "the list of item keys contains duplicates"
    yield from chain.from_iterable(map(check_key, items))


def _check_whole_key(key: Json) -> Iterator[str]:
    if "sk" in key and set(key) != {"pk", "sk"}:
        yield "The provided key element does not match the schema"
    yield from check_key(key)
    yield from chain.from_iterable(map(check_value, key.values()))


_RULES: Mapping[str, Callable[[Json], Iterable[str]]] = {
    "Query": _check_query,
    "GetItem": _check_get,
    "BatchGetItem": _check_batch_get,
    "BatchWriteItem": _check_batch_write,
    "PutItem": _check_put,
    "UpdateItem": _check_update,
    "DeleteItem": lambda request: _check_write("Delete", request),
    "TransactWriteItems": _check_transaction,
}
