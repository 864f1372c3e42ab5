"""``python -m bench.invocation``: measure what the process of an execution environment costs in the local run.

Each event goes through a pipe to the process, and the result comes back. The handler does nothing.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from bench.measure import format_duration
from local.aws_lambda.function import ExecutionEnvironment

if TYPE_CHECKING:
    from local.template import FunctionSpec

_BODY_SIZES = (2_000, 200_000)
_INVOCATIONS = 500
_HANDLER = "operator.is_"
"""It takes an event and a context, and returns False."""


async def measure(size: int) -> float:
    """Return the median seconds of an invocation with a body of ``size`` bytes."""
    spec = cast("FunctionSpec", SimpleNamespace(handler=_HANDLER))
    with Path(os.devnull).open("ab") as log:
        environment = await ExecutionEnvironment.start(spec, os.environ, log)
    times = []
    for _ in range(_INVOCATIONS):
        started = time.perf_counter()
        await environment.invoke({"body": "x" * size}, _build_context())
        times.append(time.perf_counter() - started)
    await environment.stop()
    return median(times)


def _build_context() -> dict[str, Any]:
    names = ("function_name", "function_version", "invoked_function_arn", "memory_limit_in_mb", "aws_request_id")
    return dict.fromkeys((*names, "log_group_name", "log_stream_name"), "bench") | {"deadline": time.time() + 10}


if __name__ == "__main__":
    for size in _BODY_SIZES:
        print(f"body of {size:,} bytes: {format_duration(asyncio.run(measure(size)))}")
