"""Responses as API Gateway takes them from Lambda (payload format 2.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; ``body`` is JSON, ``log`` what the log line says of it beyond the status."""

    status: int
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    log: Mapping[str, Any] = field(default_factory=dict)

    def event(self, media_type: str) -> dict[str, Any]:
        """The answer as the gateway takes it."""
        headers = dict(self.headers)
        if self.body is not None:
            headers["Content-Type"] = media_type
        return {
            "statusCode": int(self.status),
            "headers": headers,
            "body": self.body or "",
            "isBase64Encoded": False,
        }


def no_content(headers: Mapping[str, str] | None = None) -> Response:
    return Response(HTTPStatus.NO_CONTENT, headers=headers or {})
