"""Build events of API Gateway with the members that the handlers read."""

import base64
from collections.abc import Mapping
from typing import Any

REQUEST_ID = "request-1"


def build_event(
    method: str = "GET",
    path: str = "/scim/v2/Users",
    *,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    body: str | bytes | None = None,
) -> dict[str, Any]:
    """Return an event of payload format 2.0. A body of bytes is encoded as base64."""
    members: dict[str, Any] = {}
    if body is not None:
        members["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    return members | {
        "rawPath": path,
        "rawQueryString": query,
        "headers": dict(headers or {}),
        "isBase64Encoded": isinstance(body, bytes),
        "requestContext": {
            "requestId": REQUEST_ID,
            "domainName": "scim.example.com",
            "http": {"method": method, "path": path},
        },
    }
