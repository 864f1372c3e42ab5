"""Run a command that is killed when its parent process dies: ``python die_with_parent.py PARENT_PID COMMAND...``.

This is for programs of other projects, on Linux only. Our own programs end when their standard input is closed.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)

if __name__ == "__main__":
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == int(sys.argv[1]):  # else the parent has already died
        os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is needed
