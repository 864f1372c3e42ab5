"""Build the keys of the records that are found by the id of a request."""

from __future__ import annotations

from scim.service.model.identifiers import MAX_IDENTIFIER_LENGTH
from scim.store.keys import MAX_VALUE_BYTES, KeyRange, escape, id_range, truncate

_REQUEST_PREFIX = "R#"


def request_partition(tenant_id: str) -> str:
    """Return the partition of a tenant's requests whose events EventBridge has accepted."""
    return f"E#{tenant_id}"


def failed_request_key(request_id: str) -> str:
    """Return the key of a failed request, in the partition of failures."""
    recorded = request_id[:MAX_IDENTIFIER_LENGTH]
    return f"{_REQUEST_PREFIX}{truncate(escape(recorded), MAX_VALUE_BYTES)}"


FAILED_REQUEST_RANGE = KeyRange(_REQUEST_PREFIX, "R$")
"""The range of all failed requests of a tenant."""


def request_key(request_id: str, record_id: str) -> str:
    """Return the key of the record of some changes of a request. ``record_id`` is a new UUID."""
    return f"{failed_request_key(request_id)}#{record_id}"


def request_range(request_id: str) -> KeyRange:
    """Return the range of all records of a request."""
    return id_range(request_key(request_id, ""))
