"""A server that answers each request as a test says: with any bytes, or not at all."""

import socket
import struct
import time
from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import Self

Answer = Callable[[socket.socket], bool]
"""Answers a request on its connection, and returns whether the connection stays open."""


def send(response: bytes, *, keep: bool = True) -> Answer:
    """Return an answer that sends bytes, and then keeps or closes the connection."""

    def answer(connection: socket.socket) -> bool:
        connection.sendall(response)
        return keep

    return answer


def reset(connection: socket.socket) -> bool:
    """Reset the connection, as a crashed server does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


class FaultServer:
    """Answers the requests with ``answers``, one after the other. ``requests`` are the requests that arrived."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = iter(answers)
        self._end = Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [Thread(target=self._accept, daemon=True)]
        self.requests: list[bytes] = []
        self.connection_count = 0
        self.closed_count = 0

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def hang(self, _: socket.socket) -> bool:
        """Do not answer until the server ends."""
        self._end.wait()
        return False

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # the test has ended
                return
            self.connection_count += 1
            thread = Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(0.05)
            is_open = True
            while is_open and (request := self._read_request(connection)):
                self.requests.append(request)
                is_open = next(self._answers)(connection)
        self.closed_count += 1

    def wait_for_closed(self, number: int) -> None:
        """Wait until the server has closed this number of connections."""
        while self.closed_count < number:
            time.sleep(0.001)

    def _read_request(self, connection: socket.socket) -> bytes:
        """Return the bytes of a request, or nothing if the client has closed the connection or the test ends."""
        request = b""
        while not _is_complete(request):
            try:
                received = connection.recv(65_536)
            except TimeoutError:
                if self._end.is_set():
                    return b""
                continue
            except ConnectionError:
                return b""
            if not received:
                return b""
            request += received
        return request


def _is_complete(request: bytes) -> bool:
    head, separator, body = request.partition(b"\r\n\r\n")
    if not separator:
        return False
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return not lengths or len(body) >= int(lengths[0].partition(b":")[2])
