"""An in-memory table with the two operations that the sample consumer uses."""

from types import SimpleNamespace
from typing import Any

from boto3.dynamodb.conditions import Attr, Key


class ConditionalCheckFailedException(Exception):
    """Raised if the stored item is as new or newer."""


class MemoryTable:
    """Supports only the consumer's condition and query."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        exceptions = SimpleNamespace(ConditionalCheckFailedException=ConditionalCheckFailedException)
        self.meta = SimpleNamespace(client=SimpleNamespace(exceptions=exceptions))

    def put_item(self, *, Item: dict[str, Any], ConditionExpression: str, **names: Any) -> None:  # noqa: N803  # AWS's
        assert ConditionExpression == "attribute_not_exists(#sequence) OR #sequence < :sequence"
        assert names["ExpressionAttributeNames"] == {"#sequence": "sequence"}
        key = (Item["tenant"], Item["id"])
        stored = self.items.get(key)
        if stored is not None and not stored["sequence"] < names["ExpressionAttributeValues"][":sequence"]:
            raise ConditionalCheckFailedException
        self.items[key] = Item

    def query(self, *, KeyConditionExpression: Any, FilterExpression: Any) -> dict[str, Any]:  # noqa: N803  # AWS's
        assert FilterExpression == Attr("participates").eq(True)
        items = [item for item in self.items.values() if KeyConditionExpression == Key("tenant").eq(item["tenant"])]
        return {"Items": [item for item in items if item["participates"]]}
