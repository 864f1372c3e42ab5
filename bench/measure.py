"""Clocks and medians."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

MS = 1_000.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of our process's CPU, and seconds that passed."""

    cpu: float
    elapsed: float


def measure_cost(work: Callable[[], object]) -> Cost:
    """Return the cost of calling ``work`` once."""
    cpu, started = time.process_time(), time.perf_counter()
    work()
    return Cost(time.process_time() - cpu, time.perf_counter() - started)


def find_median_cost(costs: Iterable[Cost]) -> Cost:
    """Return the median CPU and the median elapsed time."""
    costs = list(costs)
    return Cost(median(cost.cpu for cost in costs), median(cost.elapsed for cost in costs))


def collect_garbage() -> None:
    """Exclude all current objects from garbage collection, so that the process is like one that has just started."""
    gc.collect()
    gc.freeze()


def format_duration(seconds: float) -> str:
    """Return a duration for people: 41 µs, 1.40 ms, 2.31 s."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1 or unit == "µs":
            break
    value = seconds * factor
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
