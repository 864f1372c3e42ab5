"""Connections to AWS verify the certificate of the server."""

import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import trustme

from scim.aws.wire.connections import ConnectionPool, NoHttpResponse
from scim.aws.wire.endpoints import parse_url

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "300000")
        self.end_headers()
        self.wfile.write(b"x" * 300_000)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of the authority's certificate."""
    file = tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(file)
    return str(file)


@pytest.fixture
def port(authority: trustme.CA) -> Iterator[int]:
    """The port of a server with a certificate for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_port
        server.shutdown()


def connect(port: int, ca_bundle: str, host: str = "127.0.0.1") -> ConnectionPool:
    return ConnectionPool(parse_url(f"https://{host}:{port}"), 5, 5, ca_bundle)


def test_trusted_certificate_is_accepted(port: int, ca_bundle: str) -> None:
    pool = connect(port, ca_bundle)
    responses = [pool.send(REQUEST) for _ in range(3)]
    pool.close()
    assert {(response.status, len(response.body)) for response in responses} == {(200, 300_000)}


def test_certificate_of_unknown_authority_is_rejected(port: int) -> None:
    """botocore's bundle does not have the authority."""
    expect_rejection(connect(port, ""))


def test_certificate_for_other_host_is_rejected(port: int, ca_bundle: str) -> None:
    expect_rejection(connect(port, ca_bundle, "localhost"))


def expect_rejection(pool: ConnectionPool) -> None:
    with pytest.raises(NoHttpResponse, match="certificate verify failed") as raised:
        pool.send(REQUEST)
    assert raised.value.code == "SSLError"
