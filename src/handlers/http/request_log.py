"""The log line of a request (docs/operate/logs.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_FIELD_NAMES = {
    "rejected_tenant_id": "rejected_tenant",
    "unverified_tenant_id": "unverified_tenant",
    "tenant_id": "tenant",
}
"""The names of fields in the log line, where they differ."""


@dataclass
class RequestLogLine:
    """The fields of a log line, which the steps of a request set. A field that is ``None`` is left out.

    ``details`` are fields that only some requests have: of the route, of recorded failures, of retries.
    """

    request_id: str
    method: str
    rejected_tenant_id: str | None = None
    """The tenant of a token that this stack created and that is not valid."""
    unverified_tenant_id: str | None = None
    """The connected tenant that a malformed token names. Anybody can write such a token."""
    unrecorded: int | None = None
    """How many requests with rejected or malformed tokens could not be counted in the table."""
    tenant_id: str | None = None
    """The tenant of a valid token."""
    dynamodb_calls_auth: int | None = None
    operation: str | None = None
    leniencies: list[str] | None = None
    dynamodb_calls: int | None = None
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
