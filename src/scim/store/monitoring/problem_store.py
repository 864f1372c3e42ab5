"""Read what the open problems of a tenant need: its recent failures, and the users that these are about."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from scim.protocol.filter.ast import AttributePath
from scim.protocol.schema import ResourceType
from scim.service.model.audit.log_record import FailureSearchResult, RejectedTokenCount
from scim.service.model.identifiers import Identifier, IdentifierKind
from scim.service.model.identity_provider import IdentityProvider
from scim.service.problems.problem import UserWriteState
from scim.store import items, keys, log_codec, lookup_keys
from scim.store.keys import KeyRange
from scim.store.table import TIME_INDEX, Table

_MAX_FAILURES = 500
"""The maximum number of failures. Reading them takes at most five calls."""
_MAX_SEARCH_CALLS = 3
"""The maximum number of calls that search failures, each of 1 MB: at least 3,000 entries of the index."""
_MAX_INDEX_LOOKUPS = 50
"""The maximum number of identifiers that are looked up in an index, with one call for each."""
_INDEXED_ATTRIBUTES = {IdentifierKind.EXTERNAL_ID: "externalId", IdentifierKind.EMAIL: "emails.value"}
_USER_ATTRIBUTES = ("sk", "active", "modified")


@dataclass(frozen=True, slots=True)
class DynamoDBProblemStore:
    """The failures and users of one tenant: the adapter for :class:`scim.service.problems.ports.ProblemStore`.

    ``indexed`` are the paths of the attributes with index entries, by name. ``now`` returns the seconds since 1970.
    ``provider`` is as in :func:`scim.store.log_codec.decode_failure`.
    """

    table: Table
    tenant_id: str
    resource_type: ResourceType
    indexed: Mapping[str, AttributePath]
    now: Callable[[], float]
    provider: IdentityProvider | None = None

    def find_recent_failures(self, since: str) -> FailureSearchResult:
        """Return the newest failures since a time (RFC 3339 in UTC), the newest first, at most 500."""
        partition = keys.failure_partition(self.tenant_id)
        pages = self.table.query_pages(
            partition,
            KeyRange(keys.time_key(keys.FAILURE_PREFIX, since), keys.FAILURE_RANGE.last),
            ("sk",),
            index_name=TIME_INDEX,
            is_backwards=True,
            limit=2 * _MAX_FAILURES,
        )
        sort_keys: list[str] = []
        is_complete = True
        for page, has_more in islice(pages, _MAX_SEARCH_CALLS):
            sort_keys += [item["sk"]["S"] for item in page if keys.is_failure_key(item["sk"]["S"])]
            is_complete = not has_more and len(sort_keys) <= _MAX_FAILURES
            if len(sort_keys) > _MAX_FAILURES:
                break
        found_items = self.table.get_all(partition, sort_keys[:_MAX_FAILURES])
        failures = [
            log_codec.decode_failure(item, self.provider)
            for item in found_items
            if not items.has_expired(item, self.now())
        ]
        failures.sort(key=lambda count: count.failure.at, reverse=True)
        return FailureSearchResult(failures, is_complete)

    def find_user_states(self, identifiers: Collection[Identifier]) -> dict[Identifier, UserWriteState | None]:
        """Return the users who have these identifiers now, ``None`` for an identifier that no user has.

        User names and ids are read in batches. Only 50 external ids and email addresses are looked up, because each
        needs a call. The others are omitted, and so are those of attributes without an index.
        """
        ids = {**self._find_ids_by_user_name(identifiers), **self._find_ids_in_index(identifiers)}
        ids |= {identifier: identifier[1] for identifier in identifiers if identifier[0] == IdentifierKind.ID}
        states = self._read_states({user_id for user_id in ids.values() if keys.is_user_id(user_id)})
        return {identifier: states.get(user_id) for identifier, user_id in ids.items()}

    def _find_ids_by_user_name(self, identifiers: Collection[Identifier]) -> dict[Identifier, str]:
        """Return the ids of the users with these user names, empty if there is no such user."""
        is_case_exact = self.resource_type.unique_attribute.is_case_exact
        sort_keys = {
            identifier: lookup_keys.unique_key(identifier[1], is_case_exact=is_case_exact)
            for identifier in identifiers
            if identifier[0] == IdentifierKind.USER_NAME
        }
        found_items = self.table.get_all(
            keys.resource_partition(self.tenant_id), list(set(sort_keys.values())), items.LOOKUP_ITEM_ATTRIBUTES
        )
        ids = {item["sk"]["S"]: items.decode_lookup_item(item) for item in found_items}
        return {identifier: ids.get(sort_key, "") for identifier, sort_key in sort_keys.items()}

    def _find_ids_in_index(self, identifiers: Collection[Identifier]) -> dict[Identifier, str]:
        """Return the ids of users with these external ids and email addresses, empty if there is no such user."""
        return {
            identifier: self._find_id(prefix)
            for identifier, prefix in islice(self._yield_index_prefixes(identifiers), _MAX_INDEX_LOOKUPS)
        }

    def _yield_index_prefixes(self, identifiers: Collection[Identifier]) -> Iterator[tuple[Identifier, str]]:
        for kind, value in identifiers:
            name = _INDEXED_ATTRIBUTES.get(IdentifierKind(kind)) if kind else None
            if name is not None and (path := self.indexed.get(name)) is not None:
                yield (kind, value), lookup_keys.index_prefix(name, path, value)

    def _find_id(self, prefix: str) -> str:
        partition = keys.resource_partition(self.tenant_id)
        found_items = self.table.query(partition, keys.id_range(prefix), items.LOOKUP_ITEM_ATTRIBUTES, limit=1)
        return next(map(items.decode_lookup_item, found_items), "")

    def _read_states(self, ids: Collection[str]) -> dict[str, UserWriteState]:
        """Return the users with these ids that exist, by id. Their documents are not read."""
        found_items = self.table.get_all(
            keys.resource_partition(self.tenant_id), [keys.user_key(user_id) for user_id in ids], _USER_ATTRIBUTES
        )
        states = (
            UserWriteState(keys.parse_user_id(item["sk"]["S"]), item["active"]["BOOL"], item["modified"]["S"])
            for item in found_items
        )
        return {state.id: state for state in states}

    def list_rejected_tokens(self, since: str) -> list[RejectedTokenCount]:
        """Return the numbers of requests with a rejected token since a time (RFC 3339), one for each minute."""
        key_range = KeyRange(keys.rejected_tokens_key(since[:16]), keys.rejected_tokens_key(":"))
        found_items = self.table.query(keys.failure_partition(self.tenant_id), key_range)
        return [log_codec.decode_rejected_tokens(item) for item in found_items]
