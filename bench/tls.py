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
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import trustme

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
    directory = context.directory("tls")
    server, authority = directory / "server.pem", directory / "authority.pem"
    issuer = trustme.CA()
    issuer.cert_pem.write_to_path(authority)
    issuer.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(server)
    with end_tls(server, pair.table.url) as url:
        first, copy = (replace(table, url=url, ca_bundle=str(authority)) for table in (pair.table, pair.copies[0]))
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
