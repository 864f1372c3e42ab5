"""Failed requests, in the form in which the audit log stores and counts them."""

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
"""The number of days for which a failure is stored after its last occurrence."""
REPEATING_THRESHOLD = 5
"""A failure is repeating if it occurred at least this many times today and yesterday (UTC)."""


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """The parts of a request, or of an operation in a bulk request, that the audit log needs.

    ``operation`` is the operation of a write, such as ``create``, or else the method and the endpoint, such as
    ``GET Users``. ``body`` is the parsed body. ``query`` is the query string, or the filter of a POST to ``.search``.
    """

    operation: str
    resource_id: str | None = None
    body: Any = None
    query: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that failed, or a silent no-op.

    Attributes:
        at: When it happened (RFC 3339 in UTC).
        operation: The operation, as in :class:`RequestSummary`.
        status: The HTTP status of the response; 200 for a silent no-op.
        scim_type: The ``scimType`` of the error response (RFC 7644 section 3.12).
        rule: The rule that the request violated (:class:`scim.protocol.errors.Rule`).
        detail: The ``detail`` of the error response.
        attribute: The name of the attribute that the error is about.
        identifier_kind: The kind of ``identifier`` (:class:`scim.service.model.identifiers.IdentifierKind`).
        identifier: The first identifier of the person in the request; empty if the request identifies no person.
        identifier_hashes: The hashes of all identifiers and names in the request.
        attributes_sent: The names of the attributes in the request.
        ignored: The names of the attributes that were ignored.
        rejected_leniency: The label of the leniency that strict mode rejected.
        provider: The identity provider, ``None`` if it was not detected.
        request_id: The id of the request.
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
        """Whether the request was answered with success although part of it was ignored."""
        return self.rule == Rule.NO_OP


@dataclass(frozen=True, slots=True)
class FailureCount:
    """A failure, and how often it occurred.

    ``failure`` is the last occurrence. ``count`` is the number of occurrences since ``first_at`` (RFC 3339 in UTC).
    ``counts_by_day`` has the number of occurrences by day (RFC 3339 full-date in UTC).
    """

    failure: Failure
    first_at: str
    count: int
    counts_by_day: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_repeating(self) -> bool:
        """Whether the same request failed five times or more today and yesterday (UTC).

        Requests over the rate limit are different requests, which are counted together.
        """
        if self.failure.rule == Rule.RATE_LIMIT:
            return False
        today = date.fromisoformat(self.failure.at[:10])
        yesterday = today - timedelta(days=1)
        return sum(self.counts_by_day.get(day.isoformat(), 0) for day in (today, yesterday)) >= REPEATING_THRESHOLD


class FailureKind(StrEnum):
    """The kinds of failures that are counted by day. The first four are failed writes. The values are stored."""

    CREATE = "create"
    REPLACE = "replace"
    PATCH = "patch"
    DELETE = "delete"
    OTHER_REQUEST = "other_requests"
    """Failed requests that are not writes, such as queries."""
    UNSUPPORTED = "unsupported"
    """Requests for features that are not supported (501), such as groups. Users are provisioned without them."""
    NO_OP = "no_ops"
    """Requests that were answered with success although part of them was ignored. They did not fail."""
    REPEATING = "repeating_failures"
    """Repeating failures, except unsupported requests. Each is also counted under another kind."""
    WRONG_SCIM_URL = "wrong_scim_urls"
    """Requests that failed because the SCIM URL is wrong. Each is also counted under another kind."""
    RATE_LIMITED = "rate_limited"
    """Requests that were refused because of the rate limit. The identity provider sends them again."""
    REJECTED_TOKEN = "rejected_tokens"  # noqa: S105  # no token
    """Requests with a token that this stack created and that is no longer valid."""


_WRITE_KINDS = (FailureKind.CREATE, FailureKind.REPLACE, FailureKind.PATCH, FailureKind.DELETE)


def classify_failure(operation: str, status: int) -> FailureKind:
    """Return the kind of a failed operation. ``operation`` is as in :class:`RequestSummary`, ``status`` is HTTP's."""
    if status == HTTPStatus.NOT_IMPLEMENTED:
        return FailureKind.UNSUPPORTED
    return FailureKind(operation) if operation in _WRITE_KINDS else FailureKind.OTHER_REQUEST


@dataclass(frozen=True, slots=True)
class DailyFailures:
    """The numbers of failures of one day, or of several days together.

    Attributes:
        counts: The number of failures of each kind.
        provider: The identity provider that was detected last.
        last_rejection: When a token was rejected last (RFC 3339 in UTC), empty for never.
        last_wrong_url: When a request failed last because the SCIM URL is wrong (RFC 3339 in UTC), empty for never.
        last_refusal: When requests over the rate limit were recorded last (RFC 3339 in UTC), empty for never.
    """

    counts: Mapping[FailureKind, int] = field(default_factory=dict)
    provider: IdentityProvider | None = None
    last_rejection: str = ""
    last_wrong_url: str = ""
    last_refusal: str = ""

    def get_count(self, kind: FailureKind) -> int:
        """Return the number of failures of a kind."""
        return self.counts.get(kind, 0)

    @property
    def failed_writes(self) -> int:
        """The number of failed writes of users."""
        return sum(map(self.get_count, _WRITE_KINDS))

    @property
    def failed_requests(self) -> int:
        """The number of failed requests, without unsupported ones, rejected tokens and those over the rate limit."""
        return self.failed_writes + self.get_count(FailureKind.OTHER_REQUEST)

    @property
    def failures(self) -> int:
        """The number of failed requests, including unsupported requests and rejected tokens."""
        return (
            self.failed_requests + self.get_count(FailureKind.UNSUPPORTED) + self.get_count(FailureKind.REJECTED_TOKEN)
        )


def sum_days(days: Iterable[DailyFailures]) -> DailyFailures:
    """Return the numbers of several days together. ``days`` are in order, the last one is the newest."""
    counts: dict[FailureKind, int] = {}
    provider, last_rejection, last_wrong_url, last_refusal = None, "", "", ""
    for day in days:
        counts = {kind: counts.get(kind, 0) + day.get_count(kind) for kind in {*counts, *day.counts}}
        provider = day.provider or provider
        last_rejection = max(last_rejection, day.last_rejection)
        last_wrong_url = max(last_wrong_url, day.last_wrong_url)
        last_refusal = max(last_refusal, day.last_refusal)
    return DailyFailures(counts, provider, last_rejection, last_wrong_url, last_refusal)
