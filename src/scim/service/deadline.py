"""The deadline of a request, and the pauses between its attempts."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from scim.protocol.errors import Unavailable

# The response must be built and sent, and API Gateway gives up after 30 s.
_RESERVE_S = 1.0
CALL_TIMEOUT_S = 3.0
"""The time that a call to AWS can take: 1 s to connect, 2 s to read."""
_FIRST_PAUSE_S = 0.01
_MAX_PAUSE_S = 0.5
# Execution environments that are restored from one snapshot would share the state of a generator, and pause together.
_RANDOM = random.SystemRandom()


class RetryCause(StrEnum):
    """The cause of a retry."""

    CONFLICT = "conflict"
    """Another request wrote the same item at the same time."""
    UNAVAILABLE = "unavailable"
    """An AWS service throttled the call, or did not respond."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The time that a request may take.

    ``remaining_s`` returns the seconds that are left, ``sleep`` waits. ``retry_causes`` has the cause of each retry so
    far. Deadlines that are derived from this one add to the same list.
    """

    remaining_s: Callable[[], float]
    sleep: Callable[[float], None]
    retry_causes: list[RetryCause] = field(default_factory=list)

    def with_share(self, share: float) -> Deadline:
        """Return the deadline of a part that may take a share (0 to 1) of the time that is left."""
        reserve_s = self.remaining_s() * (1 - share)
        return replace(self, remaining_s=lambda: self.remaining_s() - reserve_s)

    def with_limit(self, seconds: float) -> Deadline:
        """Return the deadline of a part that may take this many seconds, but not longer than this deadline."""
        reserve_s = max(self.remaining_s() - seconds, 0.0)
        return replace(self, remaining_s=lambda: self.remaining_s() - reserve_s)

    def require_time(self) -> None:
        """Raise :class:`Unavailable` unless there is time for one more call, even if it hangs, and for the response."""
        if not self.has_time():
            raise Unavailable(
                "The service could not finish in time; send the request again.", headers={"Retry-After": "1"}
            )

    def has_time(self) -> bool:
        """Return whether there is time for one more call, even if it hangs, and for the response."""
        return self.remaining_s() >= CALL_TIMEOUT_S + _RESERVE_S

    def pause(self, attempt: int, cause: RetryCause = RetryCause.UNAVAILABLE) -> None:
        """Wait before the next attempt, and add its cause. ``attempt`` is the number of retries before, from 0.

        The pauses have full jitter, so that clients that collided do not collide again (AWS Architecture Blog,
        "Exponential Backoff And Jitter"). Raise :class:`Unavailable` if the time is up.
        """
        self.require_time()
        self.retry_causes.append(cause)
        longest_s = min(_FIRST_PAUSE_S * 2**attempt, _MAX_PAUSE_S)
        self.sleep(_RANDOM.uniform(0, longest_s))
