"""Test the bound on consumed capacity."""

import pytest

from scim.service.maintenance.pacer import PARTITION_READ_UNITS, PARTITION_WRITE_UNITS, Pacer
from tests.fake_clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.mark.parametrize(("read_units", "write_units"), [(256.0, 0.0), (0.0, 25.0), (12.5, 3.0)])
def test_rate_is_bounded(clock: FakeClock, read_units: float, write_units: float) -> None:
    """In any time, the work consumes at most 10 percent of a partition and one call."""
    pacer = Pacer(10, clock.now, clock.sleep)
    start = clock.now()
    for number in range(200):
        elapsed_s = clock.now() - start
        assert read_units * number <= PARTITION_READ_UNITS * 0.1 * elapsed_s + 1e-6
        assert write_units * number <= PARTITION_WRITE_UNITS * 0.1 * elapsed_s + 1e-6
        pacer.charge(read_units, write_units)
    assert (pacer.calls, pacer.read_units, pacer.write_units) == (200, read_units * 200, write_units * 200)


def test_slow_work_does_not_wait(clock: FakeClock) -> None:
    pacer = Pacer(10, clock.now, clock.sleep)
    for _ in range(10):
        clock.sleep(1)
        before = clock.now()
        pacer.charge(3, 0)
        assert clock.now() - before == pytest.approx(0.01)


def test_idle_time_is_not_saved_up(clock: FakeClock) -> None:
    """After an idle hour, the rate is the same as before."""
    pacer = Pacer(10, clock.now, clock.sleep)
    clock.sleep(3_600)
    start = clock.now()
    for _ in range(10):
        pacer.charge(300, 0)
    assert clock.now() - start == pytest.approx(10)
