"""Validate requests to DynamoDB. The local engines and moto accept some requests that DynamoDB rejects.

:mod:`local.validation.dynamodb_rules` lists the rules and their sources.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from local.validation import Violation
from local.validation.dynamodb_expressions import check_expressions
from local.validation.dynamodb_rules import (
    INDEX_ATTRIBUTES,
    MAX_BATCH_BYTES,
    MAX_GET_ITEMS,
    MAX_LIMIT,
    MAX_TOKEN_CHARACTERS,
    MAX_TRANSACTION_BYTES,
    MAX_TRANSACTION_ITEMS,
    MAX_WRITE_ITEMS,
    Rule,
)
from local.validation.dynamodb_values import (
    check_item,
    check_key,
    check_key_size,
    check_size,
    check_values,
    count_bytes,
)

Json = Mapping[str, Any]

_BETWEEN = re.compile(r"BETWEEN\s+(:\w+)\s+AND\s+(:\w+)", re.IGNORECASE)
_PARTITION = re.compile(r"^pk\s*=\s*(:\w+)")
_RETURNED_BY_UPDATE = ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")


def check_request(operation: str, request: Json) -> Iterator[Violation]:
    """Yield the rules that a request to the table or its index violates."""
    if check := _RULES.get(operation):
        yield from check(request)


def _check_query(request: Json) -> Iterator[Violation]:
    yield from check_expressions(request)
    index = request.get("IndexName")
    if index and request.get("ConsistentRead"):
        yield Rule.CONSISTENT_INDEX.violate()
    if request.get("Select") == "COUNT" and "ProjectionExpression" in request:
        yield Rule.SELECT.violate()
    if not 1 <= request.get("Limit", 1) <= MAX_LIMIT:
        yield Rule.LIMIT.violate()
    yield from _check_filter(request, index)
    values = request.get("ExpressionAttributeValues", {})
    partition = _PARTITION.search(request.get("KeyConditionExpression", ""))
    between = _BETWEEN.search(request.get("KeyConditionExpression", ""))
    if partition is None or between is None or not {partition[1], *between.groups()} <= set(values):
        return
    first, last = (values[name]["S"] for name in between.groups())
    yield from chain.from_iterable(check_key_size("sk", key) for key in (first, last))
    if first.encode() > last.encode():
        yield Rule.RANGE_ORDER.violate()
    if start := request.get("ExclusiveStartKey"):
        yield from _check_start(start, values[partition[1]]["S"], (first, last), index)


def _check_filter(request: Json, index: str | None) -> Iterator[Violation]:
    names = request.get("ExpressionAttributeNames") or {}
    tokens = re.findall(r"[#\w]+", request.get("FilterExpression", ""))
    keys = {"pk", "time" if index else "sk"}
    if used := sorted(keys & {names.get(token, token) for token in tokens}):
        yield Rule.KEY_IN_FILTER.violate(name=used[0])
    projected = {names.get(token, token) for token in re.findall(r"[#\w]+", request.get("ProjectionExpression", ""))}
    if index and not projected <= INDEX_ATTRIBUTES:
        yield Rule.INDEX_PROJECTION.violate(names=sorted(projected - INDEX_ATTRIBUTES))


def _check_start(start: Json, partition: str, span: tuple[str, str], index: str | None) -> Iterator[Violation]:
    if set(start) != ({"pk", "sk", "time"} if index else {"pk", "sk"}):
        yield Rule.START_KEY.violate()
        return
    yield from check_key(start)
    sort = start["time" if index else "sk"]["S"].encode()
    if start["pk"]["S"] != partition or not span[0].encode() <= sort <= span[1].encode():
        yield Rule.START_KEY_RANGE.violate()


def _check_get(request: Json) -> Iterator[Violation]:
    yield from _check_whole_key(request["Key"])
    yield from check_expressions(request)


def _check_batch_get(request: Json) -> Iterator[Violation]:
    keys = [key for table in request["RequestItems"].values() for key in table["Keys"]]
    yield from _check_keys(keys, MAX_GET_ITEMS)
    for table in request["RequestItems"].values():
        yield from check_expressions(table)


def _check_batch_write(request: Json) -> Iterator[Violation]:
    actions = [action for requests in request["RequestItems"].values() for action in requests]
    yield from _check_keys([_get_key(action) for action in actions], MAX_WRITE_ITEMS)
    for action in actions:
        if "DeleteRequest" in action:
            yield from _check_whole_key(action["DeleteRequest"]["Key"])
    items = [action["PutRequest"]["Item"] for action in actions if "PutRequest" in action]
    yield from chain.from_iterable(map(check_item, items))
    if sum(map(count_bytes, items)) > MAX_BATCH_BYTES:
        yield Rule.BATCH_BYTES.violate()


def _check_put(request: Json) -> Iterator[Violation]:
    if request.get("ReturnValues", "NONE") not in ("NONE", "ALL_OLD"):
        yield Rule.RETURN_VALUES.violate()
    yield from _check_write("Put", request)


def _check_update(request: Json) -> Iterator[Violation]:
    if request.get("ReturnValues", "NONE") not in _RETURNED_BY_UPDATE:
        yield Rule.RETURN_VALUES.violate()
    yield from _check_write("Update", request)


def _check_write(action: str, request: Json) -> Iterator[Violation]:
    """Check one write, alone or in a transaction."""
    yield from check_item(request["Item"]) if action == "Put" else _check_whole_key(request["Key"])
    yield from check_expressions(request)
    if action == "Update":
        yield from check_size({**request["Key"], **(request.get("ExpressionAttributeValues") or {})})
    required = {"Update": "UpdateExpression", "ConditionCheck": "ConditionExpression"}.get(action)
    if required is not None and required not in request:
        yield Rule.MISSING_EXPRESSION.violate(action=action, name=required)


def _check_transaction(request: Json) -> Iterator[Violation]:
    actions = request["TransactItems"]
    if any(len(action) != 1 for action in actions):
        yield Rule.TRANSACTION_ACTION.violate()
        return
    yield from _check_keys([_get_key(action) for action in actions], MAX_TRANSACTION_ITEMS)
    for action in actions:
        ((name, part),) = action.items()
        yield from _check_write(name, part)
    size = sum(_count_written_bytes(part) for action in actions for part in action.values())
    if size > MAX_TRANSACTION_BYTES:
        yield Rule.TRANSACTION_BYTES.violate(size=size)
    if not 1 <= len(request.get("ClientRequestToken", "x")) <= MAX_TOKEN_CHARACTERS:
        yield Rule.CLIENT_TOKEN.violate()


def _count_written_bytes(part: Json) -> int:
    """Return the minimum size of the item that an action writes. The values of an update are part of the item."""
    return count_bytes(part.get("Item") or {**part["Key"], **part.get("ExpressionAttributeValues", {})})


def _get_key(action: Json) -> Json:
    (part,) = action.values()
    key: Json = part.get("Key") or part["Item"]
    return key


def _check_keys(items: list[Json], most: int) -> Iterator[Violation]:
    if not 1 <= len(items) <= most:
        yield Rule.ITEM_COUNT.violate(number=len(items), limit=most)
    if len({tuple(item.get(name, {}).get("S") for name in ("pk", "sk")) for item in items}) < len(items):
        yield Rule.DUPLICATE_ITEMS.violate()
    yield from chain.from_iterable(map(check_key, items))


def _check_whole_key(key: Json) -> Iterator[Violation]:
    if "sk" in key and set(key) != {"pk", "sk"}:
        yield Rule.KEY_SCHEMA.violate(detail=", ".join(key))
    yield from check_key(key)
    yield from check_values(key)


_RULES: Mapping[str, Callable[[Json], Iterable[Violation]]] = {
    "Query": _check_query,
    "GetItem": _check_get,
    "BatchGetItem": _check_batch_get,
    "BatchWriteItem": _check_batch_write,
    "PutItem": _check_put,
    "UpdateItem": _check_update,
    "DeleteItem": lambda request: _check_write("Delete", request),
    "TransactWriteItems": _check_transaction,
}
