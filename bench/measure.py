"""Measure CPU time and elapsed time."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

MS = 1_000.0


@dataclass(frozen=True, slots=True)
class Cost:
    """The CPU seconds of this process, and the elapsed seconds."""

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
    """Collect garbage, and exclude all remaining objects from later collections, as in a new process."""
    gc.collect()
    gc.freeze()


def format_duration(seconds: float) -> str:
    """Return a duration as text, such as ``41 µs``, ``1.4 ms`` or ``2.31 s``."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1 or unit == "µs":
            break
    value = seconds * factor
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
