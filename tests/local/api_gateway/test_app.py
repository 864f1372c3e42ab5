"""The gateway forwards requests to functions and responds with its own errors."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from local.api_gateway import app
from local.api_gateway.app import Gateway
from local.api_gateway.routes import Route, Routes
from local.aws_lambda.invocation import FunctionError


class Function:
    """A function that is a coroutine of the test."""

    def __init__(self, handler: Callable[[Mapping[str, Any]], Awaitable[object]]) -> None:
        self._handler = handler

    async def invoke(self, event: Mapping[str, Any]) -> object:
        return await self._handler(event)


async def echo(event: Mapping[str, Any]) -> object:
    return {"statusCode": 200, "body": json.dumps(event)}


async def fail(_: Mapping[str, Any]) -> object:
    raise FunctionError


async def sleep(_: Mapping[str, Any]) -> object:
    await asyncio.sleep(60)
    return None


def send(
    handler: Callable[[Mapping[str, Any]], Awaitable[object]] = echo,
    method: str = "GET",
    path: str = "/pets",
    query: str = "",
    headers: Mapping[str, str] | None = None,
    chunks: tuple[bytes, ...] = (b"",),
) -> tuple[int, dict[str, str], bytes]:
    """Send a request to a gateway with the route ``ANY /pets``; return status, headers and body."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages[-1]["more_body"] = False
    responses: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def record(message: dict[str, Any]) -> None:
        responses.append(message)

    scope = {
        "type": "http",
        "method": method,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": ("127.0.0.1", 1),
    }
    gateway = Gateway(Routes([Route("ANY /pets", "pets")]), {"pets": Function(handler)}, lambda *_: None)
    asyncio.run(gateway(scope, receive, record))
    start, content = responses
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, content["body"]


def test_request_is_forwarded_to_function() -> None:
    status, headers, body = send(method="PATCH", query="a=1", chunks=(b"12", b"34"))
    event = json.loads(body)
    assert status == 200
    assert (event["requestContext"]["http"]["method"], event["rawQueryString"], event["body"]) == (
        "PATCH",
        "a=1",
        "MTIzNA==",
    )
    assert headers["apigw-requestid"] == event["requestContext"]["requestId"]
    assert headers["content-length"] == str(len(body))


@pytest.mark.parametrize(
    ("request_parts", "status", "message"),
    [
        ({"path": "/cats"}, 404, "Not Found"),
        ({"path": "/pets%"}, 400, "Bad Request"),
        ({"handler": fail}, 500, "Internal Server Error"),
        ({"headers": {"x": "a" * app.HEADER_LIMIT}}, 431, "Request Header Fields Too Large"),
        ({"query": "a" * app.HEADER_LIMIT}, 431, "Request Header Fields Too Large"),
        ({"chunks": (b"x" * app.BODY_LIMIT, b"x")}, 413, "Request Entity Too Large"),
        ({"chunks": (b"x" * 5_000_000,)}, 413, "Request Entity Too Large"),  # too large for Lambda in Base64
    ],
)
def test_gateway_error(request_parts: dict[str, Any], status: int, message: str) -> None:
    response = send(**request_parts)
    assert (response[0], json.loads(response[2])) == (status, {"message": message})


def test_timeout_of_function_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "TIMEOUT_S", 0.01)
    status, _, body = send(sleep)
    assert (status, json.loads(body)) == (503, {"message": "Service Unavailable"})


def test_invalid_result_is_500() -> None:
    async def return_invalid(_: Mapping[str, Any]) -> object:
        return {"statusCode": "wrong"}

    assert send(return_invalid)[0] == 500


def test_response_204_has_no_content_length() -> None:
    async def return_204(_: Mapping[str, Any]) -> object:
        return {"statusCode": 204}

    status, headers, body = send(return_204)
    assert (status, body) == (204, b"")
    assert "content-length" not in headers
