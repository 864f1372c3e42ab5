"""Keep the list of a survey's participants: the active users of the SCIM endpoint.

Events arrive at least once and in any order. A conditional write stores an event only if its ``sequence`` is higher
than the stored one of the user. The item of an inactive or deleted user keeps the sequence: otherwise an older event
that arrives late would add the user again.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from boto3.dynamodb.conditions import Attr, Key

Item = dict[str, Any]


def build_item(detail: Mapping[str, Any]) -> Item:
    """Return the item of a user after an event. It has no names if the user is inactive or deleted."""
    item = {"tenant": detail["tenant"], "id": detail["id"], "sequence": detail["sequence"]}
    if not detail["active"]:
        return item | {"participates": False}
    return item | {"participates": True, "userName": detail["userName"], "externalId": detail["externalId"]}


class Participants:
    """A DynamoDB table with the keys ``tenant`` and ``id``."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def apply(self, detail: Mapping[str, Any]) -> bool:
        """Store the state after an event; return False if the event is a duplicate or outdated."""
        try:
            self._table.put_item(
                Item=build_item(detail),
                ConditionExpression="attribute_not_exists(#sequence) OR #sequence < :sequence",
                ExpressionAttributeNames={"#sequence": "sequence"},
                ExpressionAttributeValues={":sequence": detail["sequence"]},
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def list_active(self, tenant: str) -> list[Item]:
        """Return the active users of a tenant."""
        query = {"KeyConditionExpression": Key("tenant").eq(tenant), "FilterExpression": Attr("participates").eq(True)}
        items: list[Item] = []
        while True:
            page = self._table.query(**query)
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                return items
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


@cache
def _get_participants() -> Participants:
    return Participants(boto3.resource("dynamodb").Table(os.environ["PARTICIPANTS_TABLE"]))


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Process one event (the Lambda entry point). Lambda tries again if this raises."""
    _get_participants().apply(event["detail"])
