"""Start and stop ``make run`` in a checkout."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PORT = 8080


@dataclass(frozen=True)
class LocalRun:
    """A local run. ``url`` has no path and no trailing slash; ``ready_s`` are the seconds until it was ready."""

    checkout: Path
    url: str
    password: str
    ready_s: float

    @property
    def token(self) -> str:
        """Return the token of the customer acme."""
        return (self.checkout / ".local/token").read_text().strip()

    def send(self, token: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a SCIM request; return the status and the body of the response."""
        request = urllib.request.Request(  # noqa: S310  # our own address
            f"{self.url}/scim/v2{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310  # the same
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


@contextmanager
def start_run(checkout: Path) -> Iterator[LocalRun]:
    """Run ``make run`` in a checkout until the end of the block; wait until it is ready."""
    port, start = _choose_port(), time.monotonic()
    process = subprocess.Popen(  # noqa: S603  # the command of the README
        ["make", "run", f"PORT={port}"],  # noqa: S607  # which is on the PATH
        cwd=checkout,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield LocalRun(checkout, f"http://127.0.0.1:{port}", _read_password(process), time.monotonic() - start)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)


def _read_password(process: "subprocess.Popen[str]") -> str:
    """Return the password of the console; wait for the last line that the run prints before it serves."""
    output = ""
    for line in process.stdout or ():
        output += line
        if line.startswith("Press Ctrl-C"):
            break
    match = re.search(r"^Password +(\S+)$", output, re.MULTILINE)
    assert match, f"make run ended: {output}"
    return match[1]


def _choose_port() -> int:
    """Return the README's port if it is free, so that screenshots match the README. Otherwise return any free port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", _PORT))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
