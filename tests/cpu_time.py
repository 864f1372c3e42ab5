"""Limits of CPU time that do not depend on the speed of the machine.

The *unit* is the CPU time that ``_calibrate`` takes on the same machine at the same time, about 10 ms on a processor of
2024. A limit is many times the usual CPU time, so a test fails only if the time grows with the square of the input.
"""

from collections.abc import Callable
from time import process_time
from typing import TypeVar

Result = TypeVar("Result")

_ATTEMPTS = 4


def check_cpu_units(work: Callable[[], Result], limit: float) -> Result:
    """Return the result of ``work``; fail if it takes more than ``limit`` units of CPU time in all of several attempts.

    Other programs can slow down a single attempt, because processors share caches and the clock rate.
    """
    measured = []
    for _ in range(_ATTEMPTS):
        unit = _calibrate()
        started = process_time()
        result = work()
        measured.append((process_time() - started) / max(unit, _calibrate()))
        if measured[-1] <= limit:
            return result
    raise AssertionError(f"CPU time in units, limit {limit}: {', '.join(f'{units:.1f}' for units in measured)}")


def _calibrate() -> float:
    """Return the CPU time of a fixed computation in Python."""
    started = process_time()
    numbers = {str(number): number for number in range(30_000)}
    sum(numbers[text] for text in numbers)
    return process_time() - started
