"""``python -m bench.fairness``: measure how a tenant at ten times its rate limit affects three others.

Each process is an execution environment with the users function. The noisy tenant has several, and its bucket is empty
at the start. The others create users at a fifth of their limit, first alone and then with the noisy tenant.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from bench import population
from bench.environment import ignore_aws_configuration, set_environment
from bench.measure import MS
from bench.prefill import prefill_tables
from bench.service import LambdaContext, Table, event
from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from scim.service.model.rate_limit.bucket import RateLimit
from scim.service.rate_limit.limiter import compute_max_lease
from scim.settings import Settings
from scim.store.keys import primary_key
from scim.store.rate_limit import keys
from scim.wiring.dynamodb import create_client
from scim.wiring.operator_adapters import build_operator_adapters

LIMIT = RateLimit(5, 1_000)
NOISY_ENVIRONMENTS = 2
OTHERS = 3
_TIMES_THE_LIMIT = 10
_REQUEST_TIMEOUT_S = 60.0
_USERS_PER_CLIENT = 100_000
# The processes import the handlers in this time.
_START_S = 15.0


@dataclass(frozen=True, slots=True)
class Client:
    """A client of one execution environment: the table with its tenant, and the requests a second that it sends."""

    table: Table
    rate: float


@dataclass(frozen=True, slots=True)
class ClientResult:
    """What a client got: how many creates were accepted and refused, and the seconds that each request took."""

    accepted: int
    refused: int
    times_s: Sequence[float]


def send_creates(client: Client, first: int, starts_at: float, seconds: float) -> ClientResult:
    """Create users at the client's rate for some seconds. A late request is sent at once, none is left out."""
    accepted, refused, times_s = 0, 0, []
    with set_environment(
        client.table.variables | {"RATE_LIMIT": str(LIMIT.rate), "RATE_LIMIT_BURST": str(LIMIT.burst)}
    ):
        application = ScimApplication(find_endpoint)
        _send(application, event(client.table.token, "GET", "/Users?count=0"))  # reads the token and the settings
        time.sleep(max(starts_at - time.time(), 0.0))
        for number in range(int(client.rate * seconds)):
            due = starts_at + number / client.rate
            time.sleep(max(due - time.time(), 0.0))
            if time.time() > starts_at + seconds:
                break
            started = time.perf_counter()
            status = _send(application, event(client.table.token, "POST", "/Users", population.user(first + number)))
            times_s.append(time.perf_counter() - started)
            accepted += status == 201
            refused += status == 429
    return ClientResult(accepted, refused, times_s)


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


def empty_bucket(table: Table, starts_at: float) -> None:
    """Take all permits of the tenant out of its bucket, so that it is empty at ``starts_at`` (seconds since 1970)."""
    with set_environment(table.variables):
        key = primary_key(keys.bucket_partition(table.tenant), keys.BUCKET_KEY)
        full_at = {"full_at": {"N": str(round(starts_at + LIMIT.window_s, 3))}}
        create_client().put_item(TableName=table.name, Item=key | full_at)


def run_clients(
    pool: ProcessPoolExecutor, clients: Sequence[Client], first: int, starts_at: float, seconds: float
) -> list[ClientResult]:
    """Run all clients at the same time. ``first`` is the number of the first user that they create."""
    futures = [
        pool.submit(send_creates, client, first + index * _USERS_PER_CLIENT, starts_at, seconds)
        for index, client in enumerate(clients)
    ]
    return [future.result() for future in futures]


def format_line(name: str, results: Sequence[ClientResult]) -> str:
    """Return a line of the table, for the requests of one or more clients."""
    times = [time_s for result in results for time_s in result.times_s]
    accepted, refused = (sum(getattr(result, kind) for result in results) for kind in ("accepted", "refused"))
    tail = quantiles(times, n=20)[-1]
    return f"{name:<28} {accepted:>8} {refused:>8} {median(times) * MS:>9.1f} {tail * MS:>9.1f}"


def measure(directory: Path, seconds: float) -> None:
    """Measure both phases, and print the table."""
    with (
        prefill_tables(directory, 0, ["muster-fairness"]) as prefilled,
        ProcessPoolExecutor(OTHERS + NOISY_ENVIRONMENTS, mp_context=get_context("spawn")) as pool,
    ):
        others = [Client(table, LIMIT.rate / 5) for table in connect_tenants(prefilled.table)]
        noisy_rate = _TIMES_THE_LIMIT * LIMIT.rate / NOISY_ENVIRONMENTS
        noisy = [Client(prefilled.table, noisy_rate)] * NOISY_ENVIRONMENTS
        alone = run_clients(pool, others, 0, time.time() + _START_S, seconds)
        starts_at = time.time() + _START_S
        empty_bucket(prefilled.table, starts_at)
        together = run_clients(pool, [*others, *noisy], _USERS_PER_CLIENT * OTHERS, starts_at, seconds)
    overshoot = sum(result.accepted for result in together[OTHERS:]) - LIMIT.rate * seconds
    bound = NOISY_ENVIRONMENTS * compute_max_lease(LIMIT.burst)
    print(f"{seconds:g} s, limit {LIMIT.rate:g} a second, noisy tenant at {_TIMES_THE_LIMIT} times its limit")
    print(f"{'':<28} {'accepted':>8} {'refused':>8} {'median ms':>9} {'95 % ms':>9}")
    for index in range(OTHERS):
        print(format_line(f"tenant {index + 1}, alone", [alone[index]]))
        print(format_line(f"tenant {index + 1}, with noisy", [together[index]]))
    print(format_line("all three, alone", alone))
    print(format_line("all three, with noisy", together[:OTHERS]))
    print(format_line("noisy tenant", together[OTHERS:]))
    print(f"overshoot of the noisy tenant: {overshoot:g} permits, at most {bound}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fairness", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="the seconds of each of the two phases")
    options = parser.parse_args()
    ignore_aws_configuration()
    with TemporaryDirectory() as directory:
        measure(Path(directory), options.seconds)


if __name__ == "__main__":
    main()
