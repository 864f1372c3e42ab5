"""``python -m bench.fairness``: measure how a noisy tenant affects three others.

Each process is an execution environment with the users function. The others create two users each second, first alone
and then with the noisy tenant, which has two environments. It sends ten times its rate limit in writes, with an empty
bucket, or with ``--scan`` an unindexed filter again and again, which reads all of its users.

On AWS, each environment has its own processor, and each tenant has its own partitions in DynamoDB. Here, the
environments of the noisy tenant run on one half of the processors, and the others on the other half. For writes, all
tenants share an engine. An engine serves only one query at a time, so a tenant that scans has a separate engine.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from bench import population
from bench.environment import ignore_aws_configuration, set_environment
from bench.measure import MS
from bench.prefill import prefill_listed_table, prefill_tables
from bench.service import LambdaContext, Table, event
from bench.wire import Call, record_calls
from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from scim.service.model.rate_limit.bucket import RateLimit
from scim.service.rate_limit.limiter import compute_max_lease
from scim.settings import Settings
from scim.store.keys import primary_key
from scim.store.rate_limit import keys
from scim.wiring.dynamodb import create_client
from scim.wiring.operator_adapters import build_operator_adapters

WRITE_LIMIT = RateLimit(5, 1_000)
SCAN_LIMIT = RateLimit(0.1, 1_000)
"""A scan of 200,000 users costs 800 permits. So the bucket is empty after two scans, and refilled after hours."""
NOISY_ENVIRONMENTS = 2
OTHERS = 3
MAX_MEDIAN_RATIO = 1.5
"""The bound of the median latency of the others, with the noisy tenant against without it."""
MAX_TAIL_RATIO = 3.0
"""The bound of the 95th percentile of their latency."""
MAX_CPU_RATIO = 1.25
"""The bound of the median CPU time of their requests."""
_TABLE = "muster-fairness"
_TIMES_THE_LIMIT = 10
_OTHERS_RATE = 2.0
_REQUEST_TIMEOUT_S = 600.0
_USERS_OVER_1_MB = 1_000
_USERS_PER_CLIENT = 100_000
# The processes import the handlers in this time.
_START_S = 15.0
_MAX_ALONE_S = 60.0


@dataclass(frozen=True, slots=True)
class Client:
    """A client of one execution environment: the table with its tenant, and the requests a second that it sends.

    ``is_noisy`` selects the processors. A scanning client reads all users, any other creates users.
    """

    table: Table
    rate: float
    limit: RateLimit
    is_noisy: bool = False
    is_scanning: bool = False

    def build_request(self, number: int) -> Mapping[str, Any]:
        """Return the event of a request. ``number`` is that of a user who does not exist yet."""
        if self.is_scanning:
            return event(self.table.token, "GET", f"/Users?filter={quote(population.EMPTY_FILTER)}")
        return event(self.table.token, "POST", "/Users", population.user(number))


@dataclass(slots=True)
class ClientResult:
    """What a client got: how many requests were accepted and refused, and how many before the first refusal.

    Of each request: the seconds that it took, its CPU seconds, and its calls to DynamoDB.
    """

    accepted: int = 0
    refused: int = 0
    accepted_first: int = 0
    times_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)

    def add(self, status: int, time_s: float, cpu_s: float, calls: int) -> None:
        """Add a request."""
        self.accepted += status < 300
        self.refused += status == 429
        self.accepted_first += status < 300 and not self.refused
        self.times_s.append(time_s)
        self.cpu_s.append(cpu_s)
        self.calls.append(calls)


def send_requests(client: Client, first: int, starts_at: float, seconds: float) -> ClientResult:
    """Send requests at the client's rate for some seconds. A late request is sent at once, none is left out."""
    result = ClientResult()
    select_processors(os.getpid(), is_noisy=client.is_noisy)
    variables = {"RATE_LIMIT": str(client.limit.rate), "RATE_LIMIT_BURST": str(client.limit.burst)}
    with (
        set_environment(client.table.variables | variables),
        record_calls(responses=False, limit=_USERS_OVER_1_MB) as calls,
    ):
        application = ScimApplication(find_endpoint)
        _send(application, event(client.table.token, "GET", "/Users?count=0"))  # reads the token and the settings
        time.sleep(max(starts_at - time.time(), 0.0))
        for number in range(int(client.rate * seconds)):
            due = starts_at + number / client.rate
            time.sleep(max(due - time.time(), 0.0))
            if time.time() > starts_at + seconds:
                break
            calls.clear()
            started, cpu = time.perf_counter(), time.process_time()
            status = _send(application, client.build_request(first + number))
            result.add(status, time.perf_counter() - started, time.process_time() - cpu, _count_dynamodb(calls))
    return result


