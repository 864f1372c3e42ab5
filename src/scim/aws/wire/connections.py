"""Send HTTP requests over kept connections.

:mod:`http.client` takes about 100 µs of CPU for each request, because it parses headers as those of an e-mail message.
This module takes about 15 µs (docs/decisions/storage/wire-client.md).

Source: RFC 9112 (HTTP/1.1).
"""

from __future__ import annotations

import select
import socket
from contextlib import suppress
from typing import NamedTuple
from weakref import finalize

from scim.aws.wire.endpoints import ServiceEndpoint

MAX_KEPT_CONNECTIONS = 16
_RECEIVE_BYTES = 65_536
_MAX_HEAD_BYTES = 65_536
_MAX_LINE_BYTES = 4_096
_MAX_BODY_BYTES = 64_000_000
"""More than any response of DynamoDB, which has at most 16 MB of items, as JSON."""


class HttpResponse(NamedTuple):
    """A response. The names of ``headers`` are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class NoHttpResponse(Exception):
    """No whole response arrived. ``code`` is the name of botocore's exception in the same case."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Reader:
    """Reads the response from a socket. ``rest`` are the bytes that were received and not used yet."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self.rest = b""

    def read_until(self, separator: bytes, limit: int) -> bytes:
        """Return the bytes in front of a separator, and skip it."""
        while (end := self.rest.find(separator)) < 0:
            if len(self.rest) > limit:
                raise NoHttpResponse("ConnectionClosedError", "the response has too long lines")
            self.rest += self._receive()
        line, self.rest = self.rest[:end], self.rest[end + len(separator) :]
        return line

    def read_bytes(self, number: int) -> bytes:
        """Return exactly this number of bytes."""
        if number > _MAX_BODY_BYTES:
            raise NoHttpResponse("ConnectionClosedError", "the response is longer than any response of AWS")
        if len(self.rest) >= number:
            part, self.rest = self.rest[:number], self.rest[number:]
            return part
        body = bytearray(number)
        position = len(self.rest)
        body[:position], self.rest = self.rest, b""
        with memoryview(body) as view:
            while position < number:
                received = self._stream.recv_into(view[position:])
                if not received:
                    raise NoHttpResponse("ConnectionClosedError", "the connection was closed before the body ended")
                position += received
        return bytes(body)

    def read_chunks(self) -> bytes:
        """Return a body in chunks, and skip its trailers."""
        chunks: list[bytes] = []
        while size := _parse_number(self.read_until(b"\r\n", _MAX_LINE_BYTES).partition(b";")[0], 16):
            chunks.append(self.read_bytes(size))
            if self.read_until(b"\r\n", _MAX_LINE_BYTES):
                raise NoHttpResponse("ConnectionClosedError", "a chunk of the response is longer than its size")
        while self.read_until(b"\r\n", _MAX_LINE_BYTES):
            pass
        return b"".join(chunks)

    def read_to_end(self) -> bytes:
        """Return all bytes until the server closes the connection."""
        parts = [self.rest]
        self.rest = b""
        while received := self._stream.recv(_RECEIVE_BYTES):
            parts.append(received)
        return b"".join(parts)

    def _receive(self) -> bytes:
        received = self._stream.recv(_RECEIVE_BYTES)
        if not received:
            raise NoHttpResponse("ConnectionClosedError", "the connection was closed before the end of the response")
        return received


class _Connection:
    """A connection to the endpoint, for one request at a time."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        finalize(self, stream.close)  # a client that is not used any more has no other moment to close its connections
        self._poll = select.poll()
        self._poll.register(stream, select.POLLIN)
        self.is_reusable = False

    def is_closed_by_server(self) -> bool:
        """Return whether the server has closed the idle connection, or sent something without a request."""
        return bool(self._poll.poll(0))

    def send(self, request: bytes) -> HttpResponse:
        """Send a request, and return the response. Set :attr:`is_reusable` if the connection can be kept."""
        self.is_reusable = False
        # If the server closes the connection while it receives the request, it may have sent a response before.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._stream.sendall(request)
        reader = _Reader(self._stream)
        version, status, headers = _read_head(reader)
        while 100 <= status < 200:
            version, status, headers = _read_head(reader)
        is_delimited = True
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = reader.read_chunks()
        elif (length := headers.get("content-length")) is not None:
            body = reader.read_bytes(_parse_number(length.encode(), 10))
        elif status in (204, 304):
            body = b""
        else:
            body, is_delimited = reader.read_to_end(), False
        is_persistent = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        self.is_reusable = is_persistent and is_delimited and not reader.rest
        return HttpResponse(status, headers, body)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()


