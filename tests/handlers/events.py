"""What API Gateway hands to a function, as far as the handlers read it."""

import base64
from collections.abc import Mapping
from typing import Any

REQUEST_ID = "request-1"


def event(
    method: str = "GET",
    path: str = "/scim/v2/Users",
    *,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    body: str | bytes | None = None,
) -> dict[str, Any]:
    """An event of payload format 2.0; a body of bytes is sent in base64."""
    sent: dict[str, Any] = {}
    if body is not None:
        sent["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    return sent | {
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
