"""Link tasks: what one change of a user leaves to do for :mod:`scim.service.references.reference_resolver`.

They stand apart from it, since the function that hands them over does no linking.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """The referrers that are still to be updated: those of the ``handles``.

    Of the first handle, only those whose id is greater than ``after``.
    """

    handles: tuple[str, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class LinkTask:
    """The links that one change of a user may affect.

    ``has_new_handles`` is true if the change gave the user identifiers that it did not have before. ``former_handles``
    are those of the identifiers that it lost, ``removed_references`` those of the people to whom it refers no longer.
    ``position`` is set where an earlier task has begun to update the referrers.
    """

    tenant: str
    user_id: str
    sequence: int
    has_new_handles: bool
    former_handles: frozenset[str]
    removed_references: frozenset[str]
    request_id: str
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class LinkResult:
    """How many users got other links, and what is left to do."""

    linked: int
    rest: LinkTask | None = None
