"""The limit of deactivations, the alert, and the brake, with counts in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from threading import Barrier, Event, Thread

import pytest

from scim.protocol.errors import DeactivationsHeld, Unavailable
from scim.service.deactivation_guard import (
    MAX_READING_AGE_S,
    SHARE_OF_REMAINING,
    DeactivationGuard,
    DeactivationReadings,
)
from scim.service.model.deactivations.brake import BrakeSettings, DeactivationLimit, MassDeactivation
from scim.service.model.deactivations.counts import SNAPSHOT_INTERVAL_S, WINDOW_S, DeactivationCounts
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339
from tests.service.fakes import MemoryDeactivations

START = 1_769_851_800.0
DAY_S = 86_400.0


@dataclass
class Environment:
    """Execution environments of one tenant with 100 users. Its limit is 20 deactivations."""

    store: MemoryDeactivations = field(
        default_factory=lambda: MemoryDeactivations(DeactivationCounts(active=100, deactivated=500))
    )
    brake: BrakeSettings = field(default_factory=BrakeSettings)
    now: float = START
    reported: list[MassDeactivation] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    readings: DeactivationReadings = field(default_factory=DeactivationReadings)
    limit: DeactivationLimit = field(default_factory=lambda: DeactivationLimit(percent=20, minimum=10))

    @property
    def guard(self) -> DeactivationGuard:
        """The guard of a request."""
        tenant = Tenant("acme", brake=self.brake)
        return DeactivationGuard(
            tenant,
            self.readings,
            self.store,
            self.limit,
            "request-1",
            lambda: self.now,
            self.reported.append,
            self.faults.append,
        )

    def deactivate(self, number: int = 1) -> int:
        """Deactivate users with one request for each; return how many were accepted."""
        accepted = 0
        for _ in range(number):
            try:
                with self.guard.admit():
                    self.store.add()
                accepted += 1
            except DeactivationsHeld:
                continue
        return accepted

    def release(self, duration_s: float = DAY_S) -> None:
        self.brake = replace(self.brake, reset_at=self.now, released_until=self.now + duration_s)


@pytest.fixture
def environment() -> Environment:
    return Environment()


@pytest.fixture
def braked() -> Environment:
    return Environment(brake=BrakeSettings(is_on=True))


@pytest.mark.parametrize(
    ("active", "accepted"), [(0, 9), (10, 9), (49, 9), (50, 10), (100, 20), (104, 20), (105, 21), (10_000, 2_000)]
)
def test_limit_is_a_percentage_but_at_least_the_minimum(active: int, accepted: int) -> None:
    assert DeactivationLimit(percent=20, minimum=10).compute_accepted(active) == accepted


def test_limit_of_100_percent_never_alerts() -> None:
    environment = Environment(limit=DeactivationLimit(percent=100, minimum=1))
    assert environment.deactivate(100) == 100
    assert environment.reported == []


class TestAlert:
    def test_first_deactivation_over_the_limit_alerts_once(self, environment: Environment) -> None:
        environment.deactivate(20)
        assert environment.reported == []
        environment.deactivate(30)
        expected = MassDeactivation(format_rfc3339(START), 21, 100, is_held=False, request_id="request-1")
        assert environment.reported == environment.store.alerts == [expected]

    def test_slow_deactivations_do_not_alert(self, environment: Environment) -> None:
        """At most 14 of 100 users are deactivated within an hour."""
        for _ in range(12):
            assert environment.deactivate(2) == 2
            environment.now += 600
        assert environment.reported == []

    def test_alert_repeats_after_an_hour_of_more_deactivations(self, environment: Environment) -> None:
        environment.store = MemoryDeactivations(DeactivationCounts(active=100_000, deactivated=0))
        for _ in range(36):
            environment.store.add(2_000)
            environment.deactivate()
            environment.now += 300
        times = [alert.at for alert in environment.reported]
        assert len(times) in (2, 3)
        assert all(alert.deactivated > 20_000 * 0.8 for alert in environment.reported)

    def test_alert_of_another_environment_is_not_repeated(self, environment: Environment) -> None:
        environment.deactivate(21)
        other = Environment(store=environment.store)
        other.deactivate(5)
        assert other.reported == []

    def test_unreadable_count_is_reported_and_fails_no_request(self, environment: Environment) -> None:
        error = Unavailable("DynamoDB did not answer.")
        environment.store = UnreadableDeactivations(error)
        assert environment.deactivate(3) == 3
        assert environment.faults == [error]


class UnreadableDeactivations(MemoryDeactivations):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def read(self) -> DeactivationCounts:
        raise self.error


class TestCount:
    def test_snapshot_before_the_first_deactivation(self, environment: Environment) -> None:
        environment.deactivate()
        assert [[(s.at, s.deactivated) for s in written] for written in environment.store.written_snapshots] == [
            [(START, 500)]
        ]

    def test_snapshots_are_rare_and_limited(self, environment: Environment) -> None:
        environment.store = MemoryDeactivations(DeactivationCounts(active=100_000, deactivated=0))
        for _ in range(3 * 3_600 // 10):
            environment.deactivate()
            environment.now += 10
        written = environment.store.written_snapshots
        assert len(written) == 3 * 3_600 // SNAPSHOT_INTERVAL_S
        assert max(map(len, written)) == WINDOW_S // SNAPSHOT_INTERVAL_S + 1

    def test_reading_is_used_for_five_seconds(self, environment: Environment) -> None:
        environment.deactivate(10)
        assert environment.store.read_count == 1
        environment.now += MAX_READING_AGE_S
        environment.deactivate()
        assert environment.store.read_count == 2

    def test_deactivations_before_the_hour_do_not_count(self, braked: Environment) -> None:
        assert braked.deactivate(15) == 15
        braked.now += WINDOW_S + 1
        assert braked.deactivate(15) == 15
        assert braked.reported == []

    def test_reactivated_users_do_not_count(self, braked: Environment) -> None:
        assert braked.deactivate(15) == 15
        braked.store.add(-15)
        assert braked.deactivate(20) == 20
        assert braked.deactivate() == 0


class TestBrake:
    def test_limit_is_exact_in_one_environment(self, braked: Environment) -> None:
        assert braked.deactivate(50) == 20
        expected = MassDeactivation(format_rfc3339(START), 20, 100, is_held=True, request_id="request-1")
        assert braked.reported == braked.store.alerts == [expected]

    def test_error_says_what_happened_and_what_to_do(self, braked: Environment) -> None:
        braked.deactivate(20)
        with pytest.raises(DeactivationsHeld) as caught, braked.guard.admit():
            pytest.fail("the brake must refuse")
        assert caught.value.status == 403
        assert "20 of 100 active users" in caught.value.detail
        assert "ask the operator to release" in caught.value.detail

    def test_hold_lasts_until_the_release(self, braked: Environment) -> None:
        braked.deactivate(21)
        braked.now += 7 * DAY_S
        assert braked.deactivate(3) == 0
        braked.release()
        assert braked.deactivate(60) == 60

    def test_count_starts_at_zero_after_the_release(self, braked: Environment) -> None:
        braked.deactivate(21)
        braked.release(600)
        assert braked.deactivate(30) == 30
        braked.now += 601
        accepted = DeactivationLimit(20, 10).compute_accepted(braked.store.counts.active)
        assert braked.deactivate(40) == accepted
        assert [alert.is_held for alert in braked.reported] == [True, True]

    def test_turned_on_after_the_alert_it_holds(self, environment: Environment) -> None:
        environment.deactivate(30)
        environment.now += 10
        environment.brake = BrakeSettings(is_on=True, reset_at=environment.now)
        environment.now += 1
        assert environment.deactivate(5) == 0
        assert [alert.is_held for alert in environment.reported] == [False, True]

    def test_turned_off_and_on_it_forgets_the_hold(self, braked: Environment) -> None:
        braked.deactivate(21)
        braked.now += WINDOW_S + 1
        braked.brake = BrakeSettings(is_on=True, reset_at=braked.now)
        assert braked.deactivate(3) == 3

    def test_unreadable_count_fails_the_request(self, braked: Environment) -> None:
        braked.store = UnreadableDeactivations(Unavailable("DynamoDB did not answer."))
        with pytest.raises(Unavailable):
            braked.deactivate()

    def test_failed_write_does_not_use_up_the_limit(self, braked: Environment) -> None:
        for _ in range(100):
            with pytest.raises(KeyError), braked.guard.admit():
                raise KeyError
        assert braked.deactivate(50) == 20

    def test_parallel_operations_of_a_request_stay_within_the_limit(self, braked: Environment) -> None:
        guard, barrier, accepted = braked.guard, Barrier(8), []

        def run() -> None:
            barrier.wait()
            for _ in range(25):
                try:
                    with guard.admit():
                        braked.store.add()
                        accepted.append(1)
                except DeactivationsHeld:
                    return

        threads = [Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(accepted) == 20

    def test_waiting_operations_share_one_reading(self, braked: Environment) -> None:
        """Seven operations wait for a slow write. One of them reads the count, for all of them."""
        braked.store = MemoryDeactivations(DeactivationCounts(active=5_000, deactivated=0))
        guard, release, is_running = braked.guard, Event(), Event()

        def write_slowly() -> None:
            with guard.admit():
                is_running.set()
                release.wait(10)

        def write() -> None:
            with guard.admit():
                braked.store.add()

        slow = Thread(target=write_slowly)
        slow.start()
        is_running.wait(10)
        braked.now += MAX_READING_AGE_S
        waiting = [Thread(target=write) for _ in range(7)]
        for thread in waiting:
            thread.start()
        release.set()
        for thread in (slow, *waiting):
            thread.join(10)
        assert braked.store.read_count == 2

    def test_refusals_share_one_reading(self, braked: Environment) -> None:
        """A bulk request with many deactivations does not read the count for each of them."""
        braked.deactivate(21)
        read_count = braked.store.read_count
        assert braked.deactivate(500) == 0
        assert braked.store.read_count == read_count
        braked.now += MAX_READING_AGE_S
        assert braked.deactivate(500) == 0
        assert braked.store.read_count == read_count + 1

    def test_refusal_while_the_clock_of_the_operator_is_ahead(self, braked: Environment) -> None:
        """The brake was turned on at a time that this environment reaches only in some minutes."""
        braked.brake = BrakeSettings(is_on=True, reset_at=START + 300)
        assert braked.deactivate(21) == 20

    @pytest.mark.parametrize("count", [2, 8, 40])
    def test_environments_exceed_the_limit_by_their_shares_at_most(self, count: int) -> None:
        """Each environment reads the count at the beginning, and then they take turns."""
        store = MemoryDeactivations(DeactivationCounts(active=5_000, deactivated=0))
        environments = [Environment(store, BrakeSettings(is_on=True)) for _ in range(count)]
        accepted = sum(environment.deactivate() for environment in environments)
        for environment in list_round_robin(environments, 100):
            accepted += environment.deactivate(20)
        limit = 1_000
        assert limit <= accepted <= limit + count * -(-limit // SHARE_OF_REMAINING)
        assert sum(len(environment.reported) for environment in environments) == 1


def list_round_robin(environments: list[Environment], rounds: int) -> Iterator[Environment]:
    for _ in range(rounds):
        yield from environments
