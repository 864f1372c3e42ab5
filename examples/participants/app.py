"""Keep the list of a survey's participants: the active users of the SCIM endpoint.

Events arrive at least once and in any order. A conditional write stores an event only if its ``sequence`` is higher
than the stored one of the user. The item of an inactive or deleted user keeps the sequence: otherwise an older event
that arrives late would add the user again.

A resync sends the state of every user. An equal ``sequence`` is then stored, too. A user who was not part of it, and
has no later event, does not exist any more.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from boto3.dynamodb.conditions import Attr, Key

Item = dict[str, Any]


class IncompleteResync(Exception):
    """Some events of a resync have not arrived yet. Lambda tries again."""


def build_state(detail: Mapping[str, Any], time: str) -> Item:
    """Return the attributes of a user after an event of this time. There are no names if the user is inactive."""
    state = {"sequence": detail["sequence"], "time": time, "participates": detail["active"]}
    if detail["active"]:
        state |= {"userName": detail["userName"], "externalId": detail["externalId"]}
    return state | ({"resyncId": detail["resyncId"]} if "resyncId" in detail else {})


class Participants:
    """A DynamoDB table with the keys ``tenant`` and ``id``."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def apply(self, detail: Mapping[str, Any], time: str = "") -> bool:
        """Store the state after an event; return False if the event is a duplicate or outdated."""
        key = {"tenant": detail["tenant"], "id": detail["id"]}
        if "resyncId" not in detail:
            return self._update(
                key, build_state(detail, time), "attribute_not_exists(#sequence) OR #sequence < :sequence"
            )
        is_applied = self._update(
            key, build_state(detail, time), "attribute_not_exists(#sequence) OR #sequence <= :sequence"
        )
        if not is_applied:  # a newer event has arrived before; the user was part of the resync all the same
            self._update(key, {"resyncId": detail["resyncId"]}, "")
        return is_applied

    def complete_resync(self, detail: Mapping[str, Any]) -> None:
        """Remove the users who do not exist any more. Raise :class:`IncompleteResync` if some events are missing."""
        items = self._list(detail["tenant"])
        if sum(item.get("resyncId") == detail["resyncId"] for item in items) < detail["userCount"]:
            raise IncompleteResync
        for item in items:
            if item.get("resyncId") != detail["resyncId"] and item["time"] < detail["seenSince"]:
                state = {"participates": False, "sequence": item["sequence"]}
                self._update({"tenant": item["tenant"], "id": item["id"]}, state, "#sequence = :sequence")

    def list_active(self, tenant: str) -> list[Item]:
        """Return the active users of a tenant."""
        return self._list(tenant, FilterExpression=Attr("participates").eq(True))

    def _list(self, tenant: str, **arguments: Any) -> list[Item]:
        query = {"KeyConditionExpression": Key("tenant").eq(tenant), **arguments}
        items: list[Item] = []
        while True:
            page = self._table.query(**query)
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                return items
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _update(self, key: Item, attributes: Item, condition: str) -> bool:
        """Set attributes of an item, and remove the names of an inactive user. Return whether the condition was met."""
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in attributes)
        if attributes.get("participates") is False:
            expression += " REMOVE userName, externalId"
        try:
            self._table.update_item(
                Key=key,
                UpdateExpression=expression,
                ExpressionAttributeNames={f"#{name}": name for name in attributes},
                ExpressionAttributeValues={f":{name}": value for name, value in attributes.items()},
                **({"ConditionExpression": condition} if condition else {}),
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True


@cache
def _get_participants() -> Participants:
    return Participants(boto3.resource("dynamodb").Table(os.environ["PARTICIPANTS_TABLE"]))


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Process one event (the Lambda entry point). Lambda tries again if this raises."""
    if event["detail-type"] == "ResyncCompleted":
        _get_participants().complete_resync(event["detail"])
    else:
        _get_participants().apply(event["detail"], event["time"])