def _count_dynamodb(calls: Sequence[Call]) -> int:
    return sum(call.service == "dynamodb" for call in calls)


def discard_output() -> None:
    """Discard the log lines of this process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def select_processors(process_id: int, *, is_noisy: bool) -> None:
    """Let a process run on one half of the processors only, if there are several and the platform can do it."""
    if not hasattr(os, "sched_setaffinity"):
        return
    processors = range(os.cpu_count() or 1)
    half = len(processors) // 2
    for thread in Path(f"/proc/{process_id}/task").iterdir() if half else ():
        os.sched_setaffinity(int(thread.name), processors[half:] if is_noisy else processors[:half])


def _send(application: ScimApplication, request: Mapping[str, Any]) -> int:
    """Send an event, and return the status of the response."""
    context: Any = LambdaContext(time.monotonic() + _REQUEST_TIMEOUT_S)
    return int(application(request, context)["statusCode"])


def connect_tenants(table: Table) -> list[Table]:
    """Return the table for each of the other tenants, which are connected here."""
    with set_environment(table.variables):
        tenants = build_operator_adapters(Settings.from_environment(os.environ), "bench").build_administration().tenants
        names = [f"other-{number}" for number in range(1, OTHERS + 1)]
        return [replace(table, tenant=name, token=tenants.connect(name).token) for name in names]


def empty_bucket(table: Table, limit: RateLimit, starts_at: float) -> None:
    """Take all permits of the tenant out of its bucket, so that it is empty at ``starts_at`` (seconds since 1970)."""
    with set_environment(table.variables):
        key = primary_key(keys.bucket_partition(table.tenant), keys.BUCKET_KEY)
        full_at = {"full_at": {"N": str(round(starts_at + limit.window_s, 3))}}
        create_client().put_item(TableName=table.name, Item=key | full_at)


def run_clients(
    pool: ProcessPoolExecutor, clients: Sequence[Client], first: int, starts_at: float, seconds: float
) -> list[ClientResult]:
    """Run all clients at the same time. ``first`` is the number of the first user that they create."""
    futures = [
        pool.submit(send_requests, client, first + index * _USERS_PER_CLIENT, starts_at, seconds)
        for index, client in enumerate(clients)
    ]
    return [future.result() for future in futures]


def format_line(name: str, results: Sequence[ClientResult]) -> str:
    """Return a line of the table, for the requests of one or more clients."""
    accepted, refused = (sum(getattr(result, kind) for result in results) for kind in ("accepted", "refused"))
    middle, tail, cpu, calls = summarize(results)
    return f"{name:<28} {accepted:>8} {refused:>8} {middle * MS:>9.1f} {tail * MS:>9.1f} {cpu * MS:>8.1f} {calls:>6.2f}"


def summarize(results: Sequence[ClientResult]) -> tuple[float, float, float, float]:
    """Return the median and the 95th percentile of the seconds, the median CPU seconds, and the calls of a request."""
    times, cpu, calls = (
        [value for result in results for value in getattr(result, name)] for name in ("times_s", "cpu_s", "calls")
    )
    tail = quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
    return median(times), tail, median(cpu), sum(calls) / len(calls)


def format_verdicts(alone: Sequence[ClientResult], together: Sequence[ClientResult]) -> Iterator[str]:
    """Yield a line for each bound of the others: the value with the noisy tenant against that without it."""
    names = ("median", "95th percentile", "CPU", "calls")
    bounds = (MAX_MEDIAN_RATIO, MAX_TAIL_RATIO, MAX_CPU_RATIO, 1.0)
    for name, bound, before, after in zip(names, bounds, summarize(alone), summarize(together), strict=True):
        ratio = round(after / before, 2)
        yield f"others, {name}: {ratio:.2f} times, at most {bound:g}: {'met' if ratio <= bound else 'EXCEEDED'}"


def build_noisy_client(table: Table, *, is_scanning: bool) -> Client:
    """Return one of the clients of the noisy tenant."""
    if is_scanning:
        return Client(table, 1.0, SCAN_LIMIT, is_noisy=True, is_scanning=True)
    rate = _TIMES_THE_LIMIT * WRITE_LIMIT.rate / NOISY_ENVIRONMENTS
    return Client(table, rate, WRITE_LIMIT, is_noisy=True)


def measure(directory: Path, seconds: float, scanned_users: int) -> None:
    """Measure both phases, and print the table. ``scanned_users`` are the users of the noisy tenant, 0 for writes."""
    with (
        prefill_tables(_create_directory(directory / "others"), 0, [_TABLE]) as prefilled,
        prefill_listed_table(_create_directory(directory / "noisy"), scanned_users, _TABLE)
        if scanned_users
        else nullcontext(prefilled) as noisy_prefilled,
        ProcessPoolExecutor(OTHERS + NOISY_ENVIRONMENTS, get_context("spawn"), initializer=discard_output) as pool,
    ):
        for engine_id, is_noisy in {noisy_prefilled.engine_id: True, prefilled.engine_id: False}.items():
            if engine_id is not None:
                select_processors(engine_id, is_noisy=is_noisy)
        others = [Client(table, _OTHERS_RATE, WRITE_LIMIT) for table in connect_tenants(prefilled.table)]
        noisy = build_noisy_client(noisy_prefilled.table, is_scanning=scanned_users > 0)
        alone = run_clients(pool, others, 0, time.time() + _START_S, min(seconds, _MAX_ALONE_S))
        starts_at = time.time() + _START_S
        if not noisy.is_scanning:
            empty_bucket(noisy.table, noisy.limit, starts_at)
        clients = [*others, *[noisy] * NOISY_ENVIRONMENTS]
        together = run_clients(pool, clients, _USERS_PER_CLIENT * OTHERS, starts_at, seconds)
    others_together, noisy_results = together[:OTHERS], together[OTHERS:]
    print(f"{seconds:g} s; limit of the noisy tenant: {noisy.limit.rate:g} a second after {noisy.limit.burst:,}")
    print(f"{'':<28} {'accepted':>8} {'refused':>8} {'median ms':>9} {'95 % ms':>9} {'CPU ms':>8} {'calls':>6}")
    for index in range(OTHERS):
        print(format_line(f"tenant {index + 1}, alone", [alone[index]]))
        print(format_line(f"tenant {index + 1}, with noisy", [together[index]]))
    print(format_line("all three, alone", alone))
    print(format_line("all three, with noisy", others_together))
    print(format_line("noisy tenant", noisy_results))
    for verdict in format_verdicts(alone, others_together):
        print(verdict)
    if noisy.is_scanning:
        accepted = sum(result.accepted_first for result in noisy_results)
        print(f"scans of {scanned_users:,} users that were accepted before the first refusal: {accepted}")
    else:
        overshoot = sum(result.accepted for result in noisy_results) - noisy.limit.rate * seconds
        bound = NOISY_ENVIRONMENTS * compute_max_lease(noisy.limit.burst)
        print(f"overshoot of the noisy tenant: {overshoot:g} permits, at most {bound}")


def _create_directory(path: Path) -> Path:
    path.mkdir()
    return path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fairness", description=__doc__)
    parser.add_argument(
        "--seconds",
        type=float,
        default=60.0,
        help="the seconds of each of the two phases. The first one has at most 60",
    )
    parser.add_argument("--scan", type=int, default=0, metavar="USERS", help="the noisy tenant scans this many users")
    options = parser.parse_args()
    ignore_aws_configuration()
    with TemporaryDirectory() as directory:
        measure(Path(directory), options.seconds, options.scan)


if __name__ == "__main__":
    main()
