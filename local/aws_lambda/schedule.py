"""EventBridge's schedule of a function: it invokes the function at a fixed rate.

Source: Amazon EventBridge user guide, "Schedule types". The local run supports rate expressions only.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from local.aws_lambda.invocation import FunctionError
from local.aws_lambda.stream_mapping import Invoke
from local.errors import LocalRunError

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}


@dataclass(frozen=True)
class Schedule:
    """A schedule. ``period`` is the time between two invocations in seconds."""

    period: int


def parse_schedule(expression: str) -> Schedule:
    """Return the schedule of a rate expression, such as ``rate(5 minutes)``. Raise ``LocalRunError`` for another."""
    if (match := _RATE.fullmatch(expression)) is None:
        raise LocalRunError(f"template.yaml: the local run supports rates such as rate(5 minutes), not {expression}")
    return Schedule(int(match[1]) * _SECONDS[match[2]])


async def invoke_on_schedule(
    schedule: Schedule, invoke: Invoke, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Invoke the function now and then at the rate of the schedule, until cancelled. A failure ends no schedule."""
    while True:
        try:
            await invoke({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})
        except FunctionError as error:
            print(f"a scheduled invocation failed: {error}")
        await sleep(schedule.period)
