"""What the tests of the servers share."""

import os
import signal
import time
from pathlib import Path

from local.services.server_process import ServerProcess


def kill(child: ServerProcess) -> None:
    """Ends the process as hard as can be, and waits for its end."""
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    while not child.has_died:
        time.sleep(0.01)


def gone_within(seconds: float, pid: int) -> bool:
    """Whether a process ends in this time; one that is not ours may stay as a zombie."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if _ended(pid):
            return True
        time.sleep(0.01)
    return False


def _ended(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        os.kill(pid, 0)
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True
