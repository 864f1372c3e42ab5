"""The time that a request has, and the pauses between its attempts."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from scim.protocol.errors import Unavailable

# The answer must be made and sent, and the gateway gives up at 30 s.
_RESERVE_S = 1.0
CALL_S = 3.0
"""How long a call may hang: connecting 1 s, reading 2 s."""
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

    def check(self) -> None:
        """Raise :class:`Unavailable` unless there is time for one more call, should it hang, and for the answer."""
        if self.remaining_s() < CALL_S + _RESERVE_S:
            raise Unavailable(
                "The service could not finish in time; send the request again.", headers={"Retry-After": "1"}
            )

    def pause(self, attempt: int) -> None:
        """Wait before attempt ``attempt`` + 1: full jitter, so that those who collided spread.

        Raises :class:`Unavailable` where the time is up.
        """
        self.check()
        longest = min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S)
        self.sleep(_RANDOM.uniform(0, longest))
