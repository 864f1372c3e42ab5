"""Compare pages of a tenant with a hundred users and of one with a million: first, continued, jumped-to, last."""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median

from bench.context import BenchContext
from bench.measure import collect_garbage, format_duration, measure_cost
from bench.paging import IN_ORDER, PageRequest
from bench.result import Row, Section, format_table
from bench.service import Service

_CALLS_LIMIT = 3


def measure(context: BenchContext) -> Section:
    """Measure pages of half the size of the smaller tenant, so that both tenants have more than one page."""
    sizes = context.scale.listed
    page = sizes[0] // 2
    with ExitStack() as running:
        sides = {number: Service(running.enter_context(context.listed(number)).table) for number in sizes}
        collect_garbage()
        calls = {
            request: {number: _count_calls(sides[number], request, page) for number in sizes} for request in IN_ORDER
        }
        times = {request: _measure_times(context, sides, request, page) for request in IN_ORDER}
    few, many = sizes
    rows, lines = [], []
    for request in IN_ORDER:
        among = f"{calls[request][few]} at {few:,}"
        rows.append(Row(f"calls at {many:,} users: {request.name}", calls[request][many], _CALLS_LIMIT, theirs=among))
        ratio = times[request][many] / times[request][few]
        here, there = format_duration(times[request][many]), format_duration(times[request][few])
        rows.append(Row(f"time at {many:,} users against {few:,}: {request.name}", ratio, None, here, there))
        lines.append([request.name, calls[request][few], calls[request][many], there, here, f"{ratio:.2f}"])
    heading = [f"a page of {page}", f"calls at {few:,} users", f"at {many:,}", f"time at {few:,}", f"at {many:,}", ""]
    return Section(rows, {"million": format_table(heading, lines)})


def _count_calls(service: Service, request: PageRequest, page: int) -> int:
    return len(service.calls(lambda: request.prepare(service, page)))


def _measure_times(
    context: BenchContext, sides: dict[int, Service], request: PageRequest, page: int
) -> dict[int, float]:
    """Return the median seconds at each size. The sizes are measured in turn."""
    spent: dict[int, list[float]] = {number: [] for number in sides}
    for _ in range(context.scale.rounds):
        for number, service in sides.items():
            event = request.prepare(service, page)
            spent[number].append(measure_cost(lambda: service(event)).elapsed)  # noqa: B023  # called immediately
    return {number: median(times) for number, times in spent.items()}
