"""The port of the local run."""

import socket

import pytest

from local.errors import LocalRunError
from local.port import listen, parse_port


@pytest.mark.parametrize(("text", "port"), [("1024", 1024), ("8080", 8080), ("65535", 65535)])
def test_valid_port_is_parsed(text: str, port: int) -> None:
    assert parse_port(text) == port


@pytest.mark.parametrize(
    "text", ["", "abc", "0", "1023", "65536", "-8080", "+8080", "8080.0", "\u0668\u0660\u0668\u0660", "8080 ", "8_080"]
)
def test_invalid_port_is_rejected(text: str) -> None:
    with pytest.raises(LocalRunError, match="it must be a number from 1024 to 65535"):
        parse_port(text)


def test_busy_port_is_rejected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(LocalRunError, match=f"port {port}: Address already in use"), listen(port):
            pass
