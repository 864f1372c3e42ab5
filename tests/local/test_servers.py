"""The gateway of the local run behind its HTTP server: what a client sends, as the function receives it."""

import asyncio
import json
import socket
from collections.abc import Mapping
from typing import Any

import pytest

from local.api_gateway.app import Gateway
from local.api_gateway.routes import DEFAULT, Route, Routes
from local.port import listen
from local.servers import serve


class Echo:
    """A function that returns the event; for HEAD, an empty body."""

    async def invoke(self, event: Mapping[str, Any]) -> object:
        is_head = event["requestContext"]["http"]["method"] == "HEAD"
        return {"statusCode": 200, "body": "" if is_head else json.dumps(event)}


class ScenarioEnd(Exception):
    """Raised to stop the server."""


def send(request: bytes) -> tuple[bytes, bytes]:
    """Send the bytes of a request to a gateway; return the head and the body of the response."""
    responses: list[bytes] = []

    def exchange(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(request)
            responses.append(b"".join(iter(lambda: connection.recv(65_536), b"")))

    async def job(port: int) -> None:
        await asyncio.to_thread(exchange, port)
        raise ScenarioEnd

    async def run(listener: socket.socket) -> None:
        gateway = Gateway(Routes([Route(DEFAULT, "Echo")]), {"Echo": Echo()}, lambda *_: None)
        await serve({listener: gateway}, [job(listener.getsockname()[1])])

    with listen(0) as listener, pytest.raises(ScenarioEnd):
        asyncio.run(run(listener))
    head, _, body = responses[0].partition(b"\r\n\r\n")
    return head, body


def send_for_event(head: str, body: bytes = b"") -> Any:
    """Send a request and return the event that the function received."""
    return json.loads(send(f"{head}\r\nHost: x\r\nConnection: close\r\n\r\n".encode() + body)[1])


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_source_ip_is_the_peer(header: str) -> None:
    event = send_for_event(f"GET /Users HTTP/1.1\r\n{header}: 198.51.100.7\r\nX-Forwarded-Proto: https")

    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
    assert event["headers"]["x-forwarded-for"].endswith("127.0.0.1")


def test_body_that_is_not_utf_8_has_replacement_characters() -> None:
    body = '{"name": "Jörg"}'.encode("latin-1")
    event = send_for_event(
        f"POST /Users HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}", body
    )

    assert (event["body"], event["headers"]["content-length"]) == ('{"name": "J\ufffdrg"}', str(len(body)))
    assert not event["isBase64Encoded"]


def test_head_has_no_body_and_no_wrong_length() -> None:
    head, body = send(b"HEAD /Users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert (head.split(b"\r\n")[0], body) == (b"HTTP/1.1 200 OK", b"")
    assert b"content-length" not in head.lower()
