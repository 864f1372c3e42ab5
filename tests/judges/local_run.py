"""A local run in a separate process, as ``make run`` starts it, and the tenants of the judges."""

import json
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PYTHON = ROOT / ".venv/bin/python"
_READY = "Press Ctrl-C to stop."
_START_S = 60.0


class Mode(StrEnum):
    """The mode of a tenant."""

    TOLERANT = "tolerant"
    STRICT = "strict"


@dataclass(frozen=True)
class Tenant:
    """A tenant without users. ``url`` ends with ``/scim/v2``."""

    mode: Mode
    url: str
    token: str


@dataclass(frozen=True)
class LocalRun:
    """A running local run with its data directory."""

    data: Path

    @property
    def options(self) -> list[str]:
        """The options with which the command line finds the run."""
        return ["--data", str(self.data)]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the command line."""
        return _build_environment()

    def connect(self, mode: Mode, schema: Path | None = None) -> Tenant:
        """Connect a new tenant with the command line. ``schema`` is a schema document with custom attributes."""
        arguments = [
            "connect",
            f"judge-{uuid.uuid4()}"[:40],
            *(["--strict"] if mode is Mode.STRICT else []),
            *(["--extension", str(schema)] if schema else []),
            *self.options,
            "--json",
        ]
        command = [str(_PYTHON), "-m", "cli", *arguments]
        output = subprocess.run(  # noqa: S603  # our own command
            command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, text=True, timeout=60, check=True
        ).stdout
        connection = json.loads(output)
        return Tenant(mode, connection["scim_url"], connection["token"])


@contextmanager
def start_local_run(data: Path) -> Iterator[LocalRun]:
    """Run the endpoint on a free port of this machine until the end of the block."""
    command = [str(_PYTHON), "-u", "-m", "local", "--data", str(data), "--port", str(_find_free_port())]
    output = data.with_suffix(".out")  # a file: the run prints a line for each request, and would fill a pipe
    with output.open("w") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=_build_environment(), stdout=file)  # noqa: S603  # as above
    try:
        _wait_until_ready(process, output)
        yield LocalRun(data)
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_ready(process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + _START_S
    while _READY not in output.read_text():
        assert process.poll() is None, f"the local run ended with exit code {process.returncode}"
        assert time.monotonic() < deadline, f"the local run did not start within {_START_S:.0f} s"
        time.sleep(0.05)


def _find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _build_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name == "AWS_ENDPOINT_URL_DYNAMODB" or not name.startswith("AWS_")
    } | {"PYTHONPATH": "src:."}
