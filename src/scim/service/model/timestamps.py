"""Points in time: RFC 3339 in UTC, and seconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime


def format_rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
