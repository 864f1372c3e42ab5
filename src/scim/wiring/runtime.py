"""The clock, deadlines and random ids for use cases, which do not call the system themselves."""

from __future__ import annotations

import time
import uuid

from scim.service.deadline import Deadline


def create_deadline(seconds: float) -> Deadline:
    """Return a deadline ``seconds`` from now."""
    end = time.monotonic() + seconds
    return Deadline(lambda: end - time.monotonic(), time.sleep)


def current_time() -> float:
    """Return the seconds since 1970."""
    return time.time()


def new_id() -> str:
    """Return a random UUID (version 4) in lower case."""
    return str(uuid.uuid4())
