"""Certificates: the records of purged tenants. They contain no personal data of a tenant's users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RemainingCopy:
    """A copy of a tenant's data that a purge cannot delete.

    Attributes:
        location: Where it is, in words.
        content: Which data it has, in words.
        until: When it expires (RFC 3339 in UTC); empty if it does not expire by itself.
    """

    location: str
    content: str
    until: str


@dataclass(frozen=True, slots=True)
class PurgeCertificate:
    """The record of a purged tenant. Times are RFC 3339 in UTC.

    Attributes:
        id: The id of the purge, which all its runs share.
        tenant_id: The tenant.
        actor: The operator who finished the purge.
        started: When the purge was started.
        finished: When the last item was deleted.
        deleted: The number of deleted items of each kind, as far as the runs of the purge have counted them. If a run
            was killed, the items that it deleted last may be missing.
        remaining_copies: The copies that expire later, or that must be deleted by hand.
    """

    id: str
    tenant_id: str
    actor: str
    started: str
    finished: str
    deleted: Mapping[str, int]
    remaining_copies: Sequence[RemainingCopy]


def add_counts(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Return the sums of two mappings of numbers by kind."""
    return {kind: one.get(kind, 0) + other.get(kind, 0) for kind in sorted({*one, *other})}
