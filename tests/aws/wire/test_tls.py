"""Connections to AWS verify the certificate of the server."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a certificate for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private_key = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(certificate.public_bytes(pem) + private_key)
    return file


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    """The port of a server with the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_port
        server.shutdown()


def connect(port: int, ca_bundle: str, host: str = "127.0.0.1") -> ConnectionPool:
    return ConnectionPool(parse_url(f"https://{host}:{port}"), 5, 5, ca_bundle)


def test_trusted_certificate_is_accepted(port: int, certificate: Path) -> None:
    pool = connect(port, str(certificate))
    responses = [pool.send(REQUEST) for _ in range(3)]
    pool.close()
    assert {(response.status, len(response.body)) for response in responses} == {(200, 300_000)}


@pytest.mark.parametrize(("ca_bundle", "host"), [("", "127.0.0.1"), ("own", "localhost")])
def test_other_certificate_is_rejected(port: int, certificate: Path, ca_bundle: str, host: str) -> None:
    """It is not signed by an authority that botocore trusts, or it is for another host."""
    with pytest.raises(NoHttpResponse, match="certificate verify failed") as raised:
        connect(port, ca_bundle and str(certificate), host).send(REQUEST)
    assert raised.value.code == "SSLError"
