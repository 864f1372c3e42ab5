"""A clock for deadlines that only sleeping advances."""

import threading

from scim.service.deadline import Deadline


class FakeClock:
    """Time that does not depend on the speed of the machine. Threads sleep independently of each other."""

    def __init__(self) -> None:
        self._slept = threading.local()
        self.total_s = 0.0
        """The seconds that all threads slept."""

    def now(self) -> float:
        """Return the seconds that this thread slept."""
        return getattr(self._slept, "seconds", 0.0)

    def sleep(self, seconds: float) -> None:
        """Advance the time of this thread."""
        self._slept.seconds = self.now() + seconds
        self.total_s += seconds

    def create_deadline(self, seconds: float) -> Deadline:
        """Return a deadline after ``seconds`` of this clock."""
        end = self.now() + seconds
        return Deadline(lambda: end - self.now(), self.sleep)
