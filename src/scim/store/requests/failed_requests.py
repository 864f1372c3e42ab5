"""Records of failed requests by their ids (docs/contribute/data-model.md, "Failures")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scim.service.model.audit.person_match import Match, MatchKind
from scim.store import keys
from scim.store.table import Item

MAX_FAILURES = 5
"""The maximum number of failures in the record of a bulk request."""


def build_update(failure_keys: Sequence[str], expires: int) -> dict[str, Any]:
    """Return the arguments of ``UpdateItem`` that record a failed request, with the sort keys of its failures."""
    return {
        "UpdateExpression": "SET #failures = :failures, #ttl = :ttl",
        "ExpressionAttributeNames": {"#failures": "failures", "#ttl": "ttl"},
        "ExpressionAttributeValues": {
            ":failures": {"SS": sorted(set(failure_keys[:MAX_FAILURES]))},
            ":ttl": {"N": str(expires)},
        },
    }


def decode_failed_request(tenant_id: str, item: Item) -> Match:
    """Return the match for a failed request. It is about the first identifier in its failures, if there is one."""
    failure_keys = item["failures"]["SS"]
    identifier = next(filter(None, map(keys.parse_failure_identifier, failure_keys)), "")
    if keys.is_user_id(identifier):
        return Match(tenant_id, MatchKind.REQUEST, user_id=identifier, failure_keys=failure_keys)
    return Match(tenant_id, MatchKind.REQUEST, identifier=identifier, failure_keys=failure_keys)
