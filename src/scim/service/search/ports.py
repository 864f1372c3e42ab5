"""The interfaces of the stores that the search over all tenants needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from scim.service.model.audit.log_record import LogRecord
from scim.service.model.audit.person_match import Match, MatchKind
from scim.service.model.change_record import StoredChange
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant


class MatchStore(Protocol):
    """Finds people and requests at any tenant, only by keys."""

    def count_queries(self, text: str) -> int:
        """Return how many calls :meth:`query_matches` makes for a text. It is the same number for each tenant."""

    def list_searched_kinds(self, text: str) -> tuple[Sequence[MatchKind], Sequence[MatchKind]]:
        """Return the kinds of matches that :meth:`get_matches` can find for a text, and those of the queries."""

    def get_matches(self, tenant_ids: Sequence[str], text: str) -> Sequence[Match]:
        """Return the matches that can be read by their whole keys. The calls are shared by many tenants."""

    def query_matches(self, tenant_id: str, text: str) -> Sequence[Match]:
        """Return the matches of one tenant that have to be queried by the beginning of their keys."""

    def read_users(self, matches: Sequence[Match]) -> Mapping[tuple[str, str], StoredResource]:
        """Return the users in matches by tenant and id. Deleted ones are omitted. One call reads up to 100 users."""

    def read_failures(self, tenant: Tenant, failure_keys: Sequence[str]) -> Sequence[LogRecord]:
        """Return failures and counts of rejected tokens by their keys. Expired ones are omitted."""

    def find_acceptance(self, tenant_id: str, change: StoredChange) -> str:
        """Return when EventBridge had accepted the event of a change (RFC 3339), empty if that is not recorded."""
