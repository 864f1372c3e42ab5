"""Server processes that this process starts, restarts and stops."""

import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from local.constants import HOST
from local.errors import LocalRunError

_START_TIMEOUT_S = 300.0  # ministack replays about a thousand changes a second
_STOP_TIMEOUT_S = 5.0


class ServerProcess:
    """A server in a process that runs until the end of the block. It keeps its port when it is restarted.

    ``{port}`` in the command is replaced by the port. ``data`` is the file with the server's data. The standard input
    of the process is a pipe that is closed when this process ends, even by kill -9. Start the server from the main
    thread: Linux sends the signal of a parent's death when the *thread* that started the child ends (prctl(2),
    PR_SET_PDEATHSIG).
    """

    def __init__(
        self, name: str, command: Sequence[str], data: Path, variables: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.port = find_free_port()
        self.data = data
        self.log = data.with_suffix(".log")
        self._command = [part.replace("{port}", str(self.port)) for part in command]
        self._variables = os.environ | dict(variables or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of the server, without a path."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The id of the process; None before the start and after the stop."""
        return self._process.pid if self._process else None

    @property
    def has_died(self) -> bool:
        """Whether the process ended without being stopped."""
        return self._process is not None and self._process.poll() is not None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start or restart the process, without waiting until it accepts connections."""
        self.stop()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                self._command,
                env=self._variables,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                process_group=0,  # so that Ctrl-C does not reach it: stop() ends it
            )

    def wait(self) -> None:
        """Wait until the server accepts connections; raise ``LocalRunError`` if it ends or takes too long."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.has_died:
                raise LocalRunError(
                    f"{self.name} does not start: {self._read_last_error()}; to start empty, move {self.data} away"
                )
            with socket.socket() as probe:
                if probe.connect_ex((HOST, self.port)) == 0:
                    return
            time.sleep(0.01)
        raise LocalRunError(f"{self.name} took more than {_START_TIMEOUT_S:.0f} s to start (see {self.log})")

    def stop(self) -> None:
        """Stop the process, and kill it if it does not end in time."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        self._process = None

    def _read_last_error(self) -> str:
        lines = self.log.read_text(errors="replace").split("\n")
        return next((line.removeprefix("error: ") for line in reversed(lines) if line.strip()), f"see {self.log}")


def find_free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
