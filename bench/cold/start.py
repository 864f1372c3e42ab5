"""Run one cold start: ``python start.py MODULE HANDLER``.

The program reads an event from standard input, imports the handler, and calls it. Then it prints a line of JSON:

- ``cpu``: the CPU seconds of import and call, without the start of the interpreter
- ``request_cpu``: the CPU seconds of the call alone
- ``peak_mb``: the peak resident memory in MB
- ``status``: the HTTP status
"""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any


class Context:
    """The members of Lambda's context object that the handlers use."""

    function_name = "muster"
    function_version = "$LATEST"
    memory_limit_in_mb = "1024"
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:muster"
    aws_request_id = "bench"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


def main(module: str, name: str) -> None:
    event = json.load(sys.stdin)
    started = time.process_time()
    handler: Any = getattr(importlib.import_module(module), name)
    imported = time.process_time()
    response = handler(event, Context())
    ended = time.process_time()
    print(
        json.dumps(
            {
                "cpu": ended - started,
                "request_cpu": ended - imported,
                "peak_mb": _peak_mb(),
                "status": response["statusCode"],
            }
        )
    )


def _peak_mb() -> float:
    """Return the peak resident memory of this process. ``getrusage`` would include the memory of its parent."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) / 1_024


if __name__ == "__main__":
    main(*sys.argv[1:])
