"""Encode and decode the item that counts a tenant's failures on one day (UTC)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scim.service.model.audit.failure import DailyFailures, FailureKind
from scim.service.model.identity_provider import IdentityProvider, parse_identity_provider
from scim.store.table import Item

_PROVIDER = "provider"
_LAST_REJECTION = "rejected_at"
_LAST_WRONG_URL = "wrong_url_at"


def build_update(
    at: str, counts: Mapping[FailureKind, int], provider: IdentityProvider | None, expires: int
) -> dict[str, Any]:
    """Return the arguments of ``UpdateItem`` that add ``counts`` to the item of a day.

    ``at`` is the time of the failures in RFC 3339, UTC. ``expires`` is in seconds since 1970.
    """
    added = {str(kind): {"N": str(number)} for kind, number in counts.items()}
    assigned: Item = {"ttl": {"N": str(expires)}}
    if provider:
        assigned[_PROVIDER] = {"S": provider}
    if FailureKind.REJECTED_TOKEN in counts:
        assigned[_LAST_REJECTION] = {"S": at}
    if FailureKind.WRONG_SCIM_URL in counts:
        assigned[_LAST_WRONG_URL] = {"S": at}
    adding = ", ".join(f"#{name} :{name}" for name in added)
    setting = ", ".join(f"#{name} = :{name}" for name in assigned)
    values = added | assigned
    return {
        "UpdateExpression": f"ADD {adding} SET {setting}",
        "ExpressionAttributeNames": {f"#{name}": name for name in values},
        "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
    }


def decode(item: Item) -> DailyFailures:
    """Return the counts in an item."""
    counts = {kind: int(item[kind]["N"]) for kind in FailureKind if kind in item}
    provider = parse_identity_provider(item.get(_PROVIDER, {}).get("S"))
    last_rejection, last_wrong_url = (item.get(name, {}).get("S", "") for name in (_LAST_REJECTION, _LAST_WRONG_URL))
    return DailyFailures(counts, provider, last_rejection, last_wrong_url)
