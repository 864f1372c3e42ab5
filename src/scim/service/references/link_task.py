"""Link tasks: the work that one change of a user leaves to :mod:`scim.service.references.reference_resolver`.

This module is apart from the resolver because the function that sends the tasks does not import the resolver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AliasChoices, Field

# The second name of each is the one before version 0.2: messages with it may still be in the queue.
_IDENTIFIER_HASHES = Field(validation_alias=AliasChoices("identifier_hashes", "handles"))
_HAS_NEW_IDENTIFIERS = Field(validation_alias=AliasChoices("has_new_identifiers", "has_new_handles"))
_FORMER_IDENTIFIER_HASHES = Field(validation_alias=AliasChoices("former_identifier_hashes", "former_handles"))


@dataclass(frozen=True, slots=True)
class ReferrerPosition:
    """Where to continue with the referrers: those who refer by an identifier with one of ``identifier_hashes``.

    Of the referrers by the first of these, only those whose id is greater than ``after``.
    """

    identifier_hashes: Annotated[tuple[str, ...], _IDENTIFIER_HASHES]
    after: str = ""


@dataclass(frozen=True, slots=True)
class LinkTask:
    """The links that one change of a user may affect.

    ``has_new_identifiers`` is true if the change gave the user identifiers that it did not have before.
    ``former_identifier_hashes`` are the hashes of the identifiers that the user had and has no longer,
    ``removed_references`` those of the identifiers by which it referred to others and does no longer.
    ``position`` is set if an earlier task has begun to update the referrers.
    """

    tenant: str
    user_id: str
    sequence: int
    has_new_identifiers: Annotated[bool, _HAS_NEW_IDENTIFIERS]
    former_identifier_hashes: Annotated[frozenset[str], _FORMER_IDENTIFIER_HASHES]
    removed_references: frozenset[str]
    request_id: str
    position: ReferrerPosition | None = None


@dataclass(frozen=True, slots=True)
class LinkResult:
    """How often links were written, and the task that is left to do."""

    links_written: int
    rest: LinkTask | None = None
