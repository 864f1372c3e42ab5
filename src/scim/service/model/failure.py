"""Failed requests, as the audit log keeps and counts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

KEPT_DAYS = 30


WRITES = {"POST": "create", "PUT": "replace", "PATCH": "patch", "DELETE": "delete"}
"""What a write is called, here and in change records."""


NO_OP = "no-op"


STRICT = "strict-mode"


LOOP = 5
"""From so many times on, today and yesterday together, the same failure for the same person is a loop."""


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """What a request, or an operation of a bulk request, asked for, as it came."""

    operation: str
    resource_id: str | None = None
    body: Any = None
    query: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed request about one person. ``status`` 200 is a silent no-op; ``at`` is RFC 3339 in UTC.

    ``kind`` and ``identifier`` are what the person is found by, both empty where a request is about nobody. ``sent``
    and ``left_out`` are names of attributes, ``refused`` is the leniency that strict mode refused.
    """

    at: str
    operation: str
    status: int
    scim_type: str | None
    rule: str
    detail: str
    attribute: str | None
    kind: str
    identifier: str
    handles: frozenset[str]
    sent: Sequence[str]
    left_out: Sequence[str]
    refused: str | None
    provider: str | None
    request_id: str

    @property
    def is_no_op(self) -> bool:
        return self.rule == NO_OP


@dataclass(frozen=True, slots=True)
class FailureCount:
    """A failure as it was last, since when and how often it happened, in all and on each day (UTC)."""

    failure: Failure
    first: str
    count: int
    days: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_loop(self) -> bool:
        """Whether the same operation fails for the same person again and again."""
        today = date.fromisoformat(self.failure.at[:10])
        yesterday = today - timedelta(days=1)
        return sum(self.days.get(day.isoformat(), 0) for day in (today, yesterday)) >= LOOP
