"""The time that a request has."""

import pytest

from handlers.http.application import RETRY_LOG_FIELDS
from scim.protocol.errors import Unavailable
from scim.service.deadline import RetryCause
from tests.service.fakes import Clock


def test_pauses_grow_to_half_a_second() -> None:
    clock = Clock(left_s=1_000)

    for attempt in range(40):
        clock.deadline.pause(attempt)

    longest = [min(0.01 * 2**attempt, 0.5) for attempt in range(40)]
    assert [0 <= slept <= most for slept, most in zip(clock.slept, longest, strict=True)] == [True] * 40
    assert max(clock.slept) > 0.1


def test_pauses_after_a_collision_differ() -> None:
    one, other = Clock(left_s=1_000), Clock(left_s=1_000)

    for attempt in range(10):
        one.deadline.pause(attempt)
        other.deadline.pause(attempt)

    assert one.slept != other.slept


@pytest.mark.parametrize("left_s", [4.0, 29.0])
def test_call_needs_time_to_hang_and_for_the_response(left_s: float) -> None:
    Clock(left_s).deadline.require_time()


@pytest.mark.parametrize("left_s", [-1.0, 0.0, 3.99])
def test_call_that_may_outlast_the_request_is_rejected(left_s: float) -> None:
    with pytest.raises(Unavailable):
        Clock(left_s).deadline.require_time()


def test_pause_without_time_is_a_503_with_retry_after() -> None:
    clock = Clock(left_s=3.5)

    with pytest.raises(Unavailable) as refused:
        clock.deadline.pause(attempt=9)

    assert refused.value.headers == {"Retry-After": "1"}
    assert clock.slept == []


def test_share_ends_earlier_and_adds_to_the_causes() -> None:
    clock = Clock(left_s=20)
    whole = clock.deadline
    half = whole.with_share(0.5)

    half.pause(1)
    clock.sleep(7)

    assert whole.retry_causes == half.retry_causes == [RetryCause.UNAVAILABLE]
    assert whole.has_time()
    assert not half.has_time()


@pytest.mark.parametrize(("left_s", "expected"), [(29.0, 6.0), (5.0, 5.0), (-1.0, -1.0)])
def test_limit_ends_at_its_time_and_with_the_request(left_s: float, expected: float) -> None:
    clock = Clock(left_s)
    part = clock.deadline.with_limit(6.0)
    assert part.remaining_s() == expected
    clock.left_s -= 2.0
    assert part.remaining_s() == expected - 2.0


def test_log_counts_every_cause_of_a_retry() -> None:
    assert set(RETRY_LOG_FIELDS) == set(RetryCause)
