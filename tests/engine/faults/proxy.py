"""A proxy in front of DynamoDB and Secrets Manager that gives one call of a request, or all its attempts, a fault."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Lock, Thread
from typing import Any, Self
from urllib.parse import urlsplit

import pytest

from local.services.journaled_service import Service, ServiceRequest
from tests.engine.faults.clock import SharedClock
from tests.engine.faults.kinds import CONNECT_TIMEOUT_S, FaultKind, Reply, build_dynamodb_reply, inject

_FAILED_CONNECTIONS = (FaultKind.CONNECTION_REFUSED, FaultKind.CONNECT_TIMEOUT)


@dataclass(frozen=True)
class Fault:
    """A fault of one call of a request.

    Attributes:
        kind: The kind of the fault.
        index: The position of the call among all calls of the request, from 0. Faults of connections have it.
        operation: The operation of AWS that is called, such as ``GetItem``.
        operation_index: The position of the call among the calls of this operation. Other faults have it, because the
            operations of a bulk request make their calls at the same time.
        is_repeated: Whether all further calls of the operation, or all further connections, have it too, so that no
            attempt succeeds.
    """

    kind: FaultKind
    index: int
    operation: str
    operation_index: int
    is_repeated: bool = False

    def hits_connection(self, index: int) -> bool:
        """Return whether the connection of the call with an index has this fault."""
        return index == self.index or (self.is_repeated and index > self.index)

    def choose(self, operation: str, operation_index: int) -> FaultKind | None:
        """Return the fault of a call whose connection works."""
        is_hit = operation == self.operation and (
            operation_index == self.operation_index or (self.is_repeated and operation_index > self.operation_index)
        )
        return self.kind if is_hit and not self.kind.is_at_connection else None


class RandomFaults:
    """Gives about half of the calls any fault that another attempt can cure. The seed decides which."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  # not for secrets

    def choose(self, operation: str, _: int) -> FaultKind | None:
        """Return the fault of a call."""
        kinds = [
            kind for kind in FaultKind if not (kind.is_at_connection or kind.is_deadline) and kind.applies_to(operation)
        ]
        return self._random.choice([*kinds, *[None] * len(kinds)])


