"""Responses that are not what AWS sent are no results: whether AWS has executed the call is unknown."""

import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore.awsrequest import HeadersDict
from botocore.config import Config

from scim.aws.botocore_client import BotocoreClient
from scim.aws.errors import ErrorResponse, NoResponse, is_outcome_unknown, is_refused_for_now
from scim.aws.response_damage import find_damage

ITEM = b'{"Item":{"v":{"N":"1"}}}'
CHECKSUM = str(zlib.crc32(ITEM))


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {}, ITEM),
        (200, {"x-amz-crc32": CHECKSUM}, ITEM),
        (200, {"content-length": "2"}, b"{}"),
        (400, {}, b'{"__type":"ValidationException"}'),
        (500, {}, b""),
        (503, {"content-length": "100"}, b"<html>"),
    ],
)
def test_response_of_aws_is_not_damaged(status: int, headers: dict[str, str], body: bytes) -> None:
    assert find_damage(status, HeadersDict(headers), body) is None


@pytest.mark.parametrize(
    ("status", "headers", "body", "damage"),
    [
        (200, {"content-length": "24"}, ITEM[:10], "it has 10 bytes of 24"),
        (200, {"x-amz-crc32": CHECKSUM}, ITEM.replace(b"1", b"2"), "its checksum is wrong"),
        (200, {"x-amz-crc32": CHECKSUM}, b"", "its checksum is wrong"),
        (400, {"x-amz-crc32": CHECKSUM}, b"{}", "its checksum is wrong"),
        (200, {}, ITEM[:10], "its body is not a JSON object"),
        (200, {}, b"<html>Welcome</html>", "its body is not a JSON object"),
        (200, {}, b"[]", "its body is not a JSON object"),
        (200, {}, b"\xff", "its body is not a JSON object"),
        (403, {}, b"<html>Forbidden</html>", "its body is not a JSON object"),
        (200, {}, b"", "its body is not a JSON object"),
        (307, {}, b"{}", "it is a redirect (307), which AWS does not send"),
    ],
)
def test_damage_is_found(status: int, headers: dict[str, str], body: bytes, damage: str) -> None:
    assert find_damage(status, HeadersDict(headers), body) == damage


class Server(BaseHTTPRequestHandler):
    """Sends one response to all calls."""

    head = b""
    body = b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.wfile.write(b"HTTP/1.1 " + self.head + b"\r\n\r\n" + self.body)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def client(aws: None) -> Iterator[Any]:
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield BotocoreClient(
            boto3.client(
                "dynamodb",
                endpoint_url=f"http://127.0.0.1:{server.server_port}",
                config=Config(retries={"total_max_attempts": 1}),
            )
        )
        server.shutdown()


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"200 OK\r\nContent-Length: 24", ITEM[:10]),
        (b"200 OK\r\nContent-Length: 24\r\nx-amz-crc32: 1", ITEM),
        (b"200 OK\r\nContent-Length: 20", b"<html>Welcome</html>"),
        (b"307 Temporary Redirect\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0", b""),
    ],
    ids=["half", "checksum", "html", "redirect"],
)
def test_damaged_response_is_no_result(client: Any, monkeypatch: pytest.MonkeyPatch, head: bytes, body: bytes) -> None:
    """botocore itself takes the first three for results, the first and the third for empty ones."""
    monkeypatch.setattr(Server, "head", head)
    monkeypatch.setattr(Server, "body", body)
    with pytest.raises(NoResponse) as raised:
        client.get_item(TableName="muster", Key={})
    assert raised.value.code == "DamagedResponse"
    assert is_outcome_unknown(raised.value)


def test_expired_credentials_are_refused_for_now(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"expired"}'
    monkeypatch.setattr(Server, "head", b"400 Bad Request\r\nContent-Length: %d" % len(body))
    monkeypatch.setattr(Server, "body", body)
    with pytest.raises(ErrorResponse) as raised:
        client.get_item(TableName="muster", Key={})
    assert is_refused_for_now(raised.value)
    assert not is_outcome_unknown(raised.value)
