"""Servers that this process starts, watches and takes with it when it ends."""

import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from local.constants import HOST
from local.errors import LocalRunError

_START_S = 300.0  # ministack replays about a thousand changes a second
_STOP_S = 5.0


class ServerProcess:
    """A server in a process of its own, on a port that it keeps when it is started again, until the end of the block.

    ``{port}`` in the command stands for the port; ``data`` is the file that the server keeps. Its standard input is a
    pipe that closes when we end, however we end.
    Start it from the main thread: Linux ties a child's life to the thread that started it (prctl(2), PR_SET_PDEATHSIG).
    """

    def __init__(
        self, name: str, command: Sequence[str], data: Path, variables: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.port = find_free_port()
        self.data = data
        self._log = data.with_suffix(".log")
        self._command = [part.replace("{port}", str(self.port)) for part in command]
        self._variables = os.environ | dict(variables or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def died(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts the process, again if it had died, and returns before it serves."""
        self.stop()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the commands are ours
                self._command,
                env=self._variables,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                process_group=0,  # Ctrl-C is for us; we stop our children ourselves
            )

    def wait(self) -> None:
        """Returns when the server takes connections; a ``LocalRunError`` if it ends or takes too long before."""
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if self.died:
                raise LocalRunError(
                    f"{self.name} does not start: {self._last_words()}; to start empty, move {self.data} away"
                )
            with socket.socket() as probe:
                if probe.connect_ex((HOST, self.port)) == 0:
                    return
            time.sleep(0.01)
        raise LocalRunError(f"{self.name} took more than {_START_S:.0f} s to start (see {self._log})")

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        self._process = None

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").split("\n")
        return next((line.removeprefix("error: ") for line in reversed(lines) if line.strip()), f"see {self._log}")


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
