"""Compare a whole handler call on dynoxide, with its log line, with bare boto3 that makes the same calls."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import boto3

from bench import operations
from bench.context import BenchContext
from bench.environment import set_environment
from bench.measure import Cost, collect_garbage, find_median_cost, format_duration, measure_cost
from bench.operations import Event
from bench.result import Row, Section, format_table, format_verdicts
from bench.service import BARE_CONFIG, Service, Table
from bench.wire import Call, build_repetitions, record_calls

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WRITE_LIMIT = 1.5
_PAGE_LIMIT = 1.3


class HandlerComparison:
    """Compares our handler on a table with bare boto3, which repeats its calls on a copy of the table."""

    def __init__(self, table: Table, copy: Table, limit: int | None = None) -> None:
        """Create the service for ``table``. ``limit`` is that of :func:`bench.wire.record_calls`."""
        self.service = Service(table)
        self._limit = limit
        self._copy = copy
        self._bare: DynamoDBClient | None = None

    def measure(self, event: Event) -> tuple[Cost, Cost]:
        """Return the cost of one request with our handler, and the cost of its calls with bare boto3."""
        with record_calls(responses=False, limit=self._limit) as calls:
            ours = measure_cost(lambda: self.service(event))
        bare = self._build_repetitions(calls)
        return ours, measure_cost(lambda: _call_all(bare))

    def _build_repetitions(self, calls: list[Call]) -> list[Callable[[], object]]:
        own = [call for call in calls if call.service == "dynamodb"]
        return build_repetitions(own, self._client(), self.service.table.name, self._copy.name)

    def _client(self) -> DynamoDBClient:
        """Return a boto3 client with our configuration, which is faster because it does not validate parameters."""
        if self._bare is None:
            with set_environment(self._copy.variables):
                self._bare = boto3.client("dynamodb", config=BARE_CONFIG)
        return self._bare


def measure(context: BenchContext) -> Section:
    scale = context.scale
    pair = context.pair()
    comparison = HandlerComparison(pair.table, pair.copies[0])
    service, users = comparison.service, itertools.cycle(pair.sample)
    kinds: list[tuple[str, float, Callable[[], Event]]] = [
        ("GET", _WRITE_LIMIT, lambda: operations.get(service, next(users))),
        ("create", _WRITE_LIMIT, lambda: operations.create(service)),
        ("PATCH of three operations", _WRITE_LIMIT, lambda: operations.patch(service, next(users))),
        (
            f"page of {scale.page}",
            _PAGE_LIMIT,
            lambda: operations.query(service, {"startIndex": 1, "count": scale.page}),
        ),
    ]
    collect_garbage()
    turns: dict[str, list[tuple[Cost, Cost]]] = {name: [] for name, *_ in kinds}
    for number in range(scale.rounds + 1):
        for name, _, event in kinds:
            costs = [comparison.measure(event()) for _ in range(scale.batch)]
            turns[name] += costs if number else []  # the first round warms up
    rows, cpu = [], []
    for name, limit, _ in kinds:
        ours, bare = (find_median_cost(side) for side in zip(*turns[name], strict=True))
        rows.append(_build_row(f"handler call: {name}", ours.elapsed, bare.elapsed, limit))
        rows.append(_build_row(f"handler call, CPU: {name}", ours.cpu, bare.cpu, None))
        cpu.append([name, format_duration(ours.cpu), format_duration(bare.cpu), f"{ours.cpu / bare.cpu:.2f}"])
    table = format_table(["CPU of the process", "handler", "bare boto3", "ratio"], cpu)
    return Section(rows, {"handler": format_verdicts(rows), "handler-cpu": table})


def _call_all(calls: Sequence[Callable[[], object]]) -> None:
    for call in calls:
        call()


def _build_row(name: str, ours: float, bare: float, limit: float | None) -> Row:
    return Row(name, ours / bare, limit, format_duration(ours), f"{format_duration(bare)} bare boto3")
