"""A whole handler call on dynoxide, log line included, against bare boto3 making the same calls."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import boto3

from bench import operations
from bench.environment import set_environment
from bench.measure import Cost, collect_garbage, find_median_cost, format_duration, measure_cost
from bench.operations import Event
from bench.result import Row, Section, format_table, format_verdicts
from bench.service import Service, Table
from bench.stage import Stage
from bench.wire import Call, build_repetitions, record_calls

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_WRITE_BAR = 1.5
_PAGE_BAR = 1.3


class Lockstep:
    """Our handler on a table, and bare boto3 that makes its calls again on the twin of that table."""

    def __init__(self, table: Table, twin: Table, limit: int | None = None) -> None:
        """``limit`` as in :func:`bench.wire.record_calls`."""
        self.service = Service(table)
        self._limit = limit
        self._twin = twin
        self._bare: DynamoDBClient | None = None

    def turn(self, event: Event) -> tuple[Cost, Cost]:
        """Return the costs of one request: ours, and that of its calls alone."""
        with record_calls(answers=False, limit=self._limit) as calls:
            ours = measure_cost(lambda: self.service(event))
        bare = self._build_repetitions(calls)
        return ours, measure_cost(lambda: _call_all(bare))

    def _build_repetitions(self, calls: list[Call]) -> list[Callable[[], object]]:
        own = [call for call in calls if call.service == "dynamodb"]
        return build_repetitions(own, self._client(own[0]), self.service.table.name, self._twin.name)

    def _client(self, call: Call) -> DynamoDBClient:
        """Return a client of boto3 with our configuration, which is faster than the default: it validates nothing."""
        if self._bare is None:
            with set_environment(self._twin.variables):
                self._bare = boto3.client("dynamodb", config=call.client.meta.config)
        return self._bare


def measure(stage: Stage) -> Section:
    scale = stage.scale
    pair = stage.pair()
    lockstep = Lockstep(pair.table, pair.twins[0])
    service, users = lockstep.service, itertools.cycle(pair.sample)
    kinds: list[tuple[str, float, Callable[[], Event]]] = [
        ("GET", _WRITE_BAR, lambda: operations.get(service, next(users))),
        ("create", _WRITE_BAR, lambda: operations.create(service)),
        ("PATCH of three operations", _WRITE_BAR, lambda: operations.patch(service, next(users))),
        (f"page of {scale.page}", _PAGE_BAR, lambda: operations.query(service, {"startIndex": 1, "count": scale.page})),
    ]
    collect_garbage()
    turns: dict[str, list[tuple[Cost, Cost]]] = {name: [] for name, *_ in kinds}
    for number in range(scale.rounds + 1):
        for name, _, event in kinds:
            costs = [lockstep.turn(event()) for _ in range(scale.batch)]
            turns[name] += costs if number else []  # the first round warms up
    rows, cpu = [], []
    for name, bar, _ in kinds:
        ours, bare = (find_median_cost(side) for side in zip(*turns[name], strict=True))
        rows.append(_build_row(f"handler call: {name}", ours.elapsed, bare.elapsed, bar))
        rows.append(_build_row(f"handler call, CPU: {name}", ours.cpu, bare.cpu, None))
        cpu.append([name, format_duration(ours.cpu), format_duration(bare.cpu), f"{ours.cpu / bare.cpu:.2f}"])
    table = format_table(["CPU of our process", "handler", "bare boto3", "ratio"], cpu)
    return Section(rows, {"handler": format_verdicts(rows), "handler-cpu": table})


def _call_all(calls: Sequence[Callable[[], object]]) -> None:
    for call in calls:
        call()


def _build_row(name: str, ours: float, bare: float, bar: float | None) -> Row:
    return Row(name, ours / bare, bar, format_duration(ours), f"{format_duration(bare)} bare boto3")
