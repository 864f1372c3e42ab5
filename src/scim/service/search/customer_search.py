"""Search all tenants for a person or a request, with a limited number of calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from scim.service.model.audit.person_match import RELEVANCE, Match, MatchKind
from scim.service.model.identifiers import MAX_IDENTIFIER_LENGTH
from scim.service.model.stored_resource import UserState
from scim.service.search.person_card import PersonCard
from scim.service.search.ports import MatchStore

SEARCH_TIMEOUT_S = 7.0
"""The time of a search: no call starts after three seconds, and one call may then time out (:mod:`..deadline`)."""
MAX_CUSTOMERS = 1_000
"""The maximum number of tenants whose whole keys are read in one search."""
MAX_QUERIES = 180
"""The maximum number of queries in one search. It limits the number of tenants that are queried."""
MAX_CARDS = 5
"""The maximum number of people with a card. The others are listed."""
_MAX_MATCHES = 200
_MAX_LISTED_TENANTS = 10_000
_TENANTS_PER_CALL = 25  # four keys for each, and 100 keys in a call
_WORKERS = 8  # as for bulk requests: it fits into the connections of the DynamoDB client


@dataclass(frozen=True, slots=True)
class LargeRequest:
    """A request at a tenant that has more changes and failures, ``entries``, than ``listed`` people in the result."""

    tenant_id: str
    entries: int
    listed: int


@dataclass(frozen=True, slots=True)
class CustomerSearchResult:
    """The result of a search.

    Attributes:
        text: The searched text.
        cards: The reports on the first people who match, the most relevant first.
        other_matches: The other matches, and those whose report could not be read. Active users come last.
        searched_by_key: The number of tenants that were searched for ``kinds_by_key``.
        searched_by_query: The number of tenants that were also searched for ``kinds_by_query``.
        kinds_by_key: What was searched at the tenants ``searched_by_key``.
        kinds_by_query: What was searched at the tenants ``searched_by_query``.
        unreadable_tenants: The ids of tenants at which a part of the search failed.
        tenants_without_card: The ids of tenants at which a person was found whose report could not be read.
        remaining: The number of tenants that were not searched for everything.
        next_after: The id of the tenant after which the next search starts, empty if none remain.
        has_more_matches: Whether there are more matches than the listed ones.
        searched_tenants: The ids of the tenants that were searched for everything.
        large_requests: The requests with the searched id of which only a part is listed, such as bulk requests.
    """

    text: str
    cards: Sequence[PersonCard] = ()
    other_matches: Sequence[Match] = ()
    searched_by_key: int = 0
    searched_by_query: int = 0
    kinds_by_key: Sequence[MatchKind] = ()
    kinds_by_query: Sequence[MatchKind] = ()
    unreadable_tenants: Sequence[str] = ()
    tenants_without_card: Sequence[str] = ()
    remaining: int = 0
    next_after: str = ""
    has_more_matches: bool = False
    searched_tenants: Sequence[str] = ()
    large_requests: Sequence[LargeRequest] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all tenants were searched for everything."""
        return not (self.unreadable_tenants or self.remaining or self.has_more_matches)


@dataclass(frozen=True, slots=True)
class _Lookup:
    """A part of a search: the tenants that it concerns, and the function that returns the matches."""

    tenant_ids: Sequence[str]
    run: Callable[[], Sequence[Match]]


