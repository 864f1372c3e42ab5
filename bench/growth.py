"""Measure whether requests take longer in larger tenants: the same requests in tables of all sizes, in turn."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from statistics import median

from bench import operations
from bench.chart import Line, build_table, draw_chart
from bench.context import BenchContext
from bench.measure import MS, collect_garbage, format_duration, measure_cost
from bench.operations import Event
from bench.paging import IN_ORDER
from bench.result import Row, Section, format_verdicts
from bench.service import Service

_LIMIT = 1.3
_REPETITIONS = 3

Prepare = Callable[[], Event]


def measure(context: BenchContext) -> Section:
    """Measure each kind of request three times at all sizes, and use the measurement with the lowest ratio."""
    sides = {number: _build_requests(context, number) for number in context.scale.users}
    collect_garbage()
    fewest, most = context.scale.fewest, context.scale.most
    rows, lines = [], []
    for name in sides[fewest]:
        measurements = [
            _measure_all(context, {number: kinds[name] for number, kinds in sides.items()}) for _ in range(_REPETITIONS)
        ]
        best = min(measurements, key=lambda times: times[most] / times[fewest])
        rows.append(
            Row(
                f"time at {most:,} users against {fewest:,}: {name}",
                best[most] / best[fewest],
                _LIMIT,
                format_duration(best[most]),
                format_duration(best[fewest]),
            )
        )
        lines.append(Line(name, [(number, spent * MS) for number, spent in best.items()]))
    picture = draw_chart("A whole handler call on dynoxide", "users of the tenant", "ms", lines)
    return Section(rows, {"growth": format_verdicts(rows), "growth-users": build_table(lines)}, {"growth.svg": picture})


def _build_requests(context: BenchContext, number: int) -> dict[str, tuple[Service, Prepare]]:
    users = context.users(number)
    service = Service(users.table)
    sample = itertools.cycle(users.sample)

    kinds: dict[str, Prepare] = {
        "GET": lambda: operations.get(service, next(sample)),
        "userName eq": lambda: operations.look_up(service, "userName", next(sample).user_name),
        "externalId eq": lambda: operations.look_up(service, "externalId", next(sample).external_id),
        "emails.value eq": lambda: operations.look_up(service, "emails.value", next(sample).email),
    } | {request.name: request.bind(service, context.scale.page) for request in IN_ORDER}
    return {name: (service, prepare) for name, prepare in kinds.items()}


def _measure_all(context: BenchContext, sides: dict[int, tuple[Service, Prepare]]) -> dict[int, float]:
    """Return the median seconds of a request at each size. The sizes are measured in turn."""
    spent: dict[int, list[float]] = {number: [] for number in sides}
    for _ in range(context.scale.rounds):
        for number, (service, prepare) in sides.items():
            spent[number].append(_measure_time(service, prepare()))
    return {number: median(times) for number, times in spent.items()}


def _measure_time(service: Service, event: Event) -> float:
    return measure_cost(lambda: service(event)).elapsed
