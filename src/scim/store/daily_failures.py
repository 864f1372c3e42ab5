"""Encode and decode the item that counts a tenant's failures on one day (UTC)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scim.service.model.audit.failure import DailyFailures, FailureKind
from scim.service.model.identity_provider import IdentityProvider, parse_identity_provider
from scim.store.table import Item

_PROVIDER = "provider"
# When failures of a kind happened last, by kind.
_LAST_TIMES = {
    FailureKind.REJECTED_TOKEN: "rejected_at",
    FailureKind.WRONG_SCIM_URL: "wrong_url_at",
    FailureKind.RATE_LIMITED: "rate_limited_at",
}


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
    assigned |= {name: {"S": at} for kind, name in _LAST_TIMES.items() if kind in counts}
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
    last_times = [item.get(name, {}).get("S", "") for name in _LAST_TIMES.values()]
    return DailyFailures(counts, provider, *last_times)
