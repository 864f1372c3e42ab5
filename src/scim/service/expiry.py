"""The end of a token, and how near it is."""

from __future__ import annotations

from math import inf, isfinite

DAY_S = 86_400.0
FOREVER = inf
"""The lifetime of a token that does not end."""
WARNING_DAYS = (1, 7, 30)


def end(now: float, lifetime_s: float) -> float | None:
    """When a token ends that is made now, ``None`` for never. Raises ``ValueError`` for one that would be over."""
    if lifetime_s <= 0:
        raise ValueError("A token lives for longer than no time.")
    return now + lifetime_s if isfinite(lifetime_s) else None


def warning(expires: float | None, now: float) -> int | None:
    """How near the end of a token is, in days: within 30, 7 or 1; ``None`` while there is time."""
    if expires is None:
        return None
    return next((days for days in WARNING_DAYS if expires - now <= days * DAY_S), None)
