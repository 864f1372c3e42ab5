"""Runs a command that dies when its parent does: ``python tether.py PARENT COMMAND...`` (Linux).

For programs that are not ours. Ours end when their standard input does, which needs no help and works everywhere.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)

if __name__ == "__main__":
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == int(sys.argv[1]):  # else the parent died before we asked
        os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - there is no shell, on purpose
