"""Build the responses that Lambda returns to API Gateway (payload format 2.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True, slots=True)
class Response:
    """A response. ``body`` is JSON. ``log_fields`` are added to the log line of the request."""

    status: int
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    log_fields: Mapping[str, Any] = field(default_factory=dict)

    def to_gateway_response(self, media_type: str, *, has_body: bool = True) -> dict[str, Any]:
        """Return the response in API Gateway's payload format.

        The response to HEAD has the same headers as that to GET, and no body (RFC 9110 section 9.3.2).
        """
        headers = dict(self.headers)
        if self.body is not None:
            headers["Content-Type"] = media_type
        return {
            "statusCode": int(self.status),
            "headers": headers,
            "body": self.body if self.body and has_body else "",
            "isBase64Encoded": False,
        }


def build_empty_response(headers: Mapping[str, str] | None = None) -> Response:
    """Return a response without a body (204)."""
    return Response(HTTPStatus.NO_CONTENT, headers=headers or {})
