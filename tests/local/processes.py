"""Helpers for tests that kill processes."""

import os
import signal
import time
from pathlib import Path

from local.services.server_process import ServerProcess


def kill(server: ServerProcess) -> None:
    """Kill a process with SIGKILL and wait for its end."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    while not server.has_died:
        time.sleep(0.01)


def ends_within(seconds: float, pid: int) -> bool:
    """Return whether a process ends in this time. A zombie, which another program has to remove, has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if _has_ended(pid):
            return True
        time.sleep(0.01)
    return False


def _has_ended(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        os.kill(pid, 0)
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True
