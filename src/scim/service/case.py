"""Why somebody is active or not: who is meant, what happened to them, and the diagnosis."""

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
from scim.service.connection import describe_malformed, obstacles
from scim.service.daily_failures import DailyFailures
from scim.service.entries import Entry, entry
from scim.service.explanations import SCIM_URL
from scim.service.failures import Counted
from scim.service.lookup import partly
from scim.service.people import called, handle, known_by
from scim.service.ports import LINK, Store, Tenant, Use
from scim.service.presentation import Presentation
from scim.service.provider_detection import detect_provider
from scim.service.records import CHANGES, FAILURES, Changed, FailureSearch, LogStore, Record
from scim.service.search import read_query
from scim.service.stored import Stored, encode
from scim.service.tenants import rfc3339

_SHOWN = 50
"""How many people of one name are told."""
_MOST_CHANGES = 1_000
"""How many changes a timeline has at most."""
_NEWEST = 200
"""Among how many records of failures the reason is looked for why nobody gets in."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of a person: the users found, what happened to them, the last first, and the diagnosis.

    If several people match, ``people`` are the users and ``outside`` what the others are found by; then there is no
    timeline. ``renamed`` are those of the people who had the name, email or externalId before. ``unidentified`` are
    failures of requests that name nobody, if nothing else was found.
    """

    asked: str
    people: Sequence[Stored]
    timeline: Sequence[Entry]
    diagnosis: Sequence[str]
    outside: Sequence[str] = ()
    renamed: Sequence[Stored] = ()
    unidentified: Sequence[Entry] = ()

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
        """Return the case of the person who has this userName, email, externalId, id or name, or had it before.

        An empty text stands for nobody: then it is about requests that name nobody.
        """
        if not asked:
            return self._of_nobody()
        people = self._identified(asked)
        if not people:
            return self._of_nobody_here(asked)
        ids = [each.id for each in people]
        return self._case(asked, people, ids, self.records.failures(_list_identifiers(asked, ids, people)))

    def _of_nobody(self) -> Case:
        failures = _without_identifier(self.records.failures([""]).failures)
        told = list(diagnosis.unidentified(failures)) or [
            "No request that names nobody has failed in the last 30 days."
        ]
        return Case("", [], [], [*self._obstacles(self.last_use()), *told], unidentified=_entries(failures))

    def _of_nobody_here(self, asked: str) -> Case:
        ids, notes = self._formerly(asked)
        renamed = [each for each in map(self.store.get, ids[:_SHOWN]) if each is not None]
        known = self.records.failures(_list_identifiers(asked, ids, renamed))
        if ids or known.failures:
            return self._case(asked, renamed, ids, known, notes, renamed=renamed)
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
        same_name = [each for each in _without_identifier(search.failures) if called(asked) in each.failure.handles]
        if people or outside:
            obstacles = self._obstacles(self.last_use())
            told = [*obstacles, diagnosis.several(asked), *notes, *diagnosis.unidentified(same_name)]
            return Case(asked, people, (), told, outside)
        if same_name:
            return self._case(asked, [], [], FailureSearch(same_name), notes)
        return self._unknown(asked, notes)

    def _unknown(self, asked: str, notes: Sequence[str]) -> Case:
        """Of whom nothing is known: what keeps everybody out, and which requests it may have been."""
        use, newest = self.last_use(), self._newest_failures()
        unidentified = _without_identifier(self.records.failures([""]).failures)
        wrong_url = list(self._wrong_scim_url(newest))
        told_already = {SCIM_URL} if wrong_url else set()
        malformed = describe_malformed(self.records.malformed_tokens(self._yesterday()))
        obstacles = [
            *self._obstacles(use, newest),
            *filter(None, [malformed]),
            *wrong_url,
        ]
        told = [
            *obstacles,
            diagnosis.unknown(asked, use, is_cut=bool(notes)),
            *diagnosis.unidentified([each for each in unidentified if each.failure.rule not in told_already]),
            *([] if obstacles else [diagnosis.advice()]),
            *notes,
            *diagnosis.tenant(self.tenant, newest),
        ]
        return Case(asked, [], [], told, unidentified=_entries(unidentified))

    def _newest_failures(self) -> list[Counted]:
        records = (record for _, record in islice(self.records.log(kinds=(FAILURES,)), _NEWEST))
        return [each for each in records if isinstance(each, Counted)]

    def _wrong_scim_url(self, failures: Sequence[Counted]) -> Iterator[str]:
        """That the SCIM URL is wrong now: requests failed by it since yesterday, and nothing was written after them."""
        yesterday = self._yesterday()
        if not any(diagnosis.wrong_scim_url(failures, yesterday)):
            return iter(())
        last = next((each for _, each in self.records.log(kinds=(CHANGES,))), None)
        written = last.change.at if isinstance(last, Changed) else ""
        return diagnosis.wrong_scim_url(failures, max(written, yesterday))

    def _case(
        self,
        asked: str,
        people: Sequence[Stored],
        ids: Sequence[str],
        search: FailureSearch,
        notes: Sequence[str] = (),
        renamed: Sequence[Stored] = (),
    ) -> Case:
        failures, notes = search.failures, [*notes, *_search_notes(search)]
        changes, are_all_shown = self._changes(ids)
        if not are_all_shown:
            notes = [*notes, diagnosis.CHANGES_CUT]
        names = {each.id: self._name(each) for each in people}
        records: list[Record] = [*changes, *failures]
        timeline = sorted((entry(each, names) for each in records), key=lambda each: each.at, reverse=True)
        writes = [each for each in changes if each.change.operation != LINK]
        told = [
            *self._obstacles(self.last_use(), failures),
            *diagnosis.renamed(asked, self.tenant.resource_types[0].unique.name, names, renamed, writes),
            *diagnosis.state(asked, names, people, writes),
            *diagnosis.problems(people, writes, failures),
            *notes,
            *diagnosis.tenant(self.tenant, failures),
        ]
        return Case(asked, people, timeline, told, renamed=renamed)

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

    def _obstacles(self, use: Use | None, failures: Sequence[Counted] = ()) -> Iterator[str]:
        """What keeps everybody out; ``failures`` tell the provider if the user agent of the last use does not."""
        found = list(obstacles(self.tenant, use, self._moment().timestamp()))
        yield from found
        if not found or use is None:
            provider = detect_provider(use, DailyFailures(), failures)
            yield from diagnosis.rejected_tokens(self.records.refused(self._yesterday()), use, provider)

    def _name(self, stored: Stored) -> str:
        name: str = stored.resource[self.tenant.resource_types[0].unique.name]
        return name

    def _moment(self) -> datetime:
        return datetime.fromisoformat(self.now()).astimezone(UTC)

    def _yesterday(self) -> str:
        return rfc3339((self._moment() - timedelta(hours=24)).timestamp())


def _list_identifiers(asked: str, ids: Sequence[str], people: Sequence[Stored]) -> list[str]:
    """Return what failures of these people may be kept under, each once."""
    values = (value for each in people for _, value in known_by(each.resource).identifiers)
    return list(dict.fromkeys([asked, *ids, *values]))


def _without_identifier(failures: Sequence[Counted]) -> list[Counted]:
    return [each for each in failures if not each.failure.identifier]


def _entries(failures: Sequence[Counted]) -> list[Entry]:
    return sorted((entry(each, {}) for each in failures), key=lambda each: each.at, reverse=True)


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
