"""The clock, deadlines and random ids for use cases, which do not call the system themselves."""

from __future__ import annotations

import random
import time
import uuid

from scim.service.deadline import Deadline


def create_deadline(seconds: float) -> Deadline:
    """Return a deadline ``seconds`` from now."""
    end = time.monotonic() + seconds
    return Deadline(lambda: end - time.monotonic(), time.sleep)


def elapsed_time() -> float:
    """Return the seconds of a clock that never goes back."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait for a number of seconds."""
    time.sleep(seconds)


def current_time() -> float:
    """Return the seconds since 1970."""
    return time.time()


# Execution environments that are restored from the same snapshot would share the state of any other generator.
_RANDOM = random.SystemRandom()


def random_fraction() -> float:
    """Return a random number from 0 to 1."""
    return _RANDOM.random()


def new_id() -> str:
    """Return a random UUID (version 4) in lower case."""
    return str(uuid.uuid4())
