"""The gateway's own answers, and what it does between an HTTP request and a function."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from local.api_gateway import app
from local.api_gateway.app import FunctionError, Gateway
from local.api_gateway.routes import Route, Routes


class Function:
    """A function that is a coroutine of the test."""

    def __init__(self, handler: Callable[[Mapping[str, Any]], Awaitable[object]]) -> None:
        self._handler = handler

    async def invoke(self, event: Mapping[str, Any]) -> object:
        return await self._handler(event)


async def echo(event: Mapping[str, Any]) -> object:
    return {"statusCode": 200, "body": json.dumps(event)}


async def failing(_: Mapping[str, Any]) -> object:
    raise FunctionError


async def sleeping(_: Mapping[str, Any]) -> object:
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
    """Status, headers and body of the gateway's answer to a request for its one route, ``ANY /pets``."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages[-1]["more_body"] = False
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def keep(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": ("127.0.0.1", 1),
    }
    gateway = Gateway(Routes([Route("ANY /pets", "pets")]), {"pets": Function(handler)}, lambda *_: None)
    asyncio.run(gateway(scope, receive, keep))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}, sent[1]["body"]


def test_a_request_reaches_the_function_and_its_answer_the_client() -> None:
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
        ({"handler": failing}, 500, "Internal Server Error"),
        ({"headers": {"x": "a" * app.HEADER_LIMIT}}, 431, "Request Header Fields Too Large"),
        ({"query": "a" * app.HEADER_LIMIT}, 431, "Request Header Fields Too Large"),
        ({"chunks": (b"x" * app.BODY_LIMIT, b"x")}, 413, "Request Entity Too Large"),
        ({"chunks": (b"x" * 5_000_000,)}, 413, "Request Entity Too Large"),  # in base64 over what Lambda takes
    ],
)
def test_the_gateway_answers_itself(request_parts: dict[str, Any], status: int, message: str) -> None:
    answer = send(**request_parts)
    assert (answer[0], json.loads(answer[2])) == (status, {"message": message})


def test_a_function_that_takes_too_long_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "TIMEOUT_S", 0.01)
    status, _, body = send(sleeping)
    assert (status, json.loads(body)) == (503, {"message": "Service Unavailable"})


def test_a_result_that_is_no_response_is_an_error() -> None:
    async def wrong(_: Mapping[str, Any]) -> object:
        return {"statusCode": "wrong"}

    assert send(wrong)[0] == 500


def test_a_response_without_content_has_no_length() -> None:
    async def deleted(_: Mapping[str, Any]) -> object:
        return {"statusCode": 204}

    status, headers, body = send(deleted)
    assert (status, body) == (204, b"")
    assert "content-length" not in headers
