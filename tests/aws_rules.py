"""What DynamoDB refuses and the engines of the tests let pass: each request of a test is held to it.

Sources: Amazon DynamoDB API reference (Query, BatchGetItem, BatchWriteItem, TransactWriteItems) and developer guide,
"Constraints"; each of these is a ValidationException.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from botocore.hooks import BaseEventHooks

Json = dict[str, Any]
Key = tuple[str, ...]

_LONGEST_PARTITION_KEY, _LONGEST_SORT_KEY = 2_048, 1_024
_KEYS = ("pk", "sk", "time")


class RefusedByAws(Exception):
    """Nothing in the code expects it, so that no test can overlook it."""


def watch(events: BaseEventHooks) -> None:
    """Hold the requests of all clients that have these events."""
    for operation, rules in RULES.items():

        def check(params: Json, rules: Callable[[Json], Iterable[str]] = rules, **_: Any) -> None:
            if broken := list(rules(json.loads(params["body"]))):
                raise RefusedByAws("; ".join(broken))

        events.register(f"before-call.dynamodb.{operation}", check)


def _query(request: Json) -> Iterator[str]:
    values, names = request["ExpressionAttributeValues"], request.get("ExpressionAttributeNames", {})
    index = request.get("IndexName")
    projected = [names.get(name, name) for name in request.get("ProjectionExpression", "").split(",")]
    if len(set(projected)) < len(projected):
        yield "two document paths overlap"
    written = ("KeyConditionExpression", "ProjectionExpression", "FilterExpression")
    expressions = " ".join(request.get(name, "") for name in written) + " "
    if unused := [name for name in names if f"{name} " not in expressions.replace(",", " ")]:
        yield f"unused in expressions: {unused}"
    if index and request.get("ConsistentRead"):
        yield "consistent reads are not supported on global secondary indexes"
    if request.get("Select") == "COUNT" and "ProjectionExpression" in request:
        yield "a projection of a count"
    if request.get("Limit", 1) < 1:
        yield "Limit must be greater than or equal to 1"
    if ":first" not in values:
        return
    first, last = values[":first"]["S"], values[":last"]["S"]
    yield from chain.from_iterable(_key_size("sk", each) for each in (first, last))
    if first.encode() > last.encode():
        yield "the BETWEEN operator requires upper bound to be greater than or equal to lower bound"
    if start := request.get("ExclusiveStartKey"):
        yield from _start(start, values[":pk"]["S"], (first, last), index)


def _start(start: Json, partition: str, span: tuple[str, str], index: str | None) -> Iterator[str]:
    if set(start) != ({"pk", "sk", "time"} if index else {"pk", "sk"}):
        yield "the provided starting key is invalid"
        return
    yield from _key(start)
    sort = start["time" if index else "sk"]["S"].encode()
    if start["pk"]["S"] != partition or not span[0].encode() <= sort <= span[1].encode():
        yield "the provided starting key is outside query boundaries based on provided conditions"


def _get(request: Json) -> Iterator[str]:
    yield from _key(request["Key"])


def _batch_get(request: Json) -> Iterator[str]:
    for table in request["RequestItems"].values():
        yield from _keys(table["Keys"], 100)


def _batch_write(request: Json) -> Iterator[str]:
    for requests in request["RequestItems"].values():
        yield from _keys([_written(each) for each in requests], 25)


def _transact_write(request: Json) -> Iterator[str]:
    yield from _keys([_written(action) for action in request["TransactItems"]], 100)


def _written(request: Json) -> Json:
    (action,) = request.values()
    item: Json = action.get("Key") or action["Item"]
    return item


def _keys(items: list[Json], most: int) -> Iterator[str]:
    if not 1 <= len(items) <= most:
        yield f"{len(items)} items, from 1 to {most} are taken"
    if len({tuple(each.get(name, {}).get("S") for name in ("pk", "sk")) for each in items}) < len(items):
        yield "the list of item keys contains duplicates"
    yield from chain.from_iterable(map(_key, items))


def _key(item: Json) -> Iterator[str]:
    for name in _KEYS:
        if name in item:
            yield from _key_size(name, item[name]["S"])


def _key_size(name: str, value: str) -> Iterator[str]:
    longest = _LONGEST_PARTITION_KEY if name == "pk" else _LONGEST_SORT_KEY
    if not 1 <= len(value.encode()) <= longest:
        yield f"the key {name} has {len(value.encode())} bytes, from 1 to {longest} are taken"


RULES: dict[str, Callable[[Json], Iterator[str]]] = {
    "Query": _query,
    "GetItem": _get,
    "BatchGetItem": _batch_get,
    "BatchWriteItem": _batch_write,
    "TransactWriteItems": _transact_write,
}
