"""The interface of the store that the open problems need."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from scim.service.model.audit.log_record import FailureSearchResult, RejectedTokenCount
from scim.service.model.identifiers import Identifier
from scim.service.problems.problem import UserWriteState


class ProblemStore(Protocol):
    """The failures and the users of one tenant. The number of calls of each method has a limit."""

    def find_recent_failures(self, since: str) -> FailureSearchResult:
        """Return the newest failures since a time (RFC 3339 in UTC), the newest first."""

    def find_user_states(self, identifiers: Collection[Identifier]) -> Mapping[Identifier, UserWriteState | None]:
        """Return the users who have these identifiers now, ``None`` for an identifier that no user has.

        Identifiers that were not looked up, because the limit of calls was reached, are omitted.
        """

    def list_rejected_tokens(self, since: str) -> list[RejectedTokenCount]:
        """Return the numbers of requests whose token was rejected since a time, by minute."""
