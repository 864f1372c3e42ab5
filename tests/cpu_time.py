"""Tests that work takes little CPU time, on a fast and on a slow machine alike.

The measure is not the second but the *unit*: the CPU time that ``_calibrate`` takes on the same machine in the same
moment, about 10 ms on a processor of 2024. A limit is many times what the work takes, so a test fails only if the work
grows with the square of its input or worse.
"""

from collections.abc import Callable
from time import process_time
from typing import TypeVar

Result = TypeVar("Result")

_ATTEMPTS = 4


def check_cpu_units(work: Callable[[], Result], limit: float) -> Result:
    """Return the result of work; fail if it takes more than ``limit`` units of CPU time in each of several attempts.

    Other programs can make a single attempt slow, since processors share caches and clock.
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
    """Return the CPU time of a fixed piece of work in Python."""
    started = process_time()
    numbers = {str(number): number for number in range(30_000)}
    sum(numbers[text] for text in numbers)
    return process_time() - started
