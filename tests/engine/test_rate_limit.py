"""The rate limit with simultaneous execution environments: how much they accept, and how many calls they make."""

import os
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

import pytest

from scim.service.model.rate_limit.bucket import RateLimit, RateLimitExceeded
from scim.service.rate_limit.limiter import LEASE_S, RateLimiter, RequestPermits, compute_max_lease
from scim.store.rate_limit.permits import DynamoDBPermitStore
from scim.store.table import Table
from scim.wiring import runtime
from scim.wiring.dynamodb import create_client
from tests.endpoint import Endpoint

ENVIRONMENTS = 16
LIMIT = RateLimit(25, 2_000)


@dataclass
class Environments:
    """Execution environments of one tenant. Each has its own leases and its own thread, and all share a clock."""

    tenant_id: str = field(default_factory=lambda: f"t-{uuid.uuid4()}")
    time: float = 1_800_000_000.0
    tables: list[Table] = field(default_factory=list)

    def start(self) -> RequestPermits:
        table = Table(create_client(), os.environ["TABLE_NAME"], runtime.create_deadline(300))
        self.tables.append(table)
        limiter = RateLimiter(LIMIT, lambda: self.time, runtime.random_fraction)
        return RequestPermits(limiter, self.tenant_id, DynamoDBPermitStore(table))

    @property
    def calls(self) -> int:
        return sum(table.calls for table in self.tables)


@pytest.fixture
def environments(direct: Endpoint) -> Environments:
    return Environments()


def run_in_parallel(permits: list[RequestPermits], send: Callable[[RequestPermits], int]) -> int:
    """Run ``send`` in all environments at the same time, and return the sum of the results."""
    with ThreadPoolExecutor(len(permits)) as pool:
        return sum(pool.map(send, permits))


def send(permits: RequestPermits, attempts: int) -> int:
    """Send requests, and return how many were accepted."""
    accepted = 0
    for _ in range(attempts):
        try:
            permits.take(1)
        except RateLimitExceeded:
            continue
        accepted += 1
    return accepted


def test_simultaneous_environments_accept_the_bucket_and_no_more(environments: Environments) -> None:
    """Ten times the bucket arrives at once. Every lease is spent, because every environment has enough requests."""
    permits = [environments.start() for _ in range(ENVIRONMENTS)]
    attempts = 10 * LIMIT.burst // ENVIRONMENTS

    accepted = run_in_parallel(permits, lambda environment: send(environment, attempts))

    assert LIMIT.burst - ENVIRONMENTS <= accepted <= LIMIT.burst
    assert environments.calls < 0.4 * accepted


def test_tenant_at_ten_times_its_limit_gets_its_rate(environments: Environments) -> None:
    """After the bucket is empty, 250 requests a second arrive for 20 seconds, in steps of half a second."""
    permits = [environments.start() for _ in range(ENVIRONMENTS)]
    run_in_parallel(permits, lambda environment: send(environment, LIMIT.burst))
    accepted = 0
    for _ in range(40):
        environments.time += 0.5
        accepted += run_in_parallel(permits, lambda environment: send(environment, 125 // ENVIRONMENTS))

    assert 20 * LIMIT.rate * 0.8 <= accepted <= 20 * LIMIT.rate + 1


def test_overshoot_is_one_lease_in_each_environment(environments: Environments) -> None:
    """The worst case: each environment has a large lease that it did not spend, and the bucket is full again."""
    permits = [environments.start() for _ in range(ENVIRONMENTS)]
    run_in_parallel(permits, lambda environment: send(environment, 31))
    environments.time += LEASE_S - 1

    accepted = run_in_parallel(permits, lambda environment: send(environment, LIMIT.burst))

    assert LIMIT.burst < accepted <= LIMIT.burst + ENVIRONMENTS * compute_max_lease(LIMIT.burst)


def test_simultaneous_bulk_requests_are_accepted_whole(environments: Environments) -> None:
    permits = [environments.start() for _ in range(ENVIRONMENTS)]
    lock, refusals = Lock(), []

    def send_bulk(environment: RequestPermits) -> int:
        try:
            environment.take(450)
        except RateLimitExceeded as error:
            with lock:
                refusals.append(int(error.headers["Retry-After"]))
            return 0
        return 1

    assert run_in_parallel(permits, send_bulk) == LIMIT.burst // 450
    assert len(refusals) == ENVIRONMENTS - LIMIT.burst // 450
    assert min(refusals) >= 1
