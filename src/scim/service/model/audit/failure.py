"""Failed requests, as the audit log stores and counts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from scim.protocol.errors import Rule
from scim.service.model.identity_provider import IdentityProvider

RETENTION_DAYS = 30
"""For how many days a failure is stored after it happened last."""
REPEATING_THRESHOLD = 5
"""A failure is repeating if it happened so many times today and yesterday (UTC)."""


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """A request, or an operation of a bulk request, as it was received.

    ``operation`` is that of a write, or the method and the endpoint of another request, such as ``GET Users``.
    """

    operation: str
    resource_id: str | None = None
    body: Any = None
    query: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that failed, or a silent no-op (``status`` 200). ``at`` is RFC 3339 in UTC.

    ``identifier`` is what the person is found by, and ``identifier_kind`` is ``userName``, ``externalId``, ``email``,
    ``id`` or ``filter``; both are empty if the request names nobody. ``identifier_hashes`` are those of all identifiers
    and names in the request. ``attributes_sent`` and ``ignored`` are names of attributes. ``rejected_leniency`` is the
    label of the leniency that strict mode rejected.
    """

    at: str
    operation: str
    status: int
    scim_type: str | None
    rule: str
    detail: str
    attribute: str | None
    identifier_kind: str
    identifier: str
    identifier_hashes: frozenset[str]
    attributes_sent: Sequence[str]
    ignored: Sequence[str]
    rejected_leniency: str | None
    provider: IdentityProvider | None
    request_id: str

    @property
    def is_no_op(self) -> bool:
        """Return whether the request was answered with success although a part of it was ignored."""
        return self.rule == Rule.NO_OP


@dataclass(frozen=True, slots=True)
class FailureCount:
    """A failure with how often it happened.

    ``count`` is the number since ``first_at`` (RFC 3339 in UTC), ``counts_by_day`` the number on each day (UTC).
    ``failure`` is the last occurrence.
    """

    failure: Failure
    first_at: str
    count: int
    counts_by_day: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_repeating(self) -> bool:
        """Return whether the same request has failed five times or more since yesterday (UTC)."""
        today = date.fromisoformat(self.failure.at[:10])
        yesterday = today - timedelta(days=1)
        return sum(self.counts_by_day.get(day.isoformat(), 0) for day in (today, yesterday)) >= REPEATING_THRESHOLD


class FailureKind(StrEnum):
    """The kinds of failures that are counted by day. The first four are writes that failed. The values are stored."""

    CREATE = "create"
    REPLACE = "replace"
    PATCH = "patch"
    DELETE = "delete"
    OTHER_REQUEST = "other_requests"
    """Failed requests that are no writes, such as queries."""
    UNSUPPORTED = "unsupported"
    """Requests for what is not supported (501), such as groups. Users are provisioned without them."""
    NO_OP = "no_ops"
    """Requests that were answered with success although a part of them was ignored. They did not fail."""
    REPEATING = "repeating_failures"
    """Failed requests that are repeating, without those that are unsupported. They are also counted by their kind."""
    WRONG_SCIM_URL = "wrong_scim_urls"
    """Requests that failed because the identity provider has a wrong SCIM URL. They are also counted by their kind."""
    REJECTED_TOKEN = "rejected_tokens"  # noqa: S105  # no token
    """Requests with a token of this service that is not valid any more."""


_WRITE_KINDS = (FailureKind.CREATE, FailureKind.REPLACE, FailureKind.PATCH, FailureKind.DELETE)


def classify_failure(operation: str, status: int) -> FailureKind:
    """Return the kind of a failed operation."""
    if status == HTTPStatus.NOT_IMPLEMENTED:
        return FailureKind.UNSUPPORTED
    return FailureKind(operation) if operation in _WRITE_KINDS else FailureKind.OTHER_REQUEST


@dataclass(frozen=True, slots=True)
class DailyFailures:
    """The counts of one day or, added up, of several.

    ``provider`` is the identity provider that was detected last; ``last_rejection`` is when a token was rejected last,
    ``last_wrong_url`` when a request failed last because the SCIM URL is wrong: RFC 3339 in UTC, empty if none did.
    """

    counts: Mapping[FailureKind, int] = field(default_factory=dict)
    provider: IdentityProvider | None = None
    last_rejection: str = ""
    last_wrong_url: str = ""

    def get_count(self, kind: FailureKind) -> int:
        """Return how many failures of a kind were counted."""
        return self.counts.get(kind, 0)

    @property
    def failed_writes(self) -> int:
        """The writes of users that failed."""
        return sum(map(self.get_count, _WRITE_KINDS))

    @property
    def failed_requests(self) -> int:
        """All requests that failed, without those that are unsupported and those whose token was rejected."""
        return self.failed_writes + self.get_count(FailureKind.OTHER_REQUEST)

    @property
    def failures(self) -> int:
        """All requests that failed, with those that are unsupported and those whose token was rejected."""
        return (
            self.failed_requests + self.get_count(FailureKind.UNSUPPORTED) + self.get_count(FailureKind.REJECTED_TOKEN)
        )


def sum_days(days: Iterable[DailyFailures]) -> DailyFailures:
    """Return the sum of the counts of some days, which are given in order."""
    counts: dict[FailureKind, int] = {}
    provider, last_rejection, last_wrong_url = None, "", ""
    for day in days:
        counts = {kind: counts.get(kind, 0) + day.get_count(kind) for kind in {*counts, *day.counts}}
        provider = day.provider or provider
        last_rejection = max(last_rejection, day.last_rejection)
        last_wrong_url = max(last_wrong_url, day.last_wrong_url)
    return DailyFailures(counts, provider, last_rejection, last_wrong_url)
