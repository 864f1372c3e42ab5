"""The deadline of a request."""

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
    assert [0 <= slept <= limit for slept, limit in zip(clock.slept, longest, strict=True)] == [True] * 40
    assert max(clock.slept) > 0.1


def test_pauses_after_a_collision_differ() -> None:
    one, other = Clock(left_s=1_000), Clock(left_s=1_000)

    for attempt in range(10):
        one.deadline.pause(attempt)
        other.deadline.pause(attempt)

    assert one.slept != other.slept


@pytest.mark.parametrize("left_s", [4.0, 29.0])
def test_call_with_enough_time_is_allowed(left_s: float) -> None:
    Clock(left_s).deadline.require_time()


@pytest.mark.parametrize("left_s", [-1.0, 0.0, 3.99])
def test_call_without_enough_time_is_rejected(left_s: float) -> None:
    with pytest.raises(Unavailable):
        Clock(left_s).deadline.require_time()


def test_pause_without_time_is_503() -> None:
    clock = Clock(left_s=3.5)

    with pytest.raises(Unavailable) as error:
        clock.deadline.pause(attempt=9)

    assert error.value.headers == {"Retry-After": "1"}
    assert clock.slept == []


def test_share_of_deadline_ends_earlier() -> None:
    clock = Clock(left_s=20)
    whole = clock.deadline
    half = whole.with_share(0.5)

    half.pause(1)
    clock.sleep(7)

    assert whole.retry_causes == half.retry_causes == [RetryCause.UNAVAILABLE]
    assert whole.has_time()
    assert not half.has_time()


@pytest.mark.parametrize(("left_s", "expected"), [(29.0, 6.0), (5.0, 5.0), (-1.0, -1.0)])
def test_limit_ends_at_its_time_or_with_request(left_s: float, expected: float) -> None:
    clock = Clock(left_s)
    part = clock.deadline.with_limit(6.0)
    assert part.remaining_s() == expected
    clock.left_s -= 2.0
    assert part.remaining_s() == expected - 2.0


def test_causes_of_retries_have_log_fields() -> None:
    assert set(RETRY_LOG_FIELDS) == set(RetryCause)
