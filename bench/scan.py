"""Measure a scan: a filter on an attribute without an index, which reads all users of a tenant."""

from __future__ import annotations

from bench import operations, population, prices
from bench.context import BenchContext
from bench.environment import get_memory_mb
from bench.handler import HandlerComparison
from bench.measure import Cost, collect_garbage, find_median_cost, format_duration
from bench.operations import Event
from bench.result import Row, Section, format_table, format_verdicts
from bench.service import TIMEOUT_S, Service
from bench.units import count_units

_BARE_LIMIT = 0.55
_LINEAR_LIMIT = 1.3
_CONTINUED_LIMIT = 0.05  # a continued page reads about the next thousand users: a hundredth of the scan
_USERS_OVER_1_MB = 1_000  # more users than one call to DynamoDB returns
_AGENTS = operations.iterate_new_agents()


def measure(context: BenchContext) -> Section:
    few, most = context.scale.users[-2:]
    tables = {number: context.users(number).table for number in (few, most)}
    # The leases of the rate limit cannot be repeated, because their condition holds only once.
    sides = {number: HandlerComparison(table, table, _USERS_OVER_1_MB, "Query") for number, table in tables.items()}
    collect_garbage()
    turns: dict[int, list[tuple[Cost, Cost]]] = {few: [], most: []}
    continued = []
    for _ in range(context.scale.scans):
        for number, comparison in sides.items():
            agent = next(_AGENTS)
            turns[number].append(comparison.measure(_build_page_event(context, comparison.service, agent, 1)))
        event = _build_page_event(context, comparison.service, agent, context.scale.page + 1)
        continued.append(comparison.measure(event)[0])
    part, _ = (find_median_cost(side) for side in zip(*turns[few], strict=True))
    ours, bare = (find_median_cost(side) for side in zip(*turns[most], strict=True))
    rest = find_median_cost(continued)
    rows = [
        Row(
            f"scan of {most:,} users, against a bare Query",
            ours.elapsed / bare.elapsed,
            _BARE_LIMIT,
            format_duration(ours.elapsed),
            f"{format_duration(bare.elapsed)} bare boto3",
        ),
        Row(
            "scan, CPU", ours.cpu / bare.cpu, None, format_duration(ours.cpu), f"{format_duration(bare.cpu)} bare boto3"
        ),
        Row(
            f"scan: CPU per user at {most:,} users against {few:,}",
            (ours.cpu / most) / (part.cpu / few),
            _LINEAR_LIMIT,
            format_duration(ours.cpu / most),
            format_duration(part.cpu / few),
        ),
        Row(
            "scan: a continued page against the whole scan",
            rest.elapsed / ours.elapsed,
            _CONTINUED_LIMIT,
            format_duration(rest.elapsed),
            format_duration(ours.elapsed),
        ),
    ]
    return Section(rows, {"scan": format_verdicts(rows), "scan-limits": _format_limits(context, ours.cpu / most)})


def _build_page_event(context: BenchContext, service: Service, agent: str, start: int) -> Event:
    count = context.scale.page
    return operations.query(service, {"filter": population.TENTH_FILTER, "startIndex": start, "count": count}, agent)


def _format_limits(context: BenchContext, cpu: float) -> str:
    """Return a table of how many users a scan can read within the timeout. ``cpu`` is the CPU seconds per user."""
    users = context.users(context.scale.fewest)
    service = Service(users.table)
    with count_units() as units:
        service(operations.query(service, {"filter": population.EMPTY_FILTER}))
    read = units.read / users.number
    on_lambda = prices.lambda_seconds(cpu, 0)
    by_units = TIMEOUT_S * prices.PARTITION_READ_UNITS / read
    by_cpu = TIMEOUT_S / on_lambda
    return format_table(
        ["limit of a scan", "calculation", "users in 29 s"],
        [
            [
                "the read units of one partition",
                f"29 s x {prices.PARTITION_READ_UNITS:,} units/s / {read:.3f} units per user",
                f"{by_units:,.0f}",
            ],
            [
                f"the CPU of {get_memory_mb():,} MB",
                f"29 s / ({format_duration(cpu)} per user x {prices.MEMORY_OF_A_CPU_MB:,} / {get_memory_mb():,})",
                f"{by_cpu:,.0f}",
            ],
            [
                "both, one after the other",
                "1 / (1 / the first + 1 / the second)",
                f"{1 / (1 / by_units + 1 / by_cpu):,.0f}",
            ],
        ],
    )
