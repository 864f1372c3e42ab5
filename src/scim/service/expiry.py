"""The end of a token, and how near it is."""

from __future__ import annotations

DAY_S = 86_400.0
WARNING_DAYS = (1, 7, 30)


def warning(expires: float | None, now: float) -> int | None:
    """How near the end of a token is, in days: within 30, 7 or 1; ``None`` while there is time."""
    if expires is None:
        return None
    return next((days for days in WARNING_DAYS if expires - now <= days * DAY_S), None)
