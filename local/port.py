"""The TCP port of the endpoint. This module uses only the standard library: ``make run`` needs it first."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from local.constants import HOST
from local.errors import LocalRunError

_MIN_PORT, _MAX_PORT = 1_024, 65_535


def parse_port(text: str) -> int:
    """Return the port in ``text``; raise ``LocalRunError`` if it is not a number from 1024 to 65535."""
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not _MIN_PORT <= port <= _MAX_PORT:
        raise LocalRunError(
            f"PORT is {text!r}; it must be a number from {_MIN_PORT} to {_MAX_PORT}, for example: make run PORT=8081"
        )
    return port


@contextmanager
def listen(port: int) -> Iterator[socket.socket]:
    """Listen on a port (0: any free port); raise ``LocalRunError`` if that is not possible."""
    # The protocol is named because asyncio sets TCP_NODELAY only on sockets that name it.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(128)
        except OSError as error:
            other = port + 1 if port < _MAX_PORT else port - 1
            raise LocalRunError(f"port {port}: {error.strerror}; choose another: make run PORT={other}") from error
        yield listener
