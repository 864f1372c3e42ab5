"""The accesses for which calls to DynamoDB need permissions.

AWS documents the condition keys of DynamoDB for single operations and batches, but not inside TransactWriteItems. So a
call has different accesses in each reading that is possible (docs/decisions/template/keys-in-transactions.md).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

TRANSACTION_OPERATIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
"""The actions of a transaction, with the operations whose permissions they need."""
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
    attributes: frozenset[str]
    """The attributes that are written, or those that a read selects. Empty for a read of all attributes."""
    enclosing: frozenset[str] = frozenset()
    select: frozenset[str] = frozenset()
    """Whether a read selects attributes. Empty for a write."""

    @property
    def condition_values(self) -> dict[str, frozenset[str]]:
        """The values of the condition keys."""
        return {
            "dynamodb:LeadingKeys": self.keys,
            "dynamodb:Attributes": self.attributes,
            "dynamodb:EnclosingOperation": self.enclosing,
            "dynamodb:Select": self.select,
        }


def list_accesses(operation: str, arguments: Mapping[str, Any], reading: Reading, table_arn: str) -> list[Access]:
    """Return the accesses for which a call needs permissions. It needs all of them."""
    if operation != "TransactWriteItems":
        index = f"/index/{arguments['IndexName']}" if "IndexName" in arguments else ""
        action, resource, item_keys = f"dynamodb:{operation}", f"{table_arn}{index}", _list_keys(arguments)
        if operation in _WRITES:
            return [Access(action, resource, item_keys, _list_attributes(arguments))]
        selected = _list_selected_attributes(arguments)
        select = frozenset({"SPECIFIC_ATTRIBUTES" if selected else "ALL_ATTRIBUTES"})
        return [Access(action, resource, item_keys, selected, select=select)]
    items = [(part, request) for action in arguments["TransactItems"] for part, request in action.items()]
    shown = {Reading.POOLED: [request for _, request in items], Reading.ABSENT: []}
    return [
        Access(
            f"dynamodb:{TRANSACTION_OPERATIONS[part]}",
            table_arn,
            frozenset().union(*map(_list_keys, shown.get(reading, [request]))),
            frozenset().union(*map(_list_attributes, shown.get(reading, [request]))),
            frozenset({operation}),
        )
        for part, request in items
    ]


def _list_keys(arguments: Mapping[str, Any]) -> frozenset[str]:
    """Return the values of the partition key in a request or in an item of a transaction."""
    return frozenset(re.findall(r"':?pk': \{'S': '([^']*)'", repr(arguments)))


def _list_selected_attributes(arguments: Mapping[str, Any]) -> frozenset[str]:
    """Return the attributes that a read selects, empty for all."""
    requests = [arguments, *arguments.get("RequestItems", {}).values()]
    names = (request["ExpressionAttributeNames"] for request in requests if "ProjectionExpression" in request)
    return frozenset(name for by_placeholder in names for name in by_placeholder.values())


def _list_attributes(request: Mapping[str, Any]) -> frozenset[str]:
    """Return the attributes that a write names: those of the item or key, and those in its expressions."""
    expressions = " ".join(request.get(name, "") for name in _EXPRESSIONS)
    names = request.get("ExpressionAttributeNames", {}).values()
    named = {*_NAME.findall(expressions), *names} - _KEYWORDS
    return frozenset([*request.get("Key", ()), *request.get("Item", ()), *named])
