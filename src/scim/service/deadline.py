"""The deadline of a request, and the pauses before its retries."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from scim.protocol.errors import Unavailable

# The time to build and send the response: API Gateway times out after 30 s.
_RESERVE_S = 1.0
CALL_TIMEOUT_S = 3.0
"""The maximum time of a call to AWS: 1 s to connect, 2 s to read (:mod:`scim.aws.config`)."""
_FIRST_PAUSE_S = 0.01
_MAX_PAUSE_S = 0.5
# Execution environments that are restored from the same snapshot would share the state of any other generator, so they
# would all choose the same pauses.
_RANDOM = random.SystemRandom()


class RetryCause(StrEnum):
    """The cause of a retry."""

    CONFLICT = "conflict"
    """Another request wrote the same item at the same time."""
    UNAVAILABLE = "unavailable"
    """An AWS service throttled the call, or did not respond."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The deadline of a request.

    ``remaining_s`` returns the seconds that are left. ``sleep`` waits for a number of seconds. ``retry_causes`` has the
    cause of each retry. Deadlines that are derived from this one add to the same list.
    """

    remaining_s: Callable[[], float]
    sleep: Callable[[float], None]
    retry_causes: list[RetryCause] = field(default_factory=list)

    def with_share(self, share: float) -> Deadline:
        """Return a deadline after a share (0 to 1) of the time that is left."""
        reserve_s = self.remaining_s() * (1 - share)
        return replace(self, remaining_s=lambda: self.remaining_s() - reserve_s)

    def with_limit(self, seconds: float) -> Deadline:
        """Return a deadline after ``seconds``, but not later than this one."""
        reserve_s = max(self.remaining_s() - seconds, 0.0)
        return replace(self, remaining_s=lambda: self.remaining_s() - reserve_s)

    def require_time(self) -> None:
        """Raise :class:`Unavailable` if there is no time for another call to AWS (:meth:`has_time`)."""
        if not self.has_time():
            raise build_out_of_time_error()

    def has_time(self) -> bool:
        """Return whether there is time for one more call to AWS, even if it times out, and for the response."""
        return self.remaining_s() >= CALL_TIMEOUT_S + _RESERVE_S

    def pause(self, attempt: int, cause: RetryCause = RetryCause.UNAVAILABLE) -> None:
        """Wait before a retry, and add its cause. ``attempt`` is the number of earlier retries.

        The pauses grow exponentially and have full jitter, so that clients that collided do not collide again (AWS
        Architecture Blog, "Exponential Backoff And Jitter"). Raise :class:`Unavailable` if no time is left for a retry.
        """
        self.require_time()
        self.retry_causes.append(cause)
        longest_s = min(_FIRST_PAUSE_S * 2**attempt, _MAX_PAUSE_S)
        self.sleep(_RANDOM.uniform(0, longest_s))


def build_out_of_time_error() -> Unavailable:
    """Return the error for a request that could not be finished before its deadline. It has changed nothing."""
    return Unavailable("The service could not finish in time. Send the request again.", headers={"Retry-After": "1"})
