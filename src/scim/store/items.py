"""The items of the table, to and from DynamoDB's attribute values (docs/data-model.md)."""

from __future__ import annotations

from collections.abc import Collection

from scim.service.ports import Change, Tenant
from scim.service.stored import Stored, encode
from scim.store import keys
from scim.store.dynamo import SORT_OF_INDEX, Item

RESOURCE = ("sk", "doc", "v", "created", "modified")
"""The attributes of which :func:`stored` makes a resource."""
DOCUMENT = ("sk", "doc")
REFERENCE = ("sk", "id")


def key(partition: str, sort: str) -> Item:
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def resource(partition: str, sort: str, stored: Stored) -> Item:
    """The document is one string: that reads several times faster than a map, and needs no reading to be shown."""
    return {
        **key(partition, sort),
        "doc": {"S": stored.document},
        "v": {"N": str(stored.version)},
        "created": {"S": stored.created},
        "modified": {"S": stored.modified},
        "active": {"BOOL": stored.resource.get("active") is True},
        SORT_OF_INDEX: {"S": keys.last_modified(stored.modified)},
    }


def stored(item: Item) -> Stored:
    return Stored(
        id=keys.resource_id(item["sk"]["S"]),
        version=int(item["v"]["N"]),
        created=item["created"]["S"],
        modified=item["modified"]["S"],
        document=item["doc"]["S"],
    )


def document(item: Item) -> Stored:
    """A resource of which no more was read than its document: it has no ``meta``."""
    return Stored(id=keys.resource_id(item["sk"]["S"]), version=0, created="", modified="", document=item["doc"]["S"])


def reference(partition: str, sort: str, resource_id: str) -> Item:
    return {**key(partition, sort), "id": {"S": resource_id}}


def referenced(item: Item) -> str:
    resource_id: str = item["id"]["S"]
    return resource_id


def change(
    partition: str, sort: str, change_id: str, expires: int | None, change: Change, lost: Collection[str] = ()
) -> Item:
    """A change record; ``expires`` in seconds since 1970, ``None`` to keep it.

    ``lost`` are the handles of what the user is no longer known by (:func:`scim.service.people.handle`).
    """
    ttl = {} if expires is None else {"ttl": {"N": str(expires)}}
    handles = {"handles": {"SS": sorted(lost)}} if lost else {}
    return {
        **key(partition, sort),
        **ttl,
        **handles,
        SORT_OF_INDEX: {"S": keys.recorded("C#", change.at)},
        "change": {"S": change_id},
        "at": {"S": change.at},
        "operation": {"S": change.operation},
        "changed": {"L": [{"S": name} for name in change.changed]},
        "participation": {"S": change.participation},
        "actor": {"S": change.actor},
        "request": {"S": change.request_id},
        "leniencies": {"L": [{"S": name} for name in change.leniencies]},
        "leftOut": {"L": [{"S": name} for name in change.left_out]},
    }


def settings(partition: str, sort: str, tenant: Tenant) -> Item:
    return {
        **key(partition, sort),
        "mode": {"S": "strict" if tenant.strict else "tolerant"},
        "extensions": {"S": encode(list(tenant.extensions))},
    }
