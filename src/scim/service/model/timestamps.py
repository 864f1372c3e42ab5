"""Convert times between seconds since 1970 (Unix time) and RFC 3339 in UTC.

Use cases compute with seconds since 1970, as floats. Their clock is a function such as Python's ``time.time``. Records
and responses contain RFC 3339. Only this module formats and parses it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def format_rfc3339(seconds: float) -> str:
    """Return a time as RFC 3339 with milliseconds, such as ``2026-06-01T09:00:00.000Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> float:
    """Return a time as seconds since 1970. Raise ``ValueError`` if the text is not RFC 3339."""
    return datetime.fromisoformat(text).timestamp()


def list_last_days(now: float, count: int) -> list[str]:
    """Return the last ``count`` days in UTC as RFC 3339 full-dates, today last."""
    today = datetime.fromtimestamp(now, UTC).date()
    return [(today - timedelta(days=ago)).isoformat() for ago in reversed(range(count))]
