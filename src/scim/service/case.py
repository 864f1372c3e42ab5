"""Why somebody did or did not get in: who is meant, what happened to them, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from scim.protocol.comparison import key
from scim.protocol.dialect import Dialect
from scim.protocol.errors import TooMany, Unavailable
from scim.protocol.messages import SearchRequest
from scim.service import diagnosis
from scim.service.connection import obstacles
from scim.service.entries import Entry, entry
from scim.service.failures import Counted
from scim.service.lookup import partly
from scim.service.people import called, handle, known_by
from scim.service.ports import LINK, Store, Tenant, Use
from scim.service.presentation import Presentation
from scim.service.records import Changed, FailureSearch, LogStore, Record
from scim.service.search import read_query
from scim.service.stored import Stored, encode
from scim.service.tenants import rfc3339

_SHOWN = 50
"""How many people of one name are told."""
_MOST_CHANGES = 1_000
"""How many changes a timeline has at most."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of a person: who was found, what happened to them, the last first, and what it comes to.

    Where what was asked for is a name of several, ``people`` are those who are here and ``outside`` what those are
    found by who are not; then there is no timeline.
    """

    asked: str
    people: Sequence[Stored]
    timeline: Sequence[Entry]
    diagnosis: Sequence[str]
    outside: Sequence[str] = ()

    @property
    def is_of_one(self) -> bool:
        """Whether it is about one person, who may have gone or never got in."""
        return not self.outside and (len(self.people) == 1 or (not self.people and bool(self.timeline)))


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Opens cases in one tenant. ``last_use`` reads when its token was last used; ``now`` gives the time as RFC 3339 in
    UTC.
    """

    records: LogStore
    store: Store
    tenant: Tenant
    last_use: Callable[[], Use | None]
    now: Callable[[], str]

    def open(self, asked: str) -> Case:
        """The case of whoever has the userName, email, externalId or id, or had it; else of whoever is called that."""
        people = self._identified(asked)
        if not people:
            return self._of_nobody_here(asked)
        values = (value for each in people for _, value in known_by(each.resource).identifiers)
        found = self.records.failures(list(dict.fromkeys([asked, *(each.id for each in people), *values])))
        return self._case(asked, people, [each.id for each in people], found)

    def _of_nobody_here(self, asked: str) -> Case:
        ids, notes = self._formerly(asked)
        known = self.records.failures([asked, *ids])
        if ids or known.failures:
            return self._case(asked, [], ids, known, notes)
        return self._called(asked, notes)

    def _called(self, asked: str, notes: Sequence[str]) -> Case:
        """Those whom a name leads to: the one, or all of them to choose from."""
        search = self.records.failures_called(called(asked), key(asked))
        people: Sequence[Stored] = ()
        try:
            people = partly(self.store, self.tenant.resource_types[0], asked, _SHOWN)
        except (TooMany, Unavailable):
            notes = [*notes, diagnosis.NAMES_CUT]
        outside = _outside(asked, people, search.failures)
        notes = [*notes, *_search_notes(search)]
        if len(people) + len(outside) == 1:
            (identifier,) = [*(each.id for each in people), *outside]
            return replace(self.open(identifier), asked=asked)
        if people or outside:
            told = [*self._obstacles(self.last_use()), diagnosis.several(asked), *notes]
            return Case(asked, people, (), told, outside)
        return self._case(asked, [], [], FailureSearch(), notes)

    def _case(
        self,
        asked: str,
        people: Sequence[Stored],
        ids: Sequence[str],
        search: FailureSearch,
        notes: Sequence[str] = (),
    ) -> Case:
        use, refused = self.last_use(), self.records.refused(self._yesterday())
        failures, notes = search.failures, [*notes, *_search_notes(search)]
        changes, are_all_shown = self._changes(ids)
        if not are_all_shown:
            notes = [*notes, diagnosis.CHANGES_CUT]
        names = {each.id: self._name(each) for each in people}
        records: list[Record] = [*changes, *failures]
        timeline = sorted((entry(each, names) for each in records), key=lambda each: each.at, reverse=True)
        writes = [each for each in changes if each.change.operation != LINK]
        obstacle = list(self._obstacles(use))
        told = [
            *obstacle,
            *diagnosis.state(asked, names, people, writes),
            *diagnosis.problems(people, writes, failures),
        ]
        if not (timeline or people):
            told += diagnosis.unknown(asked, rfc3339(use.at) if use else None, is_cut=bool(notes), advise=not obstacle)
        return Case(asked, people, timeline, [*told, *notes, *diagnosis.tenant(self.tenant, refused, failures)])

    def _identified(self, person: str) -> Sequence[Stored]:
        resource_type = self.tenant.resource_types[0]
        value = encode(person)
        names = (resource_type.unique.name, "externalId", "emails.value", "id")
        text = " or ".join(f"{name} eq {value}" for name in names)
        presentation = Presentation(resource_type, "")
        query = read_query(SearchRequest(filter=text), resource_type, Dialect(), presentation)
        return self.store.find(query).page

    def _formerly(self, asked: str) -> tuple[list[str], list[str]]:
        """The ids of those who were once known by that, and a note if there may be more of them."""
        found: list[str] = []
        try:
            found.extend(self.records.formerly(handle(asked)))
        except Unavailable:
            return found, [diagnosis.FORMERLY_CUT]
        return found, []

    def _changes(self, ids: Sequence[str]) -> tuple[list[Changed], bool]:
        """Return the newest changes of some users, and whether these are all."""
        found: list[Changed] = []
        for resource_id in ids[:_SHOWN]:
            found += islice(self.records.changes(resource_id), _MOST_CHANGES + 1 - len(found))
        return found[:_MOST_CHANGES], len(found) <= _MOST_CHANGES and len(ids) <= _SHOWN

    def _obstacles(self, use: Use | None) -> Iterator[str]:
        return obstacles(self.tenant, use, self._moment().timestamp())

    def _name(self, stored: Stored) -> str:
        name: str = stored.resource[self.tenant.resource_types[0].unique.name]
        return name

    def _moment(self) -> datetime:
        return datetime.fromisoformat(self.now()).astimezone(UTC)

    def _yesterday(self) -> str:
        return rfc3339((self._moment() - timedelta(hours=24)).timestamp())


def _search_notes(search: FailureSearch) -> Sequence[str]:
    return [] if search.is_complete else [diagnosis.FAILURES_CUT]


def _outside(asked: str, people: Sequence[Stored], failures: Sequence[Counted]) -> list[str]:
    """What those are found by who are called that and are none of the people, those who failed last first."""
    known = frozenset[str]().union(*(known_by(each.resource).handles for each in people))
    name, text = called(asked), key(asked)
    found: dict[str, str] = {}
    for failure in sorted((each.failure for each in failures), key=lambda each: each.at, reverse=True):
        is_meant = name in failure.handles or (failure.kind != "id" and text in key(failure.identifier))
        if failure.identifier and is_meant and known.isdisjoint(failure.handles):
            found.setdefault(key(failure.identifier), failure.identifier)
    return list(found.values())[:_SHOWN]
