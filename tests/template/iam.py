"""Evaluate the policies of the template for calls to DynamoDB.

AWS documents the condition keys of DynamoDB for single operations and batches, but not inside TransactWriteItems. So
the calls are evaluated in all readings that are possible (docs/decisions/template/keys-in-transactions.md).
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from tests.template.deployment import DEPLOYMENT, TABLE_ARN, TRANSACTION_OPERATIONS, list_resources

_WRITES = {*TRANSACTION_OPERATIONS.values(), "BatchWriteItem"}
_EXPRESSIONS = ("UpdateExpression", "ConditionExpression")
_NAME = re.compile(r"(?<![:#\w])[A-Za-z]\w*+(?!\()")  # no placeholder and no function
_KEYWORDS = {"SET", "ADD", "REMOVE", "DELETE", "AND", "OR", "NOT"}


class Reading(StrEnum):
    """What the condition keys of an item in a transaction contain."""

    PER_ITEM = "the key and the attributes of the item"
    POOLED = "the keys and the attributes of all items of the transaction"
    ABSENT = "nothing"


@dataclass(frozen=True)
class Access:
    """An action on the table or an index, and the values of the condition keys."""

    action: str
    resource: str
    keys: frozenset[str]
    attributes: frozenset[str] | None
    """The attributes that are written. ``None`` for reads, which no policy restricts to attributes."""
    enclosing: frozenset[str] = frozenset()

    def get_values(self, condition_key: str) -> frozenset[str]:
        """Return the values of a condition key."""
        known = {
            "dynamodb:LeadingKeys": self.keys,
            "dynamodb:Attributes": self.attributes,
            "dynamodb:EnclosingOperation": self.enclosing,
        }
        values = known[condition_key]
        assert values is not None, f"a read is restricted by {condition_key}"
        return values


def is_call_allowed(function: str, operation: str, arguments: Mapping[str, Any], reading: Reading) -> bool:
    """Return whether a function may make a call. It needs the permission for each item of a transaction."""
    statements = DEPLOYMENT.list_statements(function)
    return all(_is_allowed(statements, access) for access in list_accesses(operation, arguments, reading))


def list_accesses(operation: str, arguments: Mapping[str, Any], reading: Reading) -> list[Access]:
    """Return the accesses for which a call needs permissions."""
    if operation != "TransactWriteItems":
        index = f"/index/{arguments['IndexName']}" if "IndexName" in arguments else ""
        attributes = _list_attributes(arguments) if operation in _WRITES else None
        return [Access(f"dynamodb:{operation}", f"{TABLE_ARN}{index}", _list_keys(arguments), attributes)]
    items = [(part, request) for action in arguments["TransactItems"] for part, request in action.items()]
    shown = {Reading.POOLED: [request for _, request in items], Reading.ABSENT: []}
    return [
        Access(
            f"dynamodb:{TRANSACTION_OPERATIONS[part]}",
            TABLE_ARN,
            frozenset().union(*map(_list_keys, shown.get(reading, [request]))),
            frozenset().union(*map(_list_attributes, shown.get(reading, [request]))),
            frozenset({operation}),
        )
        for part, request in items
    ]


def _list_keys(arguments: Mapping[str, Any]) -> frozenset[str]:
    """Return the values of the partition key in a request or in an item of a transaction."""
    return frozenset(re.findall(r"':?pk': \{'S': '([^']*)'", repr(arguments)))


def _list_attributes(request: Mapping[str, Any]) -> frozenset[str]:
    """Return the attributes that a write names: those of the item or key, and those in its expressions."""
    expressions = " ".join(request.get(name, "") for name in _EXPRESSIONS)
    names = request.get("ExpressionAttributeNames", {}).values()
    named = {*_NAME.findall(expressions), *names} - _KEYWORDS
    return frozenset([*request.get("Key", ()), *request.get("Item", ()), *named])


def _is_allowed(statements: Sequence[Mapping[str, Any]], access: Access) -> bool:
    return any(
        access.action in statement["Action"]
        and access.resource in list_resources(statement)
        and all(_holds(operator, keys, access) for operator, keys in statement.get("Condition", {}).items())
        for statement in statements
        if statement["Effect"] == "Allow"
    )


def _holds(operator: str, keys: Mapping[str, Collection[str]], access: Access) -> bool:
    """Return whether a condition holds (IAM user guide, "Set operators for multivalued context keys")."""
    for key, patterns in keys.items():
        matches = [any(fnmatchcase(value, pattern) for pattern in patterns) for value in access.get_values(key)]
        match operator:
            case "ForAllValues:StringLike" | "ForAllValues:StringEquals":
                if not all(matches):
                    return False
            case "ForAnyValue:StringEquals":
                if not any(matches):
                    return False
            case _:
                raise NotImplementedError(operator)
    return True
