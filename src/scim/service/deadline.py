"""The time that a request has, and the pauses between its attempts."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from scim.protocol.errors import Unavailable

# The answer must be made and sent, and the gateway gives up at 30 s.
_RESERVE_S = 1.0
_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.5
# The system's randomness: execution environments restored from one snapshot would share a generator's state, and pause
# in step with each other.
_RANDOM = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Deadline:
    """``remaining_s`` tells the seconds that are left, ``sleep`` waits."""

    remaining_s: Callable[[], float]
    sleep: Callable[[float], None]

    @property
    def is_near(self) -> bool:
        """Whether nothing more should be begun."""
        return self.remaining_s() < _RESERVE_S

    def pause(self, attempt: int) -> None:
        """Wait before attempt ``attempt`` + 1: full jitter, so that those who collided spread.

        Raises :class:`Unavailable` where the time is up.
        """
        longest = min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S)
        if self.is_near or self.remaining_s() - longest < _RESERVE_S:
            raise Unavailable(
                "The service could not finish in time; send the request again.", headers={"Retry-After": "1"}
            )
        self.sleep(_RANDOM.uniform(0, longest))
