"""The time that a request has, and the pauses between its attempts."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

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


CONFLICT, REFUSED = "conflict", "refused"
"""Why something is attempted once more: others wrote at the same time, or a store refused or did not answer."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """``remaining_s`` tells the seconds that are left, ``sleep`` waits. ``causes`` has why it was, each time."""

    remaining_s: Callable[[], float]
    sleep: Callable[[float], None]
    causes: list[str] = field(default_factory=list)

    def part(self, share: float) -> Deadline:
        """The deadline for something that may take so much of what is left, 0 to 1."""
        kept = self.remaining_s() * (1 - share)
        return replace(self, remaining_s=lambda: self.remaining_s() - kept)

    def at_most(self, seconds: float) -> Deadline:
        """Return the deadline for something that may take so many seconds, and no longer than this one."""
        kept = max(self.remaining_s() - seconds, 0.0)
        return replace(self, remaining_s=lambda: self.remaining_s() - kept)

    def check(self) -> None:
        """Raise :class:`Unavailable` unless there is time for one more call, should it hang, and for the answer."""
        if not self.has_time():
            raise Unavailable(
                "The service could not finish in time; send the request again.", headers={"Retry-After": "1"}
            )

    def has_time(self) -> bool:
        """Whether there is time for one more call, should it hang, and for the answer."""
        return self.remaining_s() >= CALL_S + _RESERVE_S

    def pause(self, attempt: int, cause: str = REFUSED) -> None:
        """Wait before attempt ``attempt`` + 1: full jitter, so that those who collided spread.

        Raises :class:`Unavailable` where the time is up.
        """
        self.check()
        self.causes.append(cause)
        longest = min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S)
        self.sleep(_RANDOM.uniform(0, longest))
