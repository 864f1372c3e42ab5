"""A page of a hundred users and of a million: at the start, continued, jumped to, at the end."""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median

from bench.measure import cost, duration, settle
from bench.paging import IN_ORDER, Walk
from bench.result import Row, Section, markdown
from bench.service import Service
from bench.stage import Stage

_CALLS_BAR = 3


def measure(stage: Stage) -> Section:
    """Half of the fewest users are a page, so that each of them has a page in the middle."""
    sizes = stage.scale.listed
    page = sizes[0] // 2
    with ExitStack() as running:
        sides = {number: Service(running.enter_context(stage.listed(number)).table) for number in sizes}
        settle()
        calls = {walk: {number: _calls(sides[number], walk, page) for number in sizes} for walk in IN_ORDER}
        times = {walk: _times(stage, sides, walk, page) for walk in IN_ORDER}
    few, many = sizes
    rows, lines = [], []
    for walk in IN_ORDER:
        among = f"{calls[walk][few]} at {few:,}"
        rows.append(Row(f"calls at {many:,} users: {walk.name}", calls[walk][many], _CALLS_BAR, theirs=among))
        ratio = times[walk][many] / times[walk][few]
        here, there = duration(times[walk][many]), duration(times[walk][few])
        rows.append(Row(f"time at {many:,} users against {few:,}: {walk.name}", ratio, None, here, there))
        lines.append([walk.name, calls[walk][few], calls[walk][many], there, here, f"{ratio:.2f}"])
    heading = [f"a page of {page}", f"calls at {few:,} users", f"at {many:,}", f"time at {few:,}", f"at {many:,}", ""]
    return Section(rows, {"million": markdown(heading, lines)})


def _calls(service: Service, walk: Walk, page: int) -> int:
    return len(service.calls(lambda: walk.prepare(service, page)))


def _times(stage: Stage, sides: dict[int, Service], walk: Walk, page: int) -> dict[int, float]:
    """The median time at each size, in turn."""
    spent: dict[int, list[float]] = {number: [] for number in sides}
    for _ in range(stage.scale.rounds):
        for number, service in sides.items():
            event = walk.prepare(service, page)
            spent[number].append(cost(lambda: service(event)).elapsed)  # noqa: B023  # done at once
    return {number: median(times) for number, times in spent.items()}
