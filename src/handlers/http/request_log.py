"""The log line of a request (docs/operations.md, "Log lines")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class RequestLog:
    """The fields of a log line, which the steps of a request fill in. A field that is ``None`` is left out.

    ``details`` are fields that only some requests have: of the route, of recorded failures, of retries.
    """

    request_id: str
    method: str
    rejected_tenant: str | None = None
    unverified_tenant: str | None = None
    unrecorded: int | None = None
    tenant: str | None = None
    dynamodb_calls_auth: int | None = None
    operation: str | None = None
    leniencies: list[str] | None = None
    dynamodb_calls: int | None = None
    scim_type: str | None = None
    rule: str | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def add(self, details: Mapping[str, Any]) -> None:
        self.details.update(details)

    def fields(self) -> dict[str, Any]:
        named = {name: value for name, value in vars(self).items() if name != "details" and value is not None}
        return named | self.details
