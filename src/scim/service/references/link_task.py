"""Link tasks: what :mod:`scim.service.references.reference_resolver` must do after a change of a user.

The function that sends the tasks imports this module, but not the resolver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AliasChoices, Field

# The second name of each member is the one before version 0.2: messages with it may still be in the queue.
_TENANT_ID = Field(validation_alias=AliasChoices("tenant_id", "tenant"))
_REMOVED_REFERENCE_HASHES = Field(validation_alias=AliasChoices("removed_reference_hashes", "removed_references"))
_IDENTIFIER_HASHES = Field(validation_alias=AliasChoices("identifier_hashes", "handles"))
_HAS_NEW_IDENTIFIERS = Field(validation_alias=AliasChoices("has_new_identifiers", "has_new_handles"))
_FORMER_IDENTIFIER_HASHES = Field(validation_alias=AliasChoices("former_identifier_hashes", "former_handles"))


@dataclass(frozen=True, slots=True)
class ReferrerPosition:
    """The referrers that are not processed yet: users who refer to another user by one of some identifiers.

    ``identifier_hashes`` are the hashes of these identifiers. For the first of them, only the referrers whose id is
    greater than ``after`` are left.
    """

    identifier_hashes: Annotated[tuple[str, ...], _IDENTIFIER_HASHES]
    after: str = ""


@dataclass(frozen=True, slots=True)
class LinkTask:
    """The links that one change of a user may affect.

    ``has_new_identifiers`` is true if the change gave the user identifiers that it did not have before.
    ``former_identifier_hashes`` are the hashes of the identifiers that the user had and has no longer,
    ``removed_reference_hashes`` those of the identifiers by which it referred to others and does no longer.
    ``position`` is set if an earlier task has begun to update the referrers.
    """

    tenant_id: Annotated[str, _TENANT_ID]
    user_id: str
    sequence: int
    has_new_identifiers: Annotated[bool, _HAS_NEW_IDENTIFIERS]
    former_identifier_hashes: Annotated[frozenset[str], _FORMER_IDENTIFIER_HASHES]
    removed_reference_hashes: Annotated[frozenset[str], _REMOVED_REFERENCE_HASHES]
    request_id: str
    position: ReferrerPosition | None = None


@dataclass(frozen=True, slots=True)
class LinkResult:
    """The number of users whose links were written, and the task for the referrers that are left, if any."""

    links_written: int
    remaining_task: LinkTask | None = None
