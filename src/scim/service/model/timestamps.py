"""Convert points in time between seconds since 1970 and RFC 3339 in UTC.

Use cases take their clock as a function that returns seconds since 1970 (a float), as Python's ``time.time`` does:
they compare times and compute with them. Records and responses hold RFC 3339, which is formatted and parsed here only.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def format_rfc3339(seconds: float) -> str:
    """Return a point in time with milliseconds, such as ``2026-06-01T09:00:00.000Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> float:
    """Return the seconds since 1970. Raise ``ValueError`` for another form."""
    return datetime.fromisoformat(text).timestamp()


def list_last_days(now: float, count: int) -> list[str]:
    """Return the last ``count`` days in UTC, as RFC 3339 full-dates: the oldest first, today last."""
    today = datetime.fromtimestamp(now, UTC).date()
    return [(today - timedelta(days=ago)).isoformat() for ago in reversed(range(count))]
