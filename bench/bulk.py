"""Compare a bulk request of creates with bare boto3, which sends the same transactions with the same concurrency."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import boto3

from bench import population
from bench.context import BenchContext
from bench.environment import set_environment
from bench.measure import collect_garbage, find_median_cost, format_duration, measure_cost
from bench.operations import Event
from bench.result import Row, Section, format_verdicts
from bench.service import BARE_CONFIG, RequestFailed, Service
from bench.wire import Call, build_repetitions, record_calls

_LIMIT = 0.7


def measure(context: BenchContext) -> Section:
    number = context.scale.bulk
    pair = context.empty_pair()
    copy = pair.copies[0]
    service = Service(pair.table)
    collect_garbage()
    turns, concurrency = [], 0
    for first in itertools.islice(itertools.count(0, number), context.scale.bulks):
        event = service.event("POST", "/Bulk", population.bulk(first, number))
        with record_calls(responses=False) as calls:
            ours = measure_cost(lambda: _send_creates(service, event, number))  # noqa: B023  # called immediately
        own = [call for call in calls if call.service == "dynamodb"]
        concurrency = max(concurrency, _find_concurrency(own))
        with set_environment(copy.variables):
            client = boto3.client("dynamodb", config=BARE_CONFIG)
        bare = build_repetitions(own, client, pair.table.name, copy.name)
        with ThreadPoolExecutor(concurrency) as pool:
            turns.append((ours, measure_cost(lambda: list(pool.map(lambda call: call(), bare)))))  # noqa: B023  # called immediately, too
    ours, theirs = (find_median_cost(side) for side in zip(*turns, strict=True))
    row = Row(
        f"bulk of {number:,} creates",
        ours.elapsed / theirs.elapsed,
        _LIMIT,
        format_duration(ours.elapsed),
        f"{format_duration(theirs.elapsed)} bare boto3, {concurrency} in parallel",
    )
    return Section([row], {"bulk": format_verdicts([row])})


def _send_creates(service: Service, event: Event, number: int) -> None:
    """Send a bulk request. Raise :class:`RequestFailed` unless it creates all its users."""
    created = service(event)["body"].count('"status":"201"')
    if created != number:
        raise RequestFailed(f"{created} of {number} users were created")


def _find_concurrency(calls: Sequence[Call]) -> int:
    """Return the highest number of calls that ran at the same time."""
    steps = sorted([(call.started, 1) for call in calls] + [(call.ended, -1) for call in calls])
    return max(itertools.accumulate(step for _, step in steps))
