"""The domain of the deployed API: DNS and TLS in front of the emulator.

The URL in the outputs of a stack is ``https://<api>.execute-api.<region>.amazonaws.com``. Clients reach it through an
HTTPS proxy (``HTTPS_PROXY``), which connects this domain to the emulator and shows a certificate for it. Clients trust
that by ``SSL_CERT_FILE``. So they use the URL of the output, as on AWS.
"""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.constants import HOST

_CHUNK = 1 << 16


@dataclass(frozen=True)
class Gateway:
    """A running proxy. ``certificate`` is the file with the authority that clients must trust."""

    url: str
    certificate: Path

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of clients."""
        return {"HTTPS_PROXY": self.url, "SSL_CERT_FILE": str(self.certificate)}


@contextmanager
def start_gateway(directory: Path, domain: str, target_port: int) -> Iterator[Gateway]:
    """Run the proxy until the end of the block. It accepts only hosts of ``*.domain``."""
    certificate = create_certificate(directory, domain)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(directory / "gateway.pem")
    proxy = _Proxy(domain, target_port, context)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        port = asyncio.run_coroutine_threadsafe(proxy.start(), loop).result()
        yield Gateway(f"http://{HOST}:{port}", certificate)
    finally:
        asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Proxy:
    """An HTTP proxy for the method CONNECT (RFC 9110 section 9.3.6) that ends TLS itself."""

    def __init__(self, domain: str, target_port: int, context: ssl.SSLContext) -> None:
        self._domain = domain
        self._target_port = target_port
        self._context = context
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen on a free port, and return it."""
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Close all connections."""
        if self._server:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):  # the client closed the connection
                await self._connect(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        method, target, *_ = request.decode().split()
        if method != "CONNECT" or not target.endswith(f".{self._domain}:443"):
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        await writer.start_tls(self._context)
        target_reader, target_writer = await asyncio.open_connection(HOST, self._target_port)
        try:
            await asyncio.gather(_copy(reader, target_writer), _copy(target_reader, writer))
        finally:
            target_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy all data, then close the connection of the writer."""
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()


def create_certificate(directory: Path, domain: str) -> Path:
    """Write ``gateway.pem``, the key and certificate of ``*.domain``, and return the file of its authority."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the emulator")])
    authority_id = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    authority = (
        _build(authority_name, authority_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(authority_id, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"*.{domain}")])
    certificate = (
        _build(name, authority_name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"*.{domain}")]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_id), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / "gateway.pem").write_bytes(private + certificate.public_bytes(pem))
    path = directory / "authority.pem"
    path.write_bytes(authority.public_bytes(pem))
    return path


def _build(name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
