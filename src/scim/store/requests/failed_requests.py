"""Records of failed requests by their ids (docs/contribute/data-model.md, "Failures")."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from scim.service.model.audit.failure import Failure
from scim.service.model.audit.person_match import Match, MatchKind
from scim.store import keys
from scim.store.table import Item

FAILURES = "failures"
_MAX_FAILURES = 5
"""The maximum number of failures in the record of a bulk request. A key of a failure has at most 1 KB."""


def build_failure_key(failure: Failure) -> str:
    """Return the sort key of a failure. Equal failures have the same key, so they are counted together."""
    # If requests have no identifier, the names in them distinguish the failures of different people.
    names = sorted(failure.identifier_hashes) if not failure.identifier else []
    digest = sha256("\n".join((failure.operation, failure.rule, *names)).encode()).hexdigest()[:16]
    return keys.failure_key(failure.identifier, digest)


def build_update(sort_keys: Iterable[str], expires: int) -> dict[str, Any]:
    """Return the arguments of ``UpdateItem`` that record a failed request, with the keys of its first failures.

    ``sort_keys`` are those of its failures, or of the count that includes its rejected token. ``expires`` is when the
    record expires, in seconds since 1970.
    """
    failure_keys = list(dict.fromkeys(sort_keys))[:_MAX_FAILURES]
    return {
        "UpdateExpression": "SET #failures = :failures, #ttl = :ttl",
        "ExpressionAttributeNames": {"#failures": FAILURES, "#ttl": "ttl"},
        "ExpressionAttributeValues": {
            ":failures": {"L": [{"S": failure_key} for failure_key in failure_keys]},
            ":ttl": {"N": str(expires)},
        },
    }


def list_failure_keys(item: Item) -> list[str]:
    """Return the sort keys in the record of a failed request."""
    return [failure_key["S"] for failure_key in item[FAILURES]["L"]]


def decode_failed_request(tenant_id: str, item: Item) -> Sequence[Match]:
    """Return a match for each person in the failures of a request, or one without a person."""
    failure_keys = list_failure_keys(item)
    identifiers = dict.fromkeys(
        filter(None, map(keys.parse_failure_identifier, filter(keys.is_failure_key, failure_keys)))
    )
    if not identifiers:
        return [Match(tenant_id, MatchKind.FAILED_REQUEST_ID, failure_keys=failure_keys)]
    return [_build_match(tenant_id, identifier) for identifier in identifiers]


def _build_match(tenant_id: str, identifier: str) -> Match:
    if keys.is_user_id(identifier):
        return Match(tenant_id, MatchKind.FAILED_REQUEST_ID, user_id=identifier)
    return Match(tenant_id, MatchKind.FAILED_REQUEST_ID, identifier=identifier)
