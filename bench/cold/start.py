"""One cold start: ``python start.py MODULE HANDLER``.

Reads the event from standard input, then imports the handler and lets it answer. The last line that it writes is what
that took: ``{"cpu", "peak_mb", "status"}``, CPU seconds without the interpreter's own start, and the most memory that
was resident.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any


class Context:
    """As much of Lambda's context as is used here."""

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
    answer = handler(event, Context())
    spent = time.process_time() - started
    print(json.dumps({"cpu": spent, "peak_mb": _peak_mb(), "status": answer["statusCode"]}))


def _peak_mb() -> float:
    """Of this process alone: what getrusage says also holds what its parent had."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) / 1_024


if __name__ == "__main__":
    main(*sys.argv[1:])
