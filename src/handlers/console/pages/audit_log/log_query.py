"""The query string of the audit log's page and files: the filter, and the position of a page."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlencode

from handlers.console.response import PageError
from scim.service.audit.log_filter import LogFilter, is_status
from scim.service.model.audit.log_record import LogPosition

_MAX_LENGTH = 200
_MAX_KEY_BYTES = 1_024
"""DynamoDB accepts no longer sort keys."""
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


def parse_filter(parameters: Mapping[str, str]) -> LogFilter:
    """Return the filter in a query string. Raise :class:`PageError` if a value is malformed."""

    def get(name: str) -> str:
        return parameters.get(name, "").strip()[:_MAX_LENGTH]

    status = get("status")
    if status and not is_status(status):
        raise PageError(HTTPStatus.BAD_REQUEST, "The status in the filter is neither a result nor an HTTP status.")
    return LogFilter(
        person=get("person"),
        operation=get("operation"),
        status=status,
        rule=get("rule"),
        request_id=get("request"),
        since=_parse_time(get("since")),
        until=_parse_time(get("until")),
    )


def parse_position(text: str | None) -> LogPosition | None:
    """Return the position that a link holds, ``None`` for no text. Raise :class:`PageError` if it is malformed."""
    if not text:
        return None
    try:
        at, partition, sort = urlsafe_b64decode(text).decode().split("\n", 2)
    except ValueError:
        at = partition = sort = ""
    if not _RFC3339.fullmatch(at) or max(len(partition.encode()), len(sort.encode())) > _MAX_KEY_BYTES:
        raise PageError(HTTPStatus.BAD_REQUEST, "The link to other entries is incomplete. Open the audit log again.")
    return LogPosition(at, partition, sort)


def build_query(log_filter: LogFilter, *, before: LogPosition | None = None, after: LogPosition | None = None) -> str:
    """Return the query string of a page, without the question mark; empty for the newest of all entries.

    The page has the entries older than ``before``, or newer than ``after``.
    """
    values = {
        "person": log_filter.person,
        "operation": log_filter.operation,
        "status": log_filter.status,
        "rule": log_filter.rule,
        "request": log_filter.request_id,
        "since": log_filter.since,
        "until": log_filter.until,
        "before": _encode_position(before),
        "after": _encode_position(after),
    }
    return urlencode({name: value for name, value in values.items() if value})


def _encode_position(position: LogPosition | None) -> str:
    """Return a position as text for a link. A changed link can only show other entries of the same log."""
    if position is None:
        return ""
    return urlsafe_b64encode("\n".join((position.at, position.partition, position.sort)).encode()).decode()


def _parse_time(text: str) -> str:
    """Return a date or time as RFC 3339 with milliseconds in UTC; empty for no text. Raise :class:`PageError`."""
    if not text:
        return ""
    try:
        time = datetime.fromisoformat(text)
        in_utc = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise PageError(
            HTTPStatus.BAD_REQUEST, "A time in the filter is malformed. Use for example 2026-06-01T09:00."
        ) from None
    return in_utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
