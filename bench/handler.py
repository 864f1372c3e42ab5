"""Compare a whole handler call on dynoxide, with its log line, with bare boto3 that makes the same calls.

The handler is measured with both DynamoDB clients, the wire client and boto3's (``AWS_CLIENT``).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import boto3

from bench import operations, prices
from bench.context import BenchContext, Scale
from bench.environment import set_environment
from bench.measure import MS, Cost, collect_garbage, find_median_cost, format_duration, measure_cost
from bench.operations import Event
from bench.prefill import User
from bench.result import Row, Section, format_table, format_verdicts
from bench.service import BARE_CONFIG, Service, Table
from bench.wire import Call, build_repetitions, record_calls
from scim.aws.config import ClientKind

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TIME_LIMIT = 1.0


class HandlerComparison:
    """Compares our handler on a table with bare boto3, which repeats its calls on a copy of the table."""

    def __init__(self, table: Table, copy: Table, limit: int | None = None, operation: str = "") -> None:
        """Create the service for ``table``. ``limit`` is that of :func:`bench.wire.record_calls`.

        Bare boto3 repeats only the calls of ``operation``, or all calls.
        """
        self.service = Service(table)
        self._limit = limit
        self._operation = operation
        self._copy = copy
        self._bare: DynamoDBClient | None = None

    def measure(self, event: Event) -> tuple[Cost, Cost]:
        """Return the cost of one request with our handler, and the cost of its calls with bare boto3."""
        with record_calls(responses=False, limit=self._limit) as calls:
            ours = measure_cost(lambda: self.service(event))
        bare = self._build_repetitions(calls)
        return ours, measure_cost(lambda: _call_all(bare))

    def _build_repetitions(self, calls: list[Call]) -> list[Callable[[], object]]:
        own = [call for call in calls if call.service == "dynamodb" and self._operation in ("", call.operation)]
        return build_repetitions(own, self._client(), self.service.table.name, self._copy.name)

    def _client(self) -> DynamoDBClient:
        """Return a boto3 client with our configuration, which is faster because it does not validate parameters."""
        if self._bare is None:
            with set_environment(self._copy.variables):
                self._bare = boto3.client("dynamodb", config=BARE_CONFIG)
        return self._bare


BuildEvent = Callable[[Service], Event]
Kind = tuple[str, float, BuildEvent]
"""A kind of request: its name, the limit of its CPU time against bare boto3, and what builds its event."""


def measure(context: BenchContext) -> Section:
    pair = context.pair()
    comparison = HandlerComparison(pair.table, pair.copies[0])
    other = context.scratch()  # another table: the writes of a third side would let the pair differ
    with_botocore = Service(other.table, aws_client=ClientKind.BOTOCORE)
    kinds = build_kinds(context.scale, itertools.cycle(pair.sample))
    others = {name: build_event for name, _, build_event in build_kinds(context.scale, itertools.cycle(other.sample))}
    collect_garbage()
    turns = measure_in_turn(
        context.scale,
        kinds,
        lambda name, build_event: (
            *comparison.measure(build_event(comparison.service)),
            _measure_call(with_botocore, others[name]),
        ),
    )
    times, cpu, saved = [], [], []
    for name, cpu_limit, _ in kinds:
        ours, bare, botocore = (find_median_cost(side) for side in zip(*turns[name], strict=True))
        times.append(build_row(f"handler call: {name}", ours.elapsed, bare.elapsed, _TIME_LIMIT))
        cpu.append(build_row(f"handler call, CPU: {name}", ours.cpu, bare.cpu, cpu_limit))
        saved.append(_build_saving(name, ours.cpu, botocore.cpu))
    blocks = {"handler": format_verdicts(times), "handler-cpu": format_verdicts(cpu), "handler-saved": _format(saved)}
    return Section([*times, *cpu, *saved], blocks)


def build_kinds(scale: Scale, users: Iterator[User]) -> list[Kind]:
    """Return the kinds of requests. ``users`` are those that the requests are about."""
    return [
        ("GET", 0.6, lambda service: operations.get(service, next(users))),
        ("create", 0.55, operations.create),
        ("PATCH of three operations", 0.6, lambda service: operations.patch(service, next(users))),
        (
            f"page of {scale.page}",
            0.45,
            lambda service: operations.query(service, {"startIndex": 1, "count": scale.page}),
        ),
    ]


def measure_in_turn(
    scale: Scale, kinds: Sequence[Kind], measure_one: Callable[[str, BuildEvent], tuple[Cost, ...]]
) -> dict[str, list[tuple[Cost, ...]]]:
    """Return what ``measure_one`` returned for each kind of request, measured in turn, after a round to warm up."""
    turns: dict[str, list[tuple[Cost, ...]]] = {name: [] for name, *_ in kinds}
    for number in range(scale.rounds + 1):
        for name, _, build_event in kinds:
            costs = [measure_one(name, build_event) for _ in range(scale.batch)]
            turns[name] += costs if number else []
    return turns


def _measure_call(service: Service, build_event: BuildEvent) -> Cost:
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


def build_row(name: str, ours: float, bare: float, limit: float) -> Row:
    """Return the comparison of our seconds with those of bare boto3."""
    return Row(name, ours / bare, limit, format_duration(ours), f"{format_duration(bare)} bare boto3")
