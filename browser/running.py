"""``make run`` in a checkout, as a person starts and stops it."""

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
class Running:
    """A local run. ``url`` has neither path nor slash at its end; ``ready_s`` is how long it took to be there."""

    url: str
    password: str
    ready_s: float

    def send(self, token: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """A request of an identity provider: status and body of the answer."""
        request = urllib.request.Request(  # noqa: S310  # our own address
            f"{self.url}/scim/v2{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # the same
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


@contextmanager
def started(checkout: Path) -> Iterator[Running]:
    """The run of a checkout, from the command until it has told where the console is; ended as by Ctrl-C."""
    port, start = _free_port(), time.monotonic()
    process = subprocess.Popen(  # noqa: S603  # the command of the README
        ["make", "run", f"PORT={port}"],  # noqa: S607  # which is on the PATH
        cwd=checkout,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Running(f"http://127.0.0.1:{port}", _password(process), time.monotonic() - start)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)


def _password(process: "subprocess.Popen[str]") -> str:
    """The password of the console, which is the last that a run tells before it serves."""
    told = ""
    for line in process.stdout or ():
        told += line
        if found := re.match(r"Console .*password (\S+)$", line):
            return found[1]
    raise AssertionError(f"make run ended: {told}")


def _free_port() -> int:
    """That of the README where it is free, so that the pictures show what it says; else any other."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", _PORT))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
