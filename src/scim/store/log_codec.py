"""Encode and decode the records of the audit log (docs/contribute/data-model.md)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from scim.service.model.audit.failure import Failure, FailureCount
from scim.service.model.audit.log_record import LogRecord, RejectedTokenCount
from scim.service.model.change_record import ChangeRecord, Operation, Participation, StoredChange
from scim.service.model.deactivations.brake import MassDeactivation
from scim.service.model.identity_provider import IdentityProvider, parse_identity_provider
from scim.store import items, keys
from scim.store.table import Item

DAY_PREFIX = "day#"
"""The prefix of the attributes that count a failure by day. The date (UTC) follows."""
HASHES = "handles"
"""The attribute with the hashes of identifiers. It has this name since an earlier version."""
REQUEST = "request"
"""The attribute with the id of a request."""

_FAILURE_FIELDS = {
    "status": "status",
    "scim_type": "scim_type",
    "rule": "rule",
    "detail": "detail",
    "attribute": "attribute",
    "kind": "identifier_kind",
    "identifier": "identifier",
    "sent": "attributes_sent",
    "left_out": "ignored",
    "refused": "rejected_leniency",
    "provider": "provider",
    "request_id": "request_id",
}
"""The fields of a failure, by their names in the JSON of the attribute ``failure``.

Some stored names are those of an earlier version, whose items must stay readable.
"""


def get_hashes(item: Item) -> Sequence[str]:
    """Return the hashes of the identifiers and names in the item of a failure."""
    hashes: Sequence[str] = item.get(HASHES, {}).get("SS", ())
    return hashes


def decode_record(item: Item, provider: IdentityProvider | None) -> LogRecord:
    """Return the record in an item of any kind. The sort key shows the kind.

    ``provider`` is as in :func:`decode_failure`.
    """
    if keys.is_audit_event_key(item["sk"]["S"]):
        return items.decode_audit_event(item)
    if keys.is_token_usage_key(item["sk"]["S"]):
        return items.decode_token_usage(item)
    if keys.is_token_count_key(item["sk"]["S"]):
        return decode_rejected_tokens(item)
    return decode_change(item) if "change" in item else decode_failure(item, provider)


def encode_failure(failure: Failure) -> Item:
    """Return the attributes of a failure's item, except its key and its counts."""
    content = {stored: getattr(failure, name) for stored, name in _FAILURE_FIELDS.items()}
    hashes = {HASHES: {"SS": sorted(failure.identifier_hashes)}} if failure.identifier_hashes else {}
    return {"operation": {"S": failure.operation}, "failure": {"S": json.dumps(content)}, **hashes}


def decode_failure(item: Item, provider: IdentityProvider | None) -> FailureCount:
    """Return the failure in an item, with its counts.

    ``provider`` is the identity provider that was chosen for the tenant. It replaces the one that was detected when the
    request failed. It is ``None`` if none was chosen.
    """
    content = json.loads(item["failure"]["S"])
    failure = Failure(
        at=item["last"]["S"],
        operation=item["operation"]["S"],
        identifier_hashes=frozenset(get_hashes(item)),
        provider=provider or parse_identity_provider(content["provider"]),
        **{name: content[stored] for stored, name in _FAILURE_FIELDS.items() if name != "provider"},
    )
    return FailureCount(failure, item["first"]["S"], int(item["count"]["N"]), decode_counts_by_day(item))


def decode_counts_by_day(item: Item) -> dict[str, int]:
    """Return how often a failure occurred, by day (UTC)."""
    return {
        name.removeprefix(DAY_PREFIX): int(value["N"]) for name, value in item.items() if name.startswith(DAY_PREFIX)
    }


def decode_rejected_tokens(item: Item) -> RejectedTokenCount:
    """Return the number of rejected tokens in a minute, from its item."""
    return RejectedTokenCount(
        first_at=item["first"]["S"],
        last_at=item["last"]["S"],
        count=int(item["count"]["N"]),
        rule=item["rule"]["S"],
        request_id=item.get(REQUEST, {}).get("S", ""),  # items of earlier versions lack it
    )


def decode_change(item: Item) -> StoredChange:
    """Return the change record in an item, with the ids of its user and of its event."""
    attributes_changed = _decode_texts(item, "changed")
    is_all_changed = "BOOL" in item.get(items.ATTRIBUTES_SENT, {})
    change = ChangeRecord(
        at=item["at"]["S"],
        operation=Operation(item["operation"]["S"]),
        attributes_changed=attributes_changed,
        participation=Participation(item["participation"]["S"]),
        actor=item["actor"]["S"],
        request_id=item[REQUEST]["S"],
        leniencies=_decode_texts(item, "leniencies"),
        resource_type=item["resourceType"]["S"],
        user_name=item["userName"]["S"],
        external_id=item.get("externalId", {}).get("S"),
        active=item["active"]["BOOL"],
        ignored=_decode_texts(item, "leftOut"),
        attributes_sent=attributes_changed if is_all_changed else _decode_texts(item, items.ATTRIBUTES_SENT),
        links=[(link["M"]["attribute"]["S"], link["M"]["id"]["S"]) for link in item.get("links", {}).get("L", ())],
    )
    return StoredChange(keys.parse_changed_user_id(item["sk"]["S"]), change, item["change"]["S"])


def encode_alert(alert: MassDeactivation) -> Item:
    """Return the attributes of an alert's item, except its key."""
    return {
        "at": {"S": alert.at},
        "deactivated": {"N": str(alert.deactivated)},
        "active_before": {"N": str(alert.active_before)},
        "held": {"BOOL": alert.is_held},
        "request": {"S": alert.request_id},
    }


def decode_alert(item: Item) -> MassDeactivation:
    """Return the alert in an item."""
    return MassDeactivation(
        at=item["at"]["S"],
        deactivated=int(item["deactivated"]["N"]),
        active_before=int(item["active_before"]["N"]),
        is_held=item["held"]["BOOL"],
        request_id=item["request"]["S"],
    )


def _decode_texts(item: Item, name: str) -> list[str]:
    """Return the strings in a list attribute, or an empty list if the item lacks the attribute."""
    return [text["S"] for text in item.get(name, {}).get("L", ())]