class ConnectionPool:
    """The connections to one endpoint. Threads share it.

    Args:
        endpoint: the server.
        connect_timeout_s: the time to establish a connection, for each address of the host.
        read_timeout_s: the time between two parts of a response.
        ca_bundle: the file of certificate authorities to trust; empty for those of botocore.
    """

    def __init__(
        self,
        endpoint: ServiceEndpoint,
        connect_timeout_s: float,
        read_timeout_s: float,
        ca_bundle: str,
    ) -> None:
        self._endpoint = endpoint
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._ca_bundle = ca_bundle
        self._idle: list[_Connection] = []  # append and pop of a list are atomic

    def send(self, request: bytes) -> HttpResponse:
        """Send a request once, and return the response. Raise :class:`NoHttpResponse` if no whole response arrives."""
        connection = self._take_idle() or self._connect()
        try:
            response = connection.send(request)
        except TimeoutError as error:
            connection.close()
            raise NoHttpResponse("ReadTimeoutError", "the response was late") from error
        except OSError as error:
            connection.close()
            raise NoHttpResponse("ConnectionClosedError", str(error)) from error
        except BaseException:
            connection.close()
            raise
        if connection.is_reusable and len(self._idle) < MAX_KEPT_CONNECTIONS:
            self._idle.append(connection)
        else:
            connection.close()
        return response

    def close(self) -> None:
        """Close the kept connections."""
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _take_idle(self) -> _Connection | None:
        """Return the connection that was used last, unless the server has closed it."""
        with suppress(IndexError):
            while True:
                connection = self._idle.pop()
                if not connection.is_closed_by_server():
                    return connection
                connection.close()
        return None

    def _connect(self) -> _Connection:
        address = (self._endpoint.host, self._endpoint.port)
        try:
            stream = socket.create_connection(address, self._connect_timeout_s)
        except TimeoutError as error:
            raise NoHttpResponse("ConnectTimeoutError", "the connection was not established in time") from error
        except OSError as error:
            raise NoHttpResponse("EndpointConnectionError", str(error)) from error
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._endpoint.is_secure:
            stream = self._start_tls(stream)
        stream.settimeout(self._read_timeout_s)
        return _Connection(stream)

    def _start_tls(self, stream: socket.socket) -> socket.socket:
        import ssl

        from scim.aws.wire.tls import load_tls_context

        try:
            return load_tls_context(self._ca_bundle).wrap_socket(stream, server_hostname=self._endpoint.host)
        except TimeoutError as error:
            stream.close()
            raise NoHttpResponse("ConnectTimeoutError", "the connection was not established in time") from error
        except ssl.SSLError as error:
            stream.close()
            raise NoHttpResponse("SSLError", str(error)) from error
        except OSError as error:
            stream.close()
            raise NoHttpResponse("ConnectionClosedError", str(error)) from error


def _read_head(reader: _Reader) -> tuple[str, int, dict[str, str]]:
    """Return the version of HTTP, the status code and the headers of a response."""
    lines = reader.read_until(b"\r\n\r\n", _MAX_HEAD_BYTES).decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    if not version.startswith("HTTP/1."):
        raise NoHttpResponse("ConnectionClosedError", "the response is not HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or (name == "content-length" and headers.get(name, value.strip()) != value.strip()):
            raise NoHttpResponse("ConnectionClosedError", "the response has an invalid header")
        headers[name] = value.strip()
    return version, _parse_number(rest[:3].encode(), 10), headers


def _parse_number(digits: bytes, base: int) -> int:
    """Return a number without a sign, spaces or underscores."""
    if not digits.strip().isalnum():
        raise NoHttpResponse("ConnectionClosedError", "the response has an invalid number")
    try:
        return int(digits, base)
    except ValueError:
        raise NoHttpResponse("ConnectionClosedError", "the response has an invalid number") from None
