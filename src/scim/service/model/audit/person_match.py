"""Matches of a search over all tenants: where a text is an identifier of a person, or the id of a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scim.service.model.stored_resource import UserState


class MatchKind(StrEnum):
    """What the searched text is in a tenant, the most relevant kind first."""

    USER_NAME = "userName"
    ID = "id"
    REQUEST = "request id"
    """The id of a write."""
    FAILED_REQUEST_ID = "id of a failed request"
    EMAIL = "email address"
    EXTERNAL_ID = "externalId"
    FAILED_REQUEST = "identifier in a failed request"


RELEVANCE = {kind: number for number, kind in enumerate(MatchKind)}
"""The position of each kind in a list of matches."""


@dataclass(frozen=True, slots=True)
class Match:
    """A person in a tenant who matches a searched text.

    ``user_id`` is the id of a user, who may be deleted. It is empty for a person who may never have been a user, and is
    then known by ``identifier``. Both are empty for a request that identifies no person; ``failure_keys`` then leads to
    its failures. ``user_name`` and ``state`` are those of the user, if they have been read. ``request_size`` is the
    number of changes or failures of the request whose id was searched, 0 for other kinds of matches.
    """

    tenant_id: str
    kind: MatchKind
    user_id: str = ""
    identifier: str = ""
    failure_keys: Sequence[str] = ()
    user_name: str = ""
    state: UserState | None = None
    request_size: int = 0

    @property
    def person(self) -> tuple[str, str]:
        """The tenant and the id or identifier of the person. Two matches with the same person are one result."""
        return self.tenant_id, self.user_id or self.identifier or "".join(self.failure_keys)
