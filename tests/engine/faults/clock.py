"""A clock for deadlines that sleeping and faults advance, so that no test waits."""

from threading import Lock

from scim.service.deadline import Deadline

REQUEST_TIMEOUT_S = 12.0
"""The time of a request, which is enough for several attempts of each call."""


class SharedClock:
    """Time that all threads share. Threads that sleep at the same time advance it one after the other."""

    def __init__(self) -> None:
        self._now = 0.0
        self._lock = Lock()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._now += seconds

    def create_deadline(self, seconds: float) -> Deadline:
        """Return a deadline after ``seconds``, at most :data:`REQUEST_TIMEOUT_S`."""
        end = self._now + min(seconds, REQUEST_TIMEOUT_S)
        return Deadline(lambda: end - self._now, self.advance)
