"""The time that a request has."""

import pytest

from scim.protocol.errors import Unavailable
from tests.service.fakes import Clock


def test_pauses_grow_with_the_attempts_up_to_half_a_second() -> None:
    clock = Clock(left_s=1_000)

    for attempt in range(40):
        clock.deadline.pause(attempt)

    longest = [min(0.01 * 2**attempt, 0.5) for attempt in range(40)]
    assert [0 <= slept <= most for slept, most in zip(clock.slept, longest, strict=True)] == [True] * 40
    assert max(clock.slept) > 0.1


def test_pauses_of_those_who_collided_differ() -> None:
    one, other = Clock(left_s=1_000), Clock(left_s=1_000)

    for attempt in range(10):
        one.deadline.pause(attempt)
        other.deadline.pause(attempt)

    assert one.slept != other.slept


@pytest.mark.parametrize(("left_s", "is_near"), [(0.0, True), (0.99, True), (1.0, False), (29.0, False)])
def test_deadline_is_near_a_second_before_it(left_s: float, is_near: bool) -> None:
    assert Clock(left_s).deadline.is_near is is_near


def test_pause_that_would_use_up_the_time_is_refused_with_503_and_when_to_come_again() -> None:
    clock = Clock(left_s=1.2)

    with pytest.raises(Unavailable) as refused:
        clock.deadline.pause(attempt=9)

    assert refused.value.headers == {"Retry-After": "1"}
    assert clock.slept == []
