"""Link tasks: instructions to :mod:`scim.service.references.reference_resolver` after a change of a user.

The function that sends the tasks imports this module, but not the resolver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AliasChoices, Field

# The second alias of each member is its name before version 0.2. Messages with that name may still be in the queue.
_TENANT_ID = Field(validation_alias=AliasChoices("tenant_id", "tenant"))
_REMOVED_REFERENCE_HASHES = Field(validation_alias=AliasChoices("removed_reference_hashes", "removed_references"))
_IDENTIFIER_HASHES = Field(validation_alias=AliasChoices("identifier_hashes", "handles"))
_HAS_NEW_IDENTIFIERS = Field(validation_alias=AliasChoices("has_new_identifiers", "has_new_handles"))
_FORMER_IDENTIFIER_HASHES = Field(validation_alias=AliasChoices("former_identifier_hashes", "former_handles"))


@dataclass(frozen=True, slots=True)
class ReferrerPosition:
    """A position in the list of the referrers whose links must be updated.

    The referrers are the users that refer to an identifier whose hash is in ``identifier_hashes``. For the first hash,
    only the referrers whose id is greater than ``after`` remain.
    """

    identifier_hashes: Annotated[tuple[str, ...], _IDENTIFIER_HASHES]
    after: str = ""


@dataclass(frozen=True, slots=True)
class LinkTask:
    """A task to update the links that one change of a user may affect.

    Attributes:
        tenant_id: The tenant of the user.
        user_id: The user that changed.
        sequence: The number of the change among all changes of the user.
        has_new_identifiers: Whether the change gave the user new identifiers.
        former_identifier_hashes: The hashes of the identifiers that the change removed.
        removed_reference_hashes: The hashes of the identifiers in the references that the change removed.
        request_id: The id of the request that changed the user.
        position: The referrers that remain, ``None`` for the first task of a change.
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
    """The number of writes of links, and the task for the remaining referrers, if any."""

    links_written: int
    remaining_task: LinkTask | None = None
