"""Measure an unindexed filter, which has to read all users of a tenant."""

from __future__ import annotations

from bench import operations, population, prices
from bench.environment import get_memory_mb
from bench.handler import Lockstep
from bench.measure import Cost, collect_garbage, find_median_cost, format_duration
from bench.operations import Event
from bench.result import Row, Section, format_table, format_verdicts
from bench.service import TIMEOUT_S, Service
from bench.stage import Stage
from bench.units import count_units

_BARE_BAR = 1.5
_LINEAR_BAR = 1.3
_CONTINUED_BAR = 0.05  # what is continued finds a page among the next thousand users, a hundredth of the walk
_OVER_A_MB = 1_000  # users
_AGENTS = operations.iterate_new_agents()


def measure(stage: Stage) -> Section:
    few, most = stage.scale.users[-2:]
    tables = {number: stage.users(number).table for number in (few, most)}
    sides = {number: Lockstep(table, table, _OVER_A_MB) for number, table in tables.items()}
    collect_garbage()
    turns: dict[int, list[tuple[Cost, Cost]]] = {few: [], most: []}
    continued = []
    for _ in range(stage.scale.walks):
        for number, lockstep in sides.items():
            agent = next(_AGENTS)
            turns[number].append(lockstep.turn(_build_page_event(stage, lockstep.service, agent, 1)))
        event = _build_page_event(stage, lockstep.service, agent, stage.scale.page + 1)
        continued.append(lockstep.turn(event)[0])
    part, _ = (find_median_cost(side) for side in zip(*turns[few], strict=True))
    ours, bare = (find_median_cost(side) for side in zip(*turns[most], strict=True))
    rest = find_median_cost(continued)
    rows = [
        Row(
            f"walk over {most:,} users against a bare Query",
            ours.elapsed / bare.elapsed,
            _BARE_BAR,
            format_duration(ours.elapsed),
            f"{format_duration(bare.elapsed)} bare boto3",
        ),
        Row(
            "walk, CPU", ours.cpu / bare.cpu, None, format_duration(ours.cpu), f"{format_duration(bare.cpu)} bare boto3"
        ),
        Row(
            f"walk: CPU per user at {most:,} users against {few:,}",
            (ours.cpu / most) / (part.cpu / few),
            _LINEAR_BAR,
            format_duration(ours.cpu / most),
            format_duration(part.cpu / few),
        ),
        Row(
            "walk: a continued page against the walk",
            rest.elapsed / ours.elapsed,
            _CONTINUED_BAR,
            format_duration(rest.elapsed),
            format_duration(ours.elapsed),
        ),
    ]
    return Section(rows, {"walk": format_verdicts(rows), "walk-reach": _format_reach(stage, ours.cpu / most)})


def _build_page_event(stage: Stage, service: Service, agent: str, start: int) -> Event:
    count = stage.scale.page
    return operations.query(service, {"filter": population.COMMON_FILTER, "startIndex": start, "count": count}, agent)


def _format_reach(stage: Stage, cpu: float) -> str:
    """Return how many users a scan reads within its time, by what limits it. ``cpu`` is for one user."""
    users = stage.users(stage.scale.fewest)
    service = Service(users.table)
    with count_units() as units:
        service(operations.query(service, {"filter": population.NOBODY}))
    read = units.read / users.number
    on_lambda = prices.lambda_seconds(cpu, 0)
    by_units = TIMEOUT_S * prices.PARTITION_READ_UNITS / read
    by_cpu = TIMEOUT_S / on_lambda
    return format_table(
        ["what limits a walk", "arithmetic", "users in 29 s"],
        [
            [
                "the read units of one partition",
                f"29 s x {prices.PARTITION_READ_UNITS:,} units/s / {read:.3f} units a user",
                f"{by_units:,.0f}",
            ],
            [
                f"the CPU of {get_memory_mb():,} MB",
                f"29 s / ({format_duration(cpu)} a user x {prices.MEMORY_OF_A_CPU_MB:,} / {get_memory_mb():,})",
                f"{by_cpu:,.0f}",
            ],
            [
                "both, one after the other",
                "1 / (1 / the first + 1 / the second)",
                f"{1 / (1 / by_units + 1 / by_cpu):,.0f}",
            ],
        ],
    )
