"""Records of failed requests by their ids (docs/contribute/data-model.md, "Failures")."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from scim.service.model.audit.failure import Failure
from scim.service.model.audit.person_match import Match, MatchKind
from scim.store import keys
from scim.store.table import Item

FAILURES = "failures"
_SIZE = "size"
ATTRIBUTES = (FAILURES, _SIZE)
"""The attributes of a record."""
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
    failure_keys = list(dict.fromkeys(sort_keys))
    return {
        "UpdateExpression": "SET #failures = :failures, #size = :size, #ttl = :ttl",
        "ExpressionAttributeNames": {"#failures": FAILURES, "#size": _SIZE, "#ttl": "ttl"},
        "ExpressionAttributeValues": {
            ":failures": {"L": [{"S": failure_key} for failure_key in failure_keys[:_MAX_FAILURES]]},
            ":size": {"N": str(len(failure_keys))},
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
    # Records of earlier versions have no size.
    match = Match(
        tenant_id,
        MatchKind.FAILED_REQUEST_ID,
        request_size=int(item[_SIZE]["N"]) if _SIZE in item else len(failure_keys),
    )
    if not identifiers:
        return [replace(match, failure_keys=failure_keys)]
    return [
        replace(match, user_id=identifier) if keys.is_user_id(identifier) else replace(match, identifier=identifier)
        for identifier in identifiers
    ]
