"""The rate limit of one request: its permits, the header fields that tell the client about it, and the log fields."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from handlers.http.rate_limit_headers import build_rate_limit_headers
from handlers.http.response import Response
from scim.protocol.errors import ScimError
from scim.service.deadline import Deadline
from scim.wiring.scim_api import ScimApiAdapters


class RequestRateLimit:
    """The rate limit of one request of a tenant.

    Its calls to DynamoDB are counted apart from those of the request, because most requests make none.
    """

    def __init__(self, adapters: ScimApiAdapters, tenant_id: str, deadline: Deadline) -> None:
        self._limit = adapters.rate_limiter.limit
        self._table = adapters.open_table(deadline)
        self.permits = adapters.build_permits(self._table, tenant_id)

    def add_headers(self, response: Response) -> Response:
        """Return the response with the header fields, or unchanged if the environment does not know the bucket."""
        return replace(response, headers={**response.headers, **self._build_headers(None)})

    def add_headers_to_error(self, error: ScimError) -> None:
        """Add the header fields to the response to a failed request."""
        error.headers = {**error.headers, **self._build_headers(error)}

    @property
    def log_fields(self) -> dict[str, Any]:
        """The fields of the request's log line. A request that needed no call has none."""
        calls = {"dynamodb_calls_rate_limit": self._table.calls} if self._table.calls else {}
        return calls | ({"rate_limit_unavailable": 1} if self.permits.is_unlimited else {})

    def _build_headers(self, error: ScimError | None) -> dict[str, str]:
        remaining = self.permits.count_remaining()
        return {} if remaining is None else build_rate_limit_headers(self._limit, remaining, time.time(), error)
