"""Collect the fields of the log line ``request`` (docs/operate/logs.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_FIELD_NAMES = {
    "rejected_tenant_id": "rejected_tenant",
    "unverified_tenant_id": "unverified_tenant",
    "tenant_id": "tenant",
}
"""The names in the log line of those attributes whose names differ."""


@dataclass
class RequestLogLine:
    """The fields of a request's log line. Each step of the request sets some of them.

    A field that is ``None`` is not logged. ``details`` are fields that only some requests have: from the route, from
    recorded failures and tokens, and from retries.
    """

    request_id: str
    method: str
    rejected_tenant_id: str | None = None
    """The tenant of a token that this stack created and that is no longer valid."""
    unverified_tenant_id: str | None = None
    """The connected tenant that a malformed token names. It is not verified: anyone can send such a token."""
    tenant_id: str | None = None
    """The tenant of a valid token."""
    dynamodb_calls_auth: int | None = None
    """The number of calls to DynamoDB during authentication. It is 0 if the tenant was cached."""
    operation: str | None = None
    """The method and the name of the endpoint, such as ``GET Users``."""
    leniencies: list[str] | None = None
    """The labels of the leniencies that the request needed."""
    dynamodb_calls: int | None = None
    """The number of calls to DynamoDB after authentication."""
    dynamodb_calls_deactivations: int | None = None
    """The number of calls to DynamoDB to count deactivations, ``None`` if there was none."""
    scim_type: str | None = None
    rule: str | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def add(self, details: Mapping[str, Any]) -> None:
        """Add fields that only some requests have."""
        self.details.update(details)

    def fields(self) -> dict[str, Any]:
        """Return the fields of the log line by name."""
        named = {name: value for name, value in vars(self).items() if name != "details" and value is not None}
        return {_FIELD_NAMES.get(name, name): value for name, value in named.items()} | self.details
