"""The failures of a tenant on one day (UTC), as numbers: what pages show without reading the failures themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus


class FailureKind(StrEnum):
    """What is counted. The first four are writes that failed."""

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
    LOOP = "loops"
    """Those of the failed requests that repeat an earlier one again and again, without those that are unsupported."""
    WRONG_SCIM_URL = "wrong_scim_urls"
    """Those of the failed requests that failed because the SCIM URL in the identity provider is wrong."""
    REJECTED_TOKEN = "rejected_tokens"  # noqa: S105  # no token


_WRITES = (FailureKind.CREATE, FailureKind.REPLACE, FailureKind.PATCH, FailureKind.DELETE)


def failure_kind(operation: str, status: int) -> FailureKind:
    """Return the kind that a failed operation counts as."""
    if status == HTTPStatus.NOT_IMPLEMENTED:
        return FailureKind.UNSUPPORTED
    return FailureKind(operation) if operation in _WRITES else FailureKind.OTHER_REQUEST


@dataclass(frozen=True, slots=True)
class DailyFailures:
    """The counts of one day or, added up, of several.

    ``provider`` is the identity provider that was detected last; ``last_rejection`` is when a token was rejected last,
    ``last_wrong_url`` when a request failed last because the SCIM URL is wrong: RFC 3339 in UTC, empty if none did.
    """

    counts: Mapping[FailureKind, int] = field(default_factory=dict)
    provider: str | None = None
    last_rejection: str = ""
    last_wrong_url: str = ""

    def count(self, kind: FailureKind) -> int:
        return self.counts.get(kind, 0)

    @property
    def failed_writes(self) -> int:
        return sum(map(self.count, _WRITES))

    @property
    def failed_requests(self) -> int:
        """The requests that failed, without those whose token was rejected and those for what is not supported."""
        return self.failed_writes + self.count(FailureKind.OTHER_REQUEST)

    @property
    def failures(self) -> int:
        """All requests that failed."""
        return self.failed_requests + self.count(FailureKind.UNSUPPORTED) + self.count(FailureKind.REJECTED_TOKEN)


def add_up(days: Iterable[DailyFailures]) -> DailyFailures:
    """Return the sum of some days, which are given in order."""
    counts: dict[FailureKind, int] = {}
    provider, last_rejection, last_wrong_url = None, "", ""
    for day in days:
        counts = {kind: counts.get(kind, 0) + day.count(kind) for kind in {*counts, *day.counts}}
        provider = day.provider or provider
        last_rejection = max(last_rejection, day.last_rejection)
        last_wrong_url = max(last_wrong_url, day.last_wrong_url)
    return DailyFailures(counts, provider, last_rejection, last_wrong_url)