class FaultProxy:
    """Forwards the calls to the services, except for those with a fault.

    Faults of connections are raised in the client: :meth:`patch_sockets` replaces the methods of all sockets.
    """

    def __init__(self, dynamodb_url: str, secrets_manager: Service, clock: SharedClock) -> None:
        self.clock = clock
        self.calls: list[str] = []
        """The operations of the calls in the last block of :meth:`arm`."""
        self.fault_count = 0
        """The number of faults in this block."""
        self.dynamodb_address = urlsplit(dynamodb_url).netloc
        self._secrets_manager = secrets_manager
        self._fault: Fault | RandomFaults | None = None
        self._is_counting = False
        self._connect_count = 0
        self._reply_count = 0
        self._lock = Lock()
        self._connections: set[socket.socket] = set()
        self._timed_out: set[Any] = set()
        self._server = _Server(("127.0.0.1", 0), lambda *arguments: _Exchange(self, *arguments))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def arm(self, fault: Fault | RandomFaults | None) -> Iterator[None]:
        """Count the calls of the block, and give those that ``fault`` describes that fault."""
        self.calls, self.fault_count, self._connect_count, self._reply_count = [], 0, 0, 0
        self._fault, self._is_counting = fault, True
        if self.needs_new_connections or self._takes_closing(0):
            self._close_connections()
        try:
            yield
        finally:
            self._fault, self._is_counting = None, False

    @property
    def needs_new_connections(self) -> bool:
        """Whether each call needs a new connection, so that it can fail."""
        return isinstance(self._fault, Fault) and self._fault.kind in _FAILED_CONNECTIONS

    def patch_sockets(self, patch: pytest.MonkeyPatch) -> None:
        """Let connections of this process fail, and reads time out, without waiting for it."""
        connect, recv, recv_into = socket.socket.connect, socket.socket.recv, socket.socket.recv_into

        def connect_or_fail(connection: socket.socket, address: Any) -> None:
            if address == self._server.server_address:
                self._check_connect()
            connect(connection, address)

        def receive_or_time_out(connection: socket.socket, *arguments: Any) -> bytes:
            received = recv(connection, *arguments)
            self._check_read(connection, len(received))
            return received

        def receive_into_or_time_out(connection: socket.socket, *arguments: Any) -> int:
            size = recv_into(connection, *arguments)
            self._check_read(connection, size)
            return size

        patch.setattr(socket.socket, "connect", connect_or_fail)
        patch.setattr(socket.socket, "recv", receive_or_time_out)
        patch.setattr(socket.socket, "recv_into", receive_into_or_time_out)

    def _check_connect(self) -> None:
        """Raise the error of a connection that fails."""
        with self._lock:
            index = self._connect_count
            self._connect_count += 1
            if not isinstance(self._fault, Fault) or not self.needs_new_connections:
                return
            if not self._fault.hits_connection(index):
                return
            self.fault_count += 1
        if self._fault.kind is FaultKind.CONNECT_TIMEOUT:
            self.clock.advance(CONNECT_TIMEOUT_S)
            raise TimeoutError("timed out")
        raise ConnectionRefusedError("Connection refused")

    def _check_read(self, connection: socket.socket, size: int) -> None:
        """Raise the error of a read that times out, if that is why the proxy has closed the connection."""
        if not size and connection.getsockname() in self._timed_out:
            raise TimeoutError("timed out")

    def execute_secrets_manager(self, target: str, body: bytes) -> Reply:
        """Let Secrets Manager execute a call."""
        reply = self._secrets_manager(ServiceRequest(target, body.decode()))
        return Reply(reply.status, reply.body, content_type=reply.headers["Content-Type"])

    def take_fault(self, operation: str) -> FaultKind | None:
        """Count a call, and return its fault."""
        with self._lock:
            if not self._is_counting:
                return None
            operation_index, fault = self.calls.count(operation), self._fault
            self.calls.append(operation)
            kind = fault.choose(operation, operation_index) if fault else None
            self.fault_count += kind is not None
            return kind

    def take_closing(self) -> bool:
        """Count a reply. Return whether its connection is closed afterwards, although the client keeps it."""
        with self._lock:
            self._reply_count += 1
            return self._takes_closing(self._reply_count)

    def _takes_closing(self, index: int) -> bool:
        """Return whether the connection of the call with an index is closed before it."""
        if not isinstance(self._fault, Fault) or self._fault.kind is not FaultKind.KEPT_CONNECTION_CLOSED:
            return False
        is_hit = self._fault.hits_connection(index)
        self.fault_count += is_hit
        return is_hit

    def let_read_time_out(self, client: Any) -> None:
        """Let the client with an address find out that its read has timed out when its connection is closed."""
        self._timed_out.add(client)

    def add_connection(self, connection: socket.socket, client: Any) -> None:
        with self._lock:
            self._connections.add(connection)
            self._timed_out.discard(client)  # the port was used before

    def remove_connection(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    def _close_connections(self) -> None:
        with self._lock:
            for connection in self._connections:
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._close_connections()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True
    block_on_close = False

    def shutdown_request(self, request: Any) -> None:
        self.close_request(request)  # without shutdown(), which would send a FIN before the RST


class _Exchange(BaseHTTPRequestHandler):
    """Serves the calls of one connection, one after the other. Implements ``kinds.Exchange`` for each of them."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    operation = ""
    body = b""

    def __init__(self, proxy: FaultProxy, *arguments: Any) -> None:
        self._proxy = proxy
        super().__init__(*arguments)

    def setup(self) -> None:
        super().setup()
        self._proxy.add_connection(self.connection, self.client_address)
        self._dynamodb = HTTPConnection(self._proxy.dynamodb_address, timeout=20)

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # the client has closed it, for example because of a time-out

    def finish(self) -> None:
        self._proxy.remove_connection(self.connection)
        self._dynamodb.close()
        super().finish()

    def do_POST(self) -> None:
        self.operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = self._proxy.take_fault(self.operation)
        if fault is not None:
            inject(fault, self)
            return
        self.send(self.forward())
        if self._proxy.take_closing():
            self.close()

    @property
    def is_dynamodb(self) -> bool:
        return self.headers["X-Amz-Target"].startswith("DynamoDB")

    def forward(self) -> Reply:
        if not self.is_dynamodb:
            return self._proxy.execute_secrets_manager(self.headers["X-Amz-Target"], self.body)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        self._dynamodb.request("POST", "/", self.body, headers)
        response = self._dynamodb.getresponse()
        return build_dynamodb_reply(response.status, response.read())

    def send(self, reply: Reply) -> None:
        self.wfile.write(self._format_head(reply) + reply.body)

    def send_half(self, reply: Reply) -> None:
        self.wfile.write(self._format_head(reply) + reply.body[: len(reply.body) // 2])
        self.close()

    def close(self, *, is_reset: bool = False) -> None:
        self.close_connection = True
        if is_reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def time_out(self) -> None:
        self._proxy.let_read_time_out(self.client_address)
        self.close()

    def advance_clock(self, seconds: float) -> None:
        self._proxy.clock.advance(seconds)

    def _format_head(self, reply: Reply) -> bytes:
        headers = {
            "Content-Type": reply.content_type,
            "Content-Length": len(reply.body),
            "x-amz-crc32": reply.checksum,
            "Location": reply.location,
            "Connection": "close" if self._proxy.needs_new_connections else None,
        }
        lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return "\r\n".join([f"HTTP/1.1 {reply.status} Reason", *lines, "", ""]).encode()

    def log_message(self, *_: object) -> None:
        pass
