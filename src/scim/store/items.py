"""Encode the items of the table as DynamoDB attribute values, and decode them (docs/contribute/data-model.md)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator

from scim.protocol.normalize import NORMALIZATION_VERSION
from scim.service.model.audit.audit_event import AuditAction, AuditEvent
from scim.service.model.change_record import ChangeRecord, Operation
from scim.service.model.deactivations.brake import BrakeSettings
from scim.service.model.identity_provider import parse_identity_provider
from scim.service.model.stored_resource import StoredResource, UnreadableResource, encode_json
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import parse_rfc3339
from scim.service.model.token import NEVER_EXPIRES, TokenState, TokenUsage
from scim.store import keys
from scim.store.table import TIME_ATTRIBUTE, Item

RESOURCE_ATTRIBUTES = ("sk", "doc", "v", "created", "modified", "links", "since")
"""The attributes that :func:`decode_resource` needs."""
DOCUMENT_ATTRIBUTES = ("sk", "doc")
"""The attributes that :func:`decode_document` needs."""
LOOKUP_ITEM_ATTRIBUTES = ("sk", "id")
"""The sort key, and the attribute that :func:`decode_lookup_item` needs."""
ATTRIBUTES_SENT = "sent"
"""The attribute of a change record with the names of the attributes in the request."""


def has_expired(item: Item, now: float) -> bool:
    """Return whether an item has expired at ``now`` (seconds since 1970). DynamoDB can take days to delete it."""
    return "ttl" in item and int(item["ttl"]["N"]) <= now


def get_number(item: Item, name: str) -> int:
    """Return an integer attribute, 0 if the item lacks it: DynamoDB adds to a missing number as to 0."""
    return int(item[name]["N"]) if name in item else 0


def encode_resource(partition_key: str, sort_key: str, stored: StoredResource) -> Item:
    """Return the item of a resource. The document is a JSON string, which is decoded much faster than a map."""
    return {
        **keys.primary_key(partition_key, sort_key),
        "doc": {"S": stored.document},
        "v": {"N": str(stored.version)},
        "created": {"S": stored.created},
        "modified": {"S": stored.modified},
        "active": {"BOOL": stored.resource.get("active") is True},
        "since": {"S": stored.active_since},
        TIME_ATTRIBUTE: {"S": keys.last_modified_key(stored.modified)},
        **({"links": {"S": stored.links_json}} if stored.links_json else {}),
    }


def decode_resource(item: Item, version_floor: int) -> StoredResource:
    """Return the resource in an item that has the attributes ``RESOURCE_ATTRIBUTES``.

    If it was created before a restore, its version is at least ``version_floor`` (:class:`scim.store.table.Table`).
    Raise :class:`UnreadableResource` if an attribute is missing or has another type.
    """
    try:
        version = int(item["v"]["N"])
        if version < version_floor and parse_rfc3339(item["created"]["S"]) < version_floor:
            version = version_floor
        return StoredResource(
            id=keys.parse_user_id(item["sk"]["S"]),
            version=version,
            created=item["created"]["S"],
            modified=item["modified"]["S"],
            document=item["doc"]["S"],
            links_json=item["links"]["S"] if "links" in item else "",
            active_since=item["since"]["S"],
        )
    except (KeyError, ValueError) as error:
        raise UnreadableResource(keys.parse_user_id(item["sk"]["S"])) from error


def decode_resources(found_items: Iterable[Item], version_floor: int) -> Iterator[StoredResource]:
    """Yield the resources in items (:func:`decode_resource`)."""
    return (decode_resource(item, version_floor) for item in found_items)


def decode_document(item: Item) -> StoredResource:
    """Return the resource in an item with only ``DOCUMENT_ATTRIBUTES``. Its version, times and links are empty."""
    return StoredResource(
        id=keys.parse_user_id(item["sk"]["S"]), version=0, created="", modified="", document=item["doc"]["S"]
    )


def encode_lookup_item(partition_key: str, sort_key: str, resource_id: str) -> Item:
    """Return the lookup item of a unique key or an index entry. It contains the id of the resource with that value.

    The version of the normalization shows which items must be written again after it has changed. It is not a part of
    the key, because two functions with different versions of Python must find the same users.
    """
    return {
        **keys.primary_key(partition_key, sort_key),
        "id": {"S": resource_id},
        "normalization": {"S": NORMALIZATION_VERSION},
    }


def decode_lookup_item(item: Item) -> str:
    """Return the id of the resource in a lookup item."""
    resource_id: str = item["id"]["S"]
    return resource_id


def encode_change(
    partition_key: str,
    sort_key: str,
    change_id: str,
    expires: int | None,
    change: ChangeRecord,
    former_identifier_hashes: Collection[str] = (),
    removed_reference_hashes: Collection[str] = (),
    *,
    may_affect_links: bool = False,
) -> Item:
    """Return the item of a change record.

    Records of link changes and erasures are not in the index by time, because no client made these changes.

    Args:
        partition_key: the partition of the tenant's resources.
        sort_key: the key of the record.
        change_id: the id that tells retries of this change from other changes.
        expires: when the record expires, in seconds since 1970; ``None``: never.
        change: the content of the record.
        former_identifier_hashes: the hashes of identifiers that the user no longer has, stored as ``handles``.
        removed_reference_hashes: the hashes of identifiers that the user no longer refers to, stored as ``dropped``.
        may_affect_links: whether the change can affect links. The stream processor, which reads no users, needs this.
    """
    ttl = {} if expires is None else {"ttl": {"N": str(expires)}}
    former = {"handles": {"SS": sorted(former_identifier_hashes)}} if former_identifier_hashes else {}
    removed = {"dropped": {"SS": sorted(removed_reference_hashes)}} if removed_reference_hashes else {}
    is_own = change.operation in (Operation.LINK, Operation.ERASE)
    time = {} if is_own else {TIME_ATTRIBUTE: {"S": keys.time_key("C#", change.at)}}
    links = [{"M": {"attribute": {"S": name}, "id": {"S": to}}} for name, to in change.links]
    external_id = {} if change.external_id is None else {"externalId": {"S": change.external_id}}
    return {
        **keys.primary_key(partition_key, sort_key),
        **ttl,
        **former,
        **removed,
        **time,
        **({"mayAffectLinks": {"BOOL": True}} if may_affect_links else {}),
        "change": {"S": change_id},
        "at": {"S": change.at},
        "operation": {"S": change.operation},
        "changed": {"L": [{"S": name} for name in change.attributes_changed]},
        "participation": {"S": change.participation},
        "actor": {"S": change.actor},
        "request": {"S": change.request_id},
        "leniencies": {"L": [{"S": name} for name in change.leniencies]},
        "leftOut": {"L": [{"S": name} for name in change.ignored]},
        "resourceType": {"S": change.resource_type},
        "userName": {"S": change.user_name},
        **external_id,
        "active": {"BOOL": change.active},
        **({"links": {"L": links}} if change.operation is Operation.LINK else {}),
        **_encode_attributes_sent(change),
    }


def _encode_attributes_sent(change: ChangeRecord) -> Item:
    """Return the attribute with the names that were sent, none if there are none.

    Most requests change what they send. The names are then not stored twice: for a create with the enterprise schema
    they would make the record larger than 1 KB, which costs two more write units.
    """
    if not change.attributes_sent:
        return {}
    if set(change.attributes_sent) == set(change.attributes_changed):
        return {ATTRIBUTES_SENT: {"BOOL": True}}
    return {ATTRIBUTES_SENT: {"L": [{"S": name} for name in change.attributes_sent]}}


def encode_tenant(partition_key: str, sort_key: str, tenant: Tenant) -> Item:
    """Return the item of a tenant's settings. Data-model.md lists the stored names that differ from the code's."""
    token = tenant.token
    return {
        **keys.primary_key(partition_key, sort_key),
        "v": {"N": str(tenant.version)},
        "mode": {"S": "strict" if tenant.is_strict else "tolerant"},
        "extensions": {"S": encode_json(list(tenant.custom_schemas))},
        "shapes": {"S": encode_json(tenant.attribute_types)},
        "connected": {"BOOL": tenant.is_connected},
        "generation": {"N": str(tenant.invitation_epoch)},
        "secret_version": {"S": token.version_id},
        "since": {"N": str(token.current_since)},
        "grace_s": {"N": str(token.grace_s)},
        "expires": {"NULL": True} if token.expires is None else {"N": str(token.expires)},
        "shown": {"BOOL": token.is_revealed},
        "ended": {"L": [{"S": version} for version in token.revoked_version_ids]},
        **({"purging": {"BOOL": True}} if tenant.is_purging else {}),
        **_encode_brake(tenant.brake),
        **({"provider": {"S": tenant.provider}} if tenant.provider else {}),
        **({"created_by": {"S": token.created_by}} if token.created_by else {}),
        **_encode_idempotency_key(token),
        **({} if token.lifetime_s == NEVER_EXPIRES else {"lifetime_s": {"N": str(token.lifetime_s)}}),
    }


def _encode_idempotency_key(token: TokenState) -> Item:
    if not token.idempotency_key:
        return {}
    return {"asked": {"S": token.idempotency_key}, "asked_at": {"N": str(token.idempotency_key_at)}}


def _encode_brake(brake: BrakeSettings) -> Item:
    """Return the attributes of the brake, none if it was never changed."""
    if brake == BrakeSettings():
        return {}
    return {
        "brake": {"BOOL": brake.is_on},
        "brake_reset": {"N": str(brake.reset_at)},
        "brake_released": {"N": str(brake.released_until)},
    }


def _decode_brake(item: Item) -> BrakeSettings:
    if "brake" not in item:
        return BrakeSettings()
    return BrakeSettings(
        is_on=item["brake"]["BOOL"],
        reset_at=float(item["brake_reset"]["N"]),
        released_until=float(item["brake_released"]["N"]),
    )


def decode_tenant(tenant_id: str, item: Item) -> Tenant:
    """Return the settings in an item. Some attributes are missing in items of earlier versions."""
    return Tenant(
        tenant_id,
        is_strict=item["mode"]["S"] == "strict",
        custom_schemas=json.loads(item["extensions"]["S"]),
        attribute_types=json.loads(item["shapes"]["S"]),
        is_connected=item["connected"]["BOOL"],
        token=TokenState(
            version_id=item["secret_version"]["S"],
            current_since=float(item["since"]["N"]),
            grace_s=float(item["grace_s"]["N"]),
            expires=float(item["expires"]["N"]) if "N" in item["expires"] else None,
            is_revealed=item["shown"]["BOOL"],
            revoked_version_ids=tuple(version["S"] for version in item["ended"]["L"]),
            lifetime_s=float(item["lifetime_s"]["N"]) if "lifetime_s" in item else NEVER_EXPIRES,
            created_by=item.get("created_by", {}).get("S", ""),
            idempotency_key=item["asked"]["S"] if "asked" in item else "",
            idempotency_key_at=float(item["asked_at"]["N"]) if "asked_at" in item else 0.0,
        ),
        version=int(item["v"]["N"]),
        invitation_epoch=int(item["generation"]["N"]) if "generation" in item else 0,
        is_purging="purging" in item,
        brake=_decode_brake(item),
        provider=parse_identity_provider(item.get("provider", {}).get("S")),
    )


def encode_audit_event(partition_key: str, sort_key: str, event: AuditEvent) -> Item:
    """Return the item of an audit event, which never expires."""
    return {
        **keys.primary_key(partition_key, sort_key),
        "change": {"S": event.id},
        "at": {"S": event.at},
        "operation": {"S": event.action},
        "actor": {"S": event.actor},
        "details": {"M": {name: {"S": value} for name, value in event.details.items()}},
    }


def decode_audit_event(item: Item) -> AuditEvent:
    """Return the audit event in an item."""
    return AuditEvent(
        item["change"]["S"],
        item["at"]["S"],
        AuditAction(item["operation"]["S"]),
        item["actor"]["S"],
        {name: value["S"] for name, value in item["details"]["M"].items()},
    )


def decode_token_usage(item: Item) -> TokenUsage:
    """Return the first and the last use of a token from its item. The sort key contains the token's version."""
    return TokenUsage(
        last_used=float(item["last_used"]["N"]),
        version_id=keys.parse_token_version(item["sk"]["S"]),
        user_agent=item["user_agent"]["S"],
        is_write=item["is_write"]["BOOL"],
        first_used=float(item["first_used"]["N"]),
        first_is_write=item["first_is_write"]["BOOL"],
        first_user_agent=item["first_user_agent"]["S"],
        has_wrong_url=item.get("has_wrong_url", {}).get("BOOL", False),
    )