@dataclass(frozen=True, slots=True)
class CustomerSearch:
    """Searches all tenants.

    ``list_tenant_ids`` yields the ids of the tenants after an id, in order. ``build_card`` returns the card of a match,
    ``None`` if the tenant or the person is gone. ``report_fault`` receives the id of a tenant and the error because of
    which a part of it could not be read. A fault of one tenant never hides the results of others.
    """

    match_store: MatchStore
    list_tenant_ids: Callable[[str], Iterator[str]]
    build_card: Callable[[Match, str], PersonCard | None]
    report_fault: Callable[[str, Exception], None]

    def search(self, text: str, after: str = "") -> CustomerSearchResult:
        """Search the tenants after the id ``after`` for a userName, email address, externalId, id or request id."""
        text = text.strip()[:MAX_IDENTIFIER_LENGTH]
        if not text:
            return CustomerSearchResult(text)
        tenant_ids = list(islice(self.list_tenant_ids(after), _MAX_LISTED_TENANTS))
        by_key, by_query = tenant_ids[:MAX_CUSTOMERS], tenant_ids[: MAX_QUERIES // self.match_store.count_queries(text)]
        lookups = [*self._plan_reads(by_key, text), *self._plan_queries(by_query, text)]
        with ThreadPoolExecutor(_WORKERS) as pool:
            results = list(pool.map(self._run, lookups))
            matches = _select_people([match for found_matches in results for match in found_matches or ()])
            card_results = list(pool.map(lambda match: self._try_to_build_card(match, text), matches[:MAX_CARDS]))
        failed = [lookup for lookup, found_matches in zip(lookups, results, strict=True) if found_matches is None]
        without_card = [
            match for match, (_, is_readable) in zip(matches[:MAX_CARDS], card_results, strict=True) if not is_readable
        ]
        kinds_by_key, kinds_by_query = self.match_store.list_searched_kinds(text)
        remaining = len(tenant_ids) - len(by_query)
        return CustomerSearchResult(
            text,
            [card for card, _ in card_results if card],
            self._add_states([*without_card, *matches[MAX_CARDS:_MAX_MATCHES]]),
            len(by_key),
            len(by_query),
            kinds_by_key,
            kinds_by_query,
            sorted({tenant_id for lookup in failed for tenant_id in lookup.tenant_ids}),
            sorted({match.tenant_id for match in without_card}),
            remaining,
            by_query[-1] if remaining else "",
            len(matches) > _MAX_MATCHES,
            by_query,
            list(_find_large_requests(matches[:_MAX_MATCHES])),
        )

    def _plan_reads(self, tenant_ids: Sequence[str], text: str) -> Iterator[_Lookup]:
        for start in range(0, len(tenant_ids), _TENANTS_PER_CALL):
            group = tenant_ids[start : start + _TENANTS_PER_CALL]
            yield _Lookup(group, partial(self.match_store.get_matches, group, text))

    def _plan_queries(self, tenant_ids: Sequence[str], text: str) -> Iterator[_Lookup]:
        for tenant_id in tenant_ids:
            yield _Lookup([tenant_id], partial(self.match_store.query_matches, tenant_id, text))

    def _run(self, lookup: _Lookup) -> Sequence[Match] | None:
        """Return the matches of a lookup, ``None`` if it failed."""
        try:
            return lookup.run()
        except Exception as fault:  # noqa: BLE001  # a fault of one tenant must not hide the results of others
            self.report_fault(lookup.tenant_ids[0], fault)
            return None

    def _add_states(self, matches: Sequence[Match]) -> Sequence[Match]:
        """Return the matches with the names and states of their users, active users last.

        If the users cannot be read, return the matches as they are.
        """
        if not matches:
            return matches
        try:
            users = self.match_store.read_users(matches)
            described = [
                replace(match, user_name=user.resource["userName"], state=user.state)
                if (user := users.get((match.tenant_id, match.user_id)))
                else match
                for match in matches
            ]
        except Exception as fault:  # noqa: BLE001  # the matches are more important than the names
            self.report_fault(matches[0].tenant_id, fault)
            return matches
        return sorted(described, key=lambda match: match.state is UserState.ACTIVE)

    def _try_to_build_card(self, match: Match, text: str) -> tuple[PersonCard | None, bool]:
        """Return the card of a match, and whether it could be read."""
        try:
            return self.build_card(match, text), True
        except Exception as fault:  # noqa: BLE001  # as above
            self.report_fault(match.tenant_id, fault)
            return None, False


def _find_large_requests(matches: Sequence[Match]) -> Iterator[LargeRequest]:
    """Yield the requests that have more changes and failures than the matches list people."""
    of_requests = [match for match in matches if match.request_size]
    for tenant_id in dict.fromkeys(match.tenant_id for match in of_requests):
        own = [match for match in of_requests if match.tenant_id == tenant_id]
        entries = sum({match.kind: match.request_size for match in own}.values())
        if entries > len(own):
            yield LargeRequest(tenant_id, entries, len(own))


def _select_people(matches: Sequence[Match]) -> list[Match]:
    """Return one match for each person, the most relevant first.

    A failed request under an identifier belongs to the user with this identifier, if the tenant has one.
    """
    tenants_with_users = {match.tenant_id for match in matches if match.user_id}
    selected: dict[tuple[str, str], Match] = {}
    for match in sorted(matches, key=lambda match: (RELEVANCE[match.kind], match.tenant_id)):
        if match.kind is not MatchKind.FAILED_REQUEST or match.tenant_id not in tenants_with_users:
            selected.setdefault(match.person, match)
    return list(selected.values())
