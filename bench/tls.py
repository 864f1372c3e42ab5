"""Compare handler calls with bare boto3, as the part ``handler``, but over TLS as on AWS.

Another process ends TLS in front of dynoxide, so its CPU time is not measured. Its certificate is made for the run.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.context import BenchContext
from bench.handler import HandlerComparison, build_kinds, build_row, measure_in_turn
from bench.measure import collect_garbage, find_median_cost
from bench.result import Section, format_verdicts
from local.constants import HOST

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe

_BLOCK_BYTES = 65_536


def measure(context: BenchContext) -> Section:
    pair = context.pair()
    certificate = context.directory("tls") / "server.pem"
    write_certificate(certificate)
    with end_tls(certificate, pair.table.url) as url:
        first, copy = (replace(table, url=url, ca_bundle=str(certificate)) for table in (pair.table, pair.copies[0]))
        comparison = HandlerComparison(first, copy)
        kinds = build_kinds(context.scale, itertools.cycle(pair.sample))
        collect_garbage()
        turns = measure_in_turn(
            context.scale, kinds, lambda _, build_event: comparison.measure(build_event(comparison.service))
        )
    rows = []
    for name, limit, _ in kinds:
        ours, bare = (find_median_cost(side) for side in zip(*turns[name], strict=True))
        rows.append(build_row(f"handler call over TLS, CPU: {name}", ours.cpu, bare.cpu, limit))
    return Section(rows, {"tls": format_verdicts(rows)})


def write_certificate(path: Path) -> None:
    """Write a certificate for this machine, which is valid for a day, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private_key = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(certificate.public_bytes(pem) + private_key)


@contextmanager
def end_tls(certificate: Path, target: str) -> Iterator[str]:
    """Forward connections to a URL, until the end of the block. Yield the HTTPS URL that accepts them."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(str(certificate), target, sender), daemon=True)
    process.start()
    sender.close()
    try:
        yield f"https://{HOST}:{receiver.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(certificate: str, target: str, ports: Pipe) -> None:
    asyncio.run(_forward(certificate, target, ports))


async def _forward(certificate: str, target: str, ports: Pipe) -> None:
    url = urlsplit(target)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        engine_reader, engine_writer = await asyncio.open_connection(url.hostname, url.port)
        await asyncio.gather(_copy(reader, engine_writer), _copy(engine_reader, writer))

    server = await asyncio.start_server(accept, HOST, 0, ssl=context)
    ports.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy bytes until the end of one connection, and close the other."""
    try:
        while block := await reader.read(_BLOCK_BYTES):
            writer.write(block)
            await writer.drain()
    except ConnectionError:  # the client has closed its connection, as at the end of a run
        return
    finally:
        writer.close()
