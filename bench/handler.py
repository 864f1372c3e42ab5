"""Compare a whole handler call on dynoxide, with its log line, with bare boto3 that makes the same calls.

The handler is measured with both DynamoDB clients, the wire client and boto3's (``AWS_CLIENT``).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import boto3

from bench import operations, prices
from bench.context import BenchContext
from bench.environment import set_environment
from bench.measure import MS, Cost, collect_garbage, find_median_cost, format_duration, measure_cost
from bench.operations import Event
from bench.result import Row, Section, format_table, format_verdicts
from bench.service import BARE_CONFIG, Service, Table
from bench.wire import Call, build_repetitions, record_calls
from scim.aws.config import ClientKind

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TIME_LIMIT = 1.0


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
    with_botocore = Service(pair.table, aws_client=ClientKind.BOTOCORE)
    users = itertools.cycle(pair.sample)
    kinds: list[tuple[str, float, Callable[[Service], Event]]] = [
        ("GET", 0.6, lambda service: operations.get(service, next(users))),
        ("create", 0.55, operations.create),
        ("PATCH of three operations", 0.6, lambda service: operations.patch(service, next(users))),
        (
            f"page of {scale.page}",
            0.45,
            lambda service: operations.query(service, {"startIndex": 1, "count": scale.page}),
        ),
    ]
    collect_garbage()
    turns: dict[str, list[tuple[Cost, Cost, Cost]]] = {name: [] for name, *_ in kinds}
    for number in range(scale.rounds + 1):
        for name, _, build_event in kinds:
            costs = [
                (*comparison.measure(build_event(comparison.service)), _measure_call(with_botocore, build_event))
                for _ in range(scale.batch)
            ]
            turns[name] += costs if number else []  # the first round warms up
    times, cpu, saved = [], [], []
    for name, cpu_limit, _ in kinds:
        ours, bare, botocore = (find_median_cost(side) for side in zip(*turns[name], strict=True))
        times.append(_build_row(f"handler call: {name}", ours.elapsed, bare.elapsed, _TIME_LIMIT))
        cpu.append(_build_row(f"handler call, CPU: {name}", ours.cpu, bare.cpu, cpu_limit))
        saved.append(_build_saving(name, ours.cpu, botocore.cpu))
    blocks = {"handler": format_verdicts(times), "handler-cpu": format_verdicts(cpu), "handler-saved": _format(saved)}
    return Section([*times, *cpu, *saved], blocks)


def _measure_call(service: Service, build_event: Callable[[Service], Event]) -> Cost:
    event = build_event(service)
    return measure_cost(lambda: service(event))


def _build_saving(name: str, ours: float, botocore: float) -> Row:
    """Return a row with the milliseconds of billed time that the wire client saves in a call."""
    saved = prices.lambda_seconds(botocore - ours, 0)
    return Row(
        f"saved by the wire client, ms: {name}", saved * MS, None, format_duration(ours), format_duration(botocore)
    )


def _format(saved: Sequence[Row]) -> str:
    return format_table(
        ["CPU of a handler call", "wire client", "boto3's client", "saved on Lambda", "saved in a million calls"],
        [
            [
                row.name.partition(": ")[2],
                row.ours,
                row.theirs,
                f"{row.value:.2g} ms",
                f"${prices.compute_usd(row.value / MS) * 1e6:.2f}",
            ]
            for row in saved
        ],
    )


def _call_all(calls: Sequence[Callable[[], object]]) -> None:
    for call in calls:
        call()


def _build_row(name: str, ours: float, bare: float, limit: float | None) -> Row:
    return Row(name, ours / bare, limit, format_duration(ours), f"{format_duration(bare)} bare boto3")
