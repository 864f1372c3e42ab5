"""Keeps the list of a survey's participants in step with the users of the SCIM endpoint.

Events come at least once and in any order. So each is taken for what it says of a user at its ``sequence``, and only if
nothing newer is known of that user: the table decides, in the write itself. Who leaves stays in the table as a
tombstone, an id with its sequence: else an update that comes late would find nothing newer, and bring a leaver back.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from boto3.dynamodb.conditions import Attr, Key

Item = dict[str, Any]


def item(detail: Mapping[str, Any]) -> Item:
    """What the table holds of a user after an event: a participant, or a tombstone."""
    known = {"tenant": detail["tenant"], "id": detail["id"], "sequence": detail["sequence"]}
    if not detail["active"]:
        return known | {"participates": False}
    return known | {"participates": True, "userName": detail["userName"], "externalId": detail["externalId"]}


class Participants:
    """A DynamoDB table with the keys ``tenant`` and ``id``."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def apply(self, detail: Mapping[str, Any]) -> bool:
        """Take in an event; false if it is a duplicate, or older than what is known."""
        try:
            self._table.put_item(
                Item=item(detail),
                ConditionExpression="attribute_not_exists(#sequence) OR #sequence < :sequence",
                ExpressionAttributeNames={"#sequence": "sequence"},
                ExpressionAttributeValues={":sequence": detail["sequence"]},
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def of(self, tenant: str) -> list[Item]:
        """A tenant's participants."""
        query = {"KeyConditionExpression": Key("tenant").eq(tenant), "FilterExpression": Attr("participates").eq(True)}
        found: list[Item] = []
        while True:
            page = self._table.query(**query)
            found += page["Items"]
            if "LastEvaluatedKey" not in page:
                return found
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


@cache
def _participants() -> Participants:
    return Participants(boto3.resource("dynamodb").Table(os.environ["PARTICIPANTS_TABLE"]))


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Lambda entry point: one event of EventBridge, which brings it again if this raises."""
    _participants().apply(event["detail"])
