"""Run ``make run`` on a directory that already has users."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.environment import ROOT
from bench.prefill import User, disconnect, prefill_tables
from local.connection import TENANT, Connection
from local.errors import LocalRunError
from local.services.server_process import ServerProcess
from local.stack import TABLE

_START_S = 600.0


@dataclass(frozen=True, slots=True)
class LocalRun:
    """A local run on a data directory, the port of its endpoint, and a sample of the users of its tenant."""

    data: Path
    port: int
    connection: Connection
    sample: Sequence[User]


@contextmanager
def run_prefilled(directory: Path, number: int, *, has_stream: bool = True) -> Iterator[LocalRun]:
    """Start ``make run`` on a directory with ``number`` users, and stop it at the end of the block.

    Without a stream, no change is published. Raise :class:`LocalRunError` if it does not start.
    """
    with prefill_tables(directory, number, [TABLE], TENANT) as users:
        disconnect(users.table)  # make run connects the tenant again, with a new token
    command = [sys.executable, "-u", "-m", "local", "--port", "{port}", "--data", str(directory)]
    command += ["--template", str(ROOT / "template.yaml" if has_stream else _write_streamless_template(directory))]
    with ServerProcess("make run", command, directory / "run", {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}) as child:
        yield LocalRun(directory, child.port, _connect(child, directory / "connection.json"), users.sample)


def _write_streamless_template(directory: Path) -> Path:
    """Write the template without the table's stream, and return its path.

    A route replaces the event source mapping, because the local run starts only functions that something invokes.
    """
    text = (ROOT / "template.yaml").read_text()
    for pattern, replacement in (
        (r"\n +StreamSpecification: .*", ""),
        (r"Type: DynamoDB\n( +Properties:)", r"Type: HttpApi\n\1 {Path: /changes, Method: GET}\n          Unused:"),
        (r"CodeUri: src", f"CodeUri: {ROOT / 'src'}"),
    ):
        text, count = re.subn(pattern, replacement, text)
        if not count:
            raise LocalRunError(f"the template has no {pattern}")
    path = directory / "template.yaml"
    path.write_text(text)
    return path


def _connect(child: ServerProcess, path: Path) -> Connection:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and not child.has_died:
        if connection := Connection.load(path):
            return connection
        time.sleep(0.1)
    raise LocalRunError(f"make run did not start; see {path.parent / 'run.log'}")
