"""An in-memory table with the two operations that the sample consumer uses."""

import operator
import re
from types import SimpleNamespace
from typing import Any

from boto3.dynamodb.conditions import Attr, Key

_COMPARISONS = {"<": operator.lt, "<=": operator.le, "=": operator.eq}


class ConditionalCheckFailedException(Exception):
    """Raised if the condition of an update is not met."""


class MemoryTable:
    """Supports only the consumer's updates, conditions and queries."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        exceptions = SimpleNamespace(ConditionalCheckFailedException=ConditionalCheckFailedException)
        self.meta = SimpleNamespace(client=SimpleNamespace(exceptions=exceptions))

    def update_item(
        self,
        *,
        Key: dict[str, Any],  # noqa: N803  # AWS's
        UpdateExpression: str,  # noqa: N803  # AWS's
        ExpressionAttributeNames: dict[str, str],  # noqa: N803  # AWS's
        ExpressionAttributeValues: dict[str, Any],  # noqa: N803  # AWS's
        ConditionExpression: str = "",  # noqa: N803  # AWS's
    ) -> None:
        stored = self.items.get((Key["tenant"], Key["id"]))
        if ConditionExpression and not _is_met(ConditionExpression, stored, ExpressionAttributeValues):
            raise ConditionalCheckFailedException
        assert {f"#{name}": name for name in ExpressionAttributeNames.values()} == ExpressionAttributeNames
        changed = {name.removeprefix(":"): value for name, value in ExpressionAttributeValues.items()}
        assignments, _, removed = UpdateExpression.removeprefix("SET ").partition(" REMOVE ")
        assert assignments == ", ".join(f"#{name} = :{name}" for name in changed)
        item = {**(stored or Key), **changed}
        self.items[Key["tenant"], Key["id"]] = {
            name: value for name, value in item.items() if name not in removed.split(", ")
        }

    def query(self, *, KeyConditionExpression: Any, FilterExpression: Any = None) -> dict[str, Any]:  # noqa: N803  # AWS's
        assert FilterExpression is None or FilterExpression == Attr("participates").eq(True)
        items = [item for item in self.items.values() if KeyConditionExpression == Key("tenant").eq(item["tenant"])]
        return {"Items": [item for item in items if FilterExpression is None or item["participates"]]}


def _is_met(condition: str, stored: dict[str, Any] | None, values: dict[str, Any]) -> bool:
    match = re.fullmatch(r"(attribute_not_exists\(#sequence\) OR )?#sequence (<=|<|=) :sequence", condition)
    assert match is not None
    if stored is None:
        return match[1] is not None
    return bool(_COMPARISONS[match[2]](stored["sequence"], values[":sequence"]))
