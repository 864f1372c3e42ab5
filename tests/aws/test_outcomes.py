"""Each outcome of a call is the same with both clients."""

import json
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

import pytest

from scim.aws.botocore_client import LazySession
from scim.aws.clients import create_client
from scim.aws.config import ClientConfig, ClientKind
from scim.aws.errors import (
    THROTTLING_CODES,
    AwsError,
    CallNotSent,
    ErrorResponse,
    NoResponse,
    is_outcome_unknown,
    is_refused_for_now,
)
from tests.aws.fault_server import Answer, FaultServer, reset, send

CONFIG = ClientConfig(connect_timeout_s=0.3, read_timeout_s=0.3)
REFUSALS = THROTTLING_CODES | {"ExpiredToken", "ExpiredTokenException"}
ARGUMENTS: dict[str, Any] = {"TableName": "muster", "Key": {"pk": {"S": "T#acme"}, "sk": {"S": "U#ä"}}}
ITEM = {"pk": {"S": "T#acme"}, "name": {"S": "Zaphod Ä"}, "n": {"N": "1.50"}, "l": {"L": [{"BOOL": True}]}}
FOUND = json.dumps({"Item": ITEM}, ensure_ascii=False).encode()
PREFIX = "com.amazonaws.dynamodb.v20120810#"
REASONS = [
    {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": ITEM},
    {"Code": "None"},
    {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"},
]


def respond(status: int, body: bytes, *headers: str, length: int | None = None) -> bytes:
    """Return the bytes of a response. ``length`` is the header ``Content-Length`` if it is wrong."""
    lines = [f"HTTP/1.1 {status} X", *headers, f"Content-Length: {len(body) if length is None else length}", "", ""]
    return "\r\n".join(lines).encode() + body


def respond_error(code: str, status: int = 400, **members: Any) -> bytes:
    return respond(status, json.dumps({"__type": PREFIX + code, "message": "no", **members}).encode())


def respond_in_chunks(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    parts = [f"{len(chunk):X};x=1\r\n".encode() + chunk + b"\r\n" for chunk in chunks]
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(parts) + end


@dataclass(frozen=True)
class Outcome:
    """What the caller sees: the class of the error and its members."""

    kind: type[AwsError]
    code: str
    is_unknown: bool = False
    is_refused: bool = False
    status: int | None = None
    reasons: Sequence[Any] = field(default_factory=list)
    item: Any = None


def no_response(code: str) -> Outcome:
    return Outcome(NoResponse, code, is_unknown=True)


def error(code: str, status: int = 400, **members: Any) -> Outcome:
    is_unknown = status >= 500 or code == "TransactionInProgressException"
    return Outcome(ErrorResponse, code, is_unknown=is_unknown, is_refused=code in REFUSALS, status=status, **members)


def call(client: Any) -> Outcome:
    """Make a call that fails, and return its outcome."""
    with pytest.raises(AwsError) as raised:
        client.get_item(**ARGUMENTS)
    failure = raised.value
    assert failure.operation == "GetItem"
    outcome = Outcome(
        type(failure), failure.code, is_unknown=is_outcome_unknown(failure), is_refused=is_refused_for_now(failure)
    )
    if isinstance(failure, ErrorResponse):
        reasons = list(failure.cancellation_reasons)
        return replace(outcome, status=failure.status, reasons=reasons, item=failure.item)
    return outcome


@pytest.fixture(params=ClientKind)
def kind(request: pytest.FixtureRequest) -> ClientKind:
    kind: ClientKind = request.param
    return kind


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Credentials and a region. The clients of botocore share a session, which has found its credentials then."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def connect(environment: pytest.MonkeyPatch, kind: ClientKind) -> Any:
    """Return a function that returns a client of a server on a port."""

    def connect(port: int, scheme: str = "http") -> Any:
        environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"{scheme}://127.0.0.1:{port}")
        return create_client("dynamodb", CONFIG, kind)

    return connect


ERROR_RESPONSES = {
    **{
        f"400 {code}": (respond_error(code), error(code))
        for code in (
            *sorted(THROTTLING_CODES),
            "AccessDeniedException",
            "ExpiredTokenException",
            "IdempotentParameterMismatchException",
            "InternalServerError",
            "InvalidSignatureException",
            "ItemCollectionSizeLimitExceededException",
            "ResourceNotFoundException",
            "SerializationException",
            "TransactionInProgressException",
            "UnrecognizedClientException",
            "ValidationException",
        )
        if code != "InternalServerError"
    },
    "400 InternalServerError": (
        respond_error("InternalServerError"),
        Outcome(ErrorResponse, "InternalServerError", is_unknown=True, status=400),
    ),
    "condition": (
        respond_error("ConditionalCheckFailedException", Item=ITEM),
        error("ConditionalCheckFailedException", item=ITEM),
    ),
    "cancelled": (
        respond_error("TransactionCanceledException", CancellationReasons=REASONS),
        error("TransactionCanceledException", reasons=REASONS),
    ),
    "code without prefix": (
        respond(400, b'{"__type": "ThrottlingException:http://x", "Message": "m"}'),
        error("ThrottlingException"),
    ),
    "400 without code": (respond(400, b"{}"), error("400")),
    "403 in chunks": (
        respond_in_chunks(b'{"__type":', b'"AccessDenied"}').replace(b"200 OK", b"403 Forbidden"),
        error("AccessDenied", 403),
    ),
    "500": (respond_error("InternalServerError", 500), error("InternalServerError", 500)),
    "500 html": (respond(500, b"<html></html>"), error("500", 500)),
    "500 empty": (respond(500, b""), error("500", 500)),
    "502": (respond(502, b"bad gateway"), error("502", 502)),
    "503": (respond_error("ServiceUnavailable", 503), error("ServiceUnavailable", 503)),
    "504": (respond(504, b""), error("504", 504)),
}


@pytest.mark.parametrize(("response", "expected"), ERROR_RESPONSES.values(), ids=ERROR_RESPONSES)
def test_error_response(connect: Any, response: bytes, expected: Outcome) -> None:
    with FaultServer([send(response)]) as server:
        assert call(connect(server.port)) == expected
    assert len(server.requests) == 1


DAMAGED_RESPONSES = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "invalid status": b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\n{}",
    "half a body": respond(200, FOUND[:-9], length=len(FOUND)),
    "half a chunked body": respond_in_chunks(FOUND[:9], end=b""),
    "half an error": respond(400, b'{"__type": "Thrott', length=99),
    "invalid chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n{}",
    "length of terabytes": respond(200, FOUND, length=99_999_999_999_999),
    "length of 22 digits": respond(200, FOUND, length=10**21),
    "chunk of exabytes": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
    "wrong checksum": respond(200, FOUND, f"x-amz-crc32: {crc32(FOUND) ^ 1}"),
    "invalid checksum": respond(200, FOUND, "x-amz-crc32: x"),
    "wrong checksum of an error": respond(400, b'{"__type": "Thrott"}', "x-amz-crc32: 1"),
    "cut JSON": respond(200, FOUND[:-9]),
    "text": respond(200, b"OK"),
    "html": respond(200, b"<html>captive portal</html>"),
    "array": respond(200, b"[]"),
    "null": respond(200, b"null"),
    "empty": respond(200, b""),
    "no UTF-8": respond(200, b'{"Item": {"a": {"S": "\xff"}}}'),
    "400 text": respond(400, b"no"),
    "400 empty": respond(400, b""),
    "413 html": respond(413, b"<html>too large</html>"),
    "301": respond(301, b"", "Location: http://127.0.0.1:1/"),
    "307": respond(307, b'{"__type": "X"}', "Location: http://127.0.0.1:1/"),
}


@pytest.mark.parametrize("response", DAMAGED_RESPONSES.values(), ids=DAMAGED_RESPONSES)
def test_damaged_response_has_unknown_outcome(connect: Any, response: bytes) -> None:
    """botocore detects some of them later than the wire client."""
    with FaultServer([send(response, keep=False)]) as server:
        outcome = call(connect(server.port))
    assert outcome in (no_response("ConnectionClosedError"), no_response("DamagedResponse"))
    assert len(server.requests) == 1


def test_reset_connection(connect: Any) -> None:
    with FaultServer([reset]) as server:
        assert call(connect(server.port)) == no_response("ConnectionClosedError")


def hang_after(server: FaultServer, response: bytes) -> Answer:
    def answer(connection: socket.socket) -> bool:
        connection.sendall(response)
        return server.hang(connection)

    return answer


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 200 OK\r\n", respond(200, FOUND[:-9], length=len(FOUND))])
def test_late_response(connect: Any, response: bytes) -> None:
    answers: list[Answer] = []
    with FaultServer(iter(lambda: answers[0], None)) as server:  # type: ignore[arg-type]  # the answer needs the server
        answers.append(hang_after(server, response))
        assert call(connect(server.port)) == no_response("ReadTimeoutError")


def test_refused_connection(connect: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert call(connect(port)) == no_response("EndpointConnectionError")


@pytest.fixture
def full_port() -> Iterator[int]:
    """The port of a server that accepts no further connections, so that these wait."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_late_connection(connect: Any, full_port: int) -> None:
    assert call(connect(full_port)) == no_response("ConnectTimeoutError")


def test_server_without_tls(connect: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:
        accepted = thread.submit(listener.accept)
        failed = thread.submit(lambda: accepted.result()[0].sendall(b"HTTP/1.1 400 X\r\n\r\n"))
        assert call(connect(listener.getsockname()[1], "https")) == no_response("SSLError")
        failed.result()
        accepted.result()[0].close()


SUCCESSES = {
    "with checksum": respond(200, FOUND, f"x-amz-crc32: {crc32(FOUND)}", "X-Amzn-RequestId: 1"),
    "without checksum": respond(200, FOUND),
    "in chunks": respond_in_chunks(FOUND[:3], FOUND[3:]),
    "in chunks with trailers": respond_in_chunks(FOUND, end=b"0\r\nx: y\r\n\r\n"),
    "until the end": b"HTTP/1.1 200 OK\r\n\r\n" + FOUND,
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(FOUND) + FOUND,
    "after 100": b"HTTP/1.1 100 Continue\r\n\r\n" + respond(200, FOUND),
    "large": respond(200, json.dumps({"Item": {"a": {"S": "ä" * 300_000}}}).encode()),
}


@pytest.mark.parametrize("response", SUCCESSES.values(), ids=SUCCESSES)
def test_success(connect: Any, response: bytes) -> None:
    with FaultServer([send(response, keep=False)]) as server:
        found = connect(server.port).get_item(**ARGUMENTS)
    assert found["Item"] == ({"a": {"S": "ä" * 300_000}} if len(response) > 1_000 else ITEM)
    (request,) = server.requests
    assert json.loads(request.partition(b"\r\n\r\n")[2]) == ARGUMENTS


def test_unknown_members_are_no_error(connect: Any) -> None:
    with FaultServer([send(respond(200, b'{"New": 1}'))]) as server:
        assert "Item" not in connect(server.port).get_item(**ARGUMENTS)


class TestKeptConnections:
    def test_connection_is_kept(self, connect: Any) -> None:
        with FaultServer([send(respond(200, FOUND))] * 3 + [send(respond_error("ThrottlingException"))] * 2) as server:
            client = connect(server.port)
            for _ in range(3):
                client.get_item(**ARGUMENTS)
            assert [call(client).code for _ in range(2)] == ["ThrottlingException"] * 2
            assert server.connection_count == 1

    def test_closed_connection_is_replaced_before_a_call(self, connect: Any) -> None:
        with FaultServer([send(respond(200, FOUND), keep=False)] * 5) as server:
            client = connect(server.port)
            for number in range(5):
                assert client.get_item(**ARGUMENTS)["Item"] == ITEM
                server.wait_for_closed(number + 1)
            assert server.connection_count == 5

    def test_connection_that_is_closed_during_a_call(self, connect: Any) -> None:
        """The call may have been executed, so it is not repeated silently."""
        with FaultServer([send(respond(200, FOUND)), send(b"", keep=False), send(respond(200, FOUND))]) as server:
            client = connect(server.port)
            client.get_item(**ARGUMENTS)
            assert call(client) == no_response("ConnectionClosedError")
            assert client.get_item(**ARGUMENTS)["Item"] == ITEM
            assert (server.connection_count, len(server.requests)) == (2, 3)

    def test_connection_is_not_used_after_a_late_response(self, connect: Any) -> None:
        """The late response must not be taken for that of the next call."""
        answers: list[Answer] = []
        with FaultServer(iter(lambda: answers.pop(0), None)) as server:  # type: ignore[arg-type]  # need the server
            answers += [send(respond(200, FOUND)), server.hang, send(respond(200, b'{"Item": {}}'))]
            client = connect(server.port)
            client.get_item(**ARGUMENTS)
            assert call(client) == no_response("ReadTimeoutError")
            assert client.get_item(**ARGUMENTS)["Item"] == {}

    def test_bytes_after_a_response_are_not_used(self, connect: Any) -> None:
        """They could be a forged response to the next call."""
        forged = respond(200, b'{"Item": {"forged": {"S": ""}}}')
        with FaultServer([send(respond(200, FOUND) + forged), send(respond(200, FOUND))]) as server:
            client = connect(server.port)
            assert [client.get_item(**ARGUMENTS)["Item"] for _ in range(2)] == [ITEM, ITEM]


def test_call_without_credentials_is_not_sent(
    environment: pytest.MonkeyPatch, kind: ClientKind, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "BOTO_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("scim.aws.botocore_client._get_session", lambda: LazySession())
    with FaultServer([]) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{server.port}")
        assert call(create_client("dynamodb", CONFIG, kind)) == Outcome(CallNotSent, "NoCredentialsError")
        assert server.connection_count == 0
