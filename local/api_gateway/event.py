"""Convert an HTTP request to the event of a Lambda function: payload format 2.0 of an HTTP API.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from local.api_gateway.routes import Match
from local.constants import ACCOUNT

API = "local"

# Headers of the connection between client and gateway are not forwarded.
_CONNECTION_HEADERS = frozenset(
    {"connection", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
# Only bodies of these types and text/* arrive as text; all others, and those without a type, arrive in base64
# (observed: github.com/ministackorg/ministack/pull/766). Bytes that are not UTF-8 in a text body are replaced by
# U+FFFD, which is a guess: the event is JSON and cannot contain them.
_TEXT_TYPES = frozenset({"application/json", "application/xml", "application/javascript"})
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class InvalidPathError(ValueError):
    """A path that the gateway rejects with 400."""


@dataclass(frozen=True)
class Request:
    """An HTTP request: path and query are percent-encoded, header names are in lower case."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    client: str

    def get_header(self, name: str) -> str:
        """Return the values of a header (name in lower case), joined by commas."""
        return ",".join(value for key, value in self.headers if key == name)


def decode_path(path: str) -> str:
    """Return the path that routes and ``rawPath`` see: decoded **twice** and cut at the first decoded question mark.

    This was observed in the service (github.com/hotsock/voker, vokerhttp/testdata/ingress-paths.json): ``%252F``
    arrives as ``/``, ``/a%3Fb`` as ``/a``. Raise ``InvalidPathError`` for ``%25d``, because an invalid escape remains.
    """
    once = unquote(path).partition("?")[0]
    if _BROKEN_ESCAPE.search(once):
        raise InvalidPathError(path)
    return unquote(once)


def build_event(request: Request, path: str, match: Match, now: datetime, request_id: str) -> dict[str, Any]:
    """Return the event for a request; ``path`` is its decoded path. As on AWS, empty members are absent."""
    is_text = _is_text(request.get_header("content-type"))
    optional = {
        "cookies": [cookie for name, value in request.headers if name == "cookie" for cookie in value.split("; ")],
        "queryStringParameters": _join_repeated(parse_qsl(request.query, keep_blank_values=True)),
        "pathParameters": {name: value for name, value in match.variables.items() if value},
        "body": request.body.decode(errors="replace") if is_text else base64.b64encode(request.body).decode(),
    }
    return {
        "version": "2.0",
        "routeKey": match.route.key,
        "rawPath": path,
        "rawQueryString": request.query,
        "headers": _build_headers(request, now),
        "requestContext": _build_context(request, path, match, now, request_id),
        "isBase64Encoded": bool(request.body) and not is_text,
        **{name: value for name, value in optional.items() if value},
    }


def _is_text(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type.startswith("text/") or media_type in _TEXT_TYPES


def _join_repeated(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return one value for each name. Repeated values are joined by commas."""
    values: dict[str, str] = {}
    for name, value in pairs:
        values[name] = f"{values[name]},{value}" if name in values else value
    return values


def _build_headers(request: Request, now: datetime) -> dict[str, str]:
    """Return the client's headers and those that the gateway adds, without cookies, which have their own member."""
    forwarded = [(name, value) for name, value in request.headers if name not in {*_CONNECTION_HEADERS, "cookie"}]
    port = request.get_header("host").partition(":")[2]
    return _join_repeated([*forwarded, ("x-forwarded-for", request.client)]) | {
        "content-length": str(len(request.body)),
        "x-amzn-trace-id": f"Root=1-{int(now.timestamp()):08x}-{secrets.token_hex(12)}",
        "x-forwarded-port": port or "80",
        "x-forwarded-proto": "http",
    }


def _build_context(request: Request, path: str, match: Match, now: datetime, request_id: str) -> dict[str, Any]:
    host = request.get_header("host").partition(":")[0]
    return {
        "accountId": ACCOUNT,
        "apiId": API,
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "http": {
            "method": request.method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.client,
            "userAgent": request.get_header("user-agent"),
        },
        "requestId": request_id,
        "routeKey": match.route.key,
        "stage": "$default",
        "time": f"{now:%d/%b/%Y:%H:%M:%S} +0000",
        "timeEpoch": int(now.timestamp() * 1000),
    }
