"""The HTTP API as an ASGI application: it checks limits, selects the route and invokes the route's function."""

import asyncio
import base64
import json
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from local.api_gateway.event import InvalidPathError, Request, build_event, decode_path
from local.api_gateway.response import InvalidResultError, Response, build_error, build_response
from local.api_gateway.routes import Routes
from local.asgi import Message, Receive, Send, read_body
from local.aws_lambda.invocation import Function, FunctionError

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
BODY_LIMIT = 10 * 1024 * 1024
HEADER_LIMIT = 10_240  # bytes of the request line and of the header values together
TIMEOUT_S = 30.0
# The limit of a Lambda event: a body of 4.5 MB in base64.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
EVENT_LIMIT = 6 * 1024 * 1024


class Gateway:
    """An HTTP API. ``report`` is called with each request, its response and the seconds that it took."""

    def __init__(
        self, routes: Routes, functions: Mapping[str, Function], report: Callable[[Request, Response, float], None]
    ) -> None:
        self._routes = routes
        self._functions = functions
        self._report = report

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Respond to one request, as ASGI defines it."""
        start = time.monotonic()
        body = await read_body(receive, BODY_LIMIT)
        request = _build_request(scope, body or b"")
        request_id = base64.b64encode(os.urandom(11)).decode()
        response = (
            build_error(413, "Request Entity Too Large") if body is None else await self.respond(request, request_id)
        )
        await _send_response(send, request.method, response, request_id)
        self._report(request, response, time.monotonic() - start)

    async def respond(self, request: Request, request_id: str = "") -> Response:
        """Return the function's response, or an error of the gateway itself."""
        if _measure_headers(request) > HEADER_LIMIT:
            # AWS documents the limit but not the response. Clients report 431; the body is an assumption.
            return build_error(431, "Request Header Fields Too Large")
        try:
            path = decode_path(request.path)
        except InvalidPathError:
            return build_error(400, "Bad Request")
        match = self._routes.select(request.method, path)
        if match is None:
            return build_error(404, "Not Found")
        event = build_event(request, path, match, datetime.now(UTC), request_id)
        if len(json.dumps(event, ensure_ascii=False).encode()) > EVENT_LIMIT:
            return build_error(413, "Request Entity Too Large")
        return await _invoke(self._functions[match.route.function], event)


async def _invoke(function: Function, event: Mapping[str, Any]) -> Response:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return build_response(await function.invoke(event))
    except TimeoutError:
        return build_error(503, "Service Unavailable")
    except (FunctionError, InvalidResultError):
        return build_error(500, "Internal Server Error")


def _build_request(scope: Message, body: bytes) -> Request:
    return Request(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode(errors="replace"),  # bytes that a client must encode: not documented
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
        body=body,
        client=scope["client"][0],
    )


def _measure_headers(request: Request) -> int:
    line = f"{request.method} {request.path}?{request.query} HTTP/1.1"
    return len(line) + sum(len(value) for _, value in request.headers)


async def _send_response(send: Send, method: str, response: Response, request_id: str) -> None:
    """Send a response. Without ``Content-Length`` for HEAD: it must be that of GET (RFC 9110 section 8.6)."""
    headers = [*response.headers, ("apigw-requestid", request_id)]
    if response.status != 204 and method != "HEAD":
        headers.append(("content-length", str(len(response.body))))
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    await send({"type": "http.response.body", "body": response.body})
