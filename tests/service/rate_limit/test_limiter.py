"""The rate limit of a tenant: leases, refusals and debts, with the clock of the test."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest

from scim.service.model.rate_limit.bucket import RateLimit, RateLimitExceeded
from scim.service.model.rate_limit.read_meter import RESOURCES_PER_PERMIT, ReadMeter
from scim.service.rate_limit.limiter import FIRST_LEASE, LEASE_S, RateLimiter, RequestPermits, compute_max_lease
from tests.cpu_time import check_cpu_units
from tests.service.fakes import MemoryPermitStore

SMALL = RateLimit(10, 1_000)


@dataclass
class Environments:
    """Execution environments that share the buckets and the clock."""

    limit: RateLimit = SMALL
    time: float = 1_800_000_000.0
    store: MemoryPermitStore = field(default_factory=MemoryPermitStore)

    def start(self) -> RequestPermits:
        """Return the permits of the tenant in a new environment."""
        return RequestPermits(RateLimiter(self.limit, lambda: self.time, lambda: 0.0), "acme", self.store)


def count_accepted(take: Callable[[int], None], attempts: int) -> int:
    accepted = 0
    for _ in range(attempts):
        try:
            take(1)
        except RateLimitExceeded:
            continue
        accepted += 1
    return accepted


@pytest.fixture
def environments() -> Environments:
    return Environments()


class TestLeases:
    def test_burst_and_refill_are_the_limit(self, environments: Environments) -> None:
        permits = environments.start()

        assert count_accepted(permits.take, 3_000) == 1_000
        for _ in range(100):
            environments.time += 0.1
            count_accepted(permits.take, 50)
        environments.time += 5
        assert count_accepted(permits.take, 3_000) <= 60

    def test_tenant_at_ten_times_its_limit_gets_its_rate(self, environments: Environments) -> None:
        permits = environments.start()
        count_accepted(permits.take, 2_000)
        accepted = 0
        for _ in range(600):
            environments.time += 0.1
            accepted += count_accepted(permits.take, 10)

        assert accepted == pytest.approx(600, abs=20)

    def test_lease_needs_few_calls(self, environments: Environments) -> None:
        permits = environments.start()
        for _ in range(500):
            environments.time += 0.1
            permits.take(1)

        assert environments.store.calls <= 55

    def test_size_doubles_if_spent_quickly(self) -> None:
        environments = Environments(RateLimit(25, 25_000))
        permits = environments.start()
        count_accepted(permits.take, 10_000)

        assert environments.store.calls <= 45
        assert compute_max_lease(25_000) == 250

    def test_refusals_ask_at_most_once_a_second(self, environments: Environments) -> None:
        permits = environments.start()
        count_accepted(permits.take, 1_001)
        before = environments.store.calls
        count_accepted(permits.take, 1_000)

        assert environments.store.calls == before

    @pytest.mark.parametrize(("idle_s", "returned"), [(LEASE_S + 1, FIRST_LEASE - 1), (2 * LEASE_S, 0)])
    def test_unspent_permits_go_back(self, environments: Environments, idle_s: float, returned: int) -> None:
        """They go back within a second lease time. Permits of an environment that is idle for longer are lost."""
        idle = environments.start()
        idle.take(1)
        environments.time += idle_s
        environments.store.full_at["acme"] = environments.time + 100  # empty

        assert count_accepted(idle.take, 100) == returned

    def test_windows_exceed_the_limit_by_the_leases_at_most(self, environments: Environments) -> None:
        """The worst case: every environment holds a lease when the window begins, and the bucket is full again."""
        holders = [environments.start() for _ in range(20)]
        for holder in holders:
            holder.take(1)
        environments.time += LEASE_S - 1
        accepted = sum(count_accepted(holder.take, 1_000) for holder in holders)

        assert 1_000 < accepted <= 1_000 + 20 * compute_max_lease(1_000)


class TestBulk:
    def test_all_operations_or_none(self, environments: Environments) -> None:
        permits = environments.start()
        permits.take(600)
        with pytest.raises(RateLimitExceeded) as refused:
            permits.take(600)

        assert int(refused.value.headers["Retry-After"]) == pytest.approx(20, abs=3)
        permits.take(300)

    def test_largest_request_fits_into_the_smallest_bucket(self, environments: Environments) -> None:
        environments.start().take(1_000)

    def test_refused_bulk_request_does_not_block_single_writes(self, environments: Environments) -> None:
        permits = environments.start()
        permits.take(600)
        with pytest.raises(RateLimitExceeded):
            permits.take(1_000)

        assert count_accepted(permits.take, 100) == 100


class TestOutage:
    def test_requests_are_accepted(self, environments: Environments) -> None:
        environments.store.is_available = False
        permits = environments.start()

        assert count_accepted(permits.take, 100) == 100
        assert permits.is_unlimited
        assert environments.store.calls == 100 / FIRST_LEASE
        assert permits.count_remaining() is None

    def test_limit_applies_again_after_it(self, environments: Environments) -> None:
        environments.store.is_available = False
        permits = environments.start()
        permits.take(1)
        environments.store.is_available = True

        assert count_accepted(permits.take, 3_000) == 1_000 + FIRST_LEASE - 1


class TestReads:
    def test_page_is_free(self, environments: Environments) -> None:
        permits = environments.start()
        ReadMeter(permits.take, permits.charge).add_resources(RESOURCES_PER_PERMIT - 1)

        assert environments.store.calls == 0

    def test_scan_of_200_000_users_costs_800_permits(self, environments: Environments) -> None:
        permits = environments.start()
        meter = ReadMeter(permits.take, permits.charge)
        for _ in range(10_000):
            meter.add_resources(20)

        assert meter.permits == 800
        assert permits.count_remaining() == 200

    def test_started_scan_may_owe(self, environments: Environments) -> None:
        permits = environments.start()
        for _ in range(2):
            ReadMeter(permits.take, permits.charge).add_resources(200_000)
        with pytest.raises(RateLimitExceeded) as refused:
            ReadMeter(permits.take, permits.charge).add_resources(RESOURCES_PER_PERMIT)

        assert int(refused.value.headers["Retry-After"]) == pytest.approx(60, abs=8)

    def test_counted_keys_cost_a_tenth(self) -> None:
        meter = ReadMeter()
        meter.add_keys(2_499)
        assert meter.permits == 0
        meter.add_keys(1)
        assert meter.permits == 1


def test_retry_after_is_spread() -> None:
    environments = Environments()
    permits = environments.start()
    permits.take(1_000)
    values = set()
    for number in range(10):
        permits.limiter.random = partial(float, number / 10)
        with pytest.raises(RateLimitExceeded) as refused:
            permits.take(500)
        values.add(int(refused.value.headers["Retry-After"]))

    assert min(values) >= 50
    assert len(values) >= 5


def test_permit_from_a_lease_is_cheap() -> None:
    """A unit is about 10 ms, so the limit is 5 microseconds for each permit."""
    permits = Environments(RateLimit(400, 1_000_000)).start()
    permits.take(900_000)
    permits.limiter.get_leased("acme").count = 900_000

    def take() -> None:
        for _ in range(10_000):
            permits.take(1)

    check_cpu_units(take, 5)
