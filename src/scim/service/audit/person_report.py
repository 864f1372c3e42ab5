"""Why somebody is active or not: who is meant, what happened to them, and the diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from scim.protocol.errors import Rule, TooMany, Unavailable
from scim.protocol.leniency import Dialect
from scim.protocol.messages import SearchRequest
from scim.protocol.normalize import normalize
from scim.service.audit import diagnosis
from scim.service.audit.log_entries import LogEntry, describe_record
from scim.service.audit.lookup import search_by_name
from scim.service.identity_providers.detection import detect_provider
from scim.service.model.change_record import Operation, StoredChange
from scim.service.model.failure import DailyFailures, FailureCount
from scim.service.model.identifiers import identifier_hash, identifiers_of, name_hash
from scim.service.model.log_record import FailureSearchResult, LogRecord, RecordKind
from scim.service.model.stored_resource import StoredResource, encode_json
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import TokenUsage
from scim.service.ports import AuditLogStore, ResourceStore
from scim.service.resources.rendering import ResourceRenderer
from scim.service.resources.search import parse_query
from scim.service.tenants.access_problems import describe_malformed, find_access_problems

_SHOWN = 50
"""How many people of one name are told."""
_MOST_CHANGES = 1_000
"""How many changes a timeline has at most."""
_NEWEST = 200
"""Among how many records of failures the reason is looked for why nobody gets in."""


@dataclass(frozen=True, slots=True)
class PersonReport:
    """What is known of a person: the users found, what happened to them, the last first, and the diagnosis.

    If several people match, ``people`` are the users and ``outside`` what the others are found by; then there is no
    timeline. ``renamed`` are those of the people who had the name, email or externalId before. ``unidentified`` are
    failures of requests that name nobody, if nothing else was found.
    """

    asked: str
    people: Sequence[StoredResource]
    timeline: Sequence[LogEntry]
    diagnosis: Sequence[str]
    outside: Sequence[str] = ()
    renamed: Sequence[StoredResource] = ()
    unidentified: Sequence[LogEntry] = ()

    @property
    def is_of_one(self) -> bool:
        """Whether it is about one person, who may have gone or never got in."""
        return not self.outside and (len(self.people) == 1 or (not self.people and bool(self.timeline)))


@dataclass(frozen=True, slots=True)
class PersonInvestigator:
    """Opens cases in one tenant. ``last_use`` reads when its token was last used; ``now`` gives the time as RFC 3339 in
    UTC.
    """

    records: AuditLogStore
    store: ResourceStore
    tenant: Tenant
    last_use: Callable[[], TokenUsage | None]
    now: Callable[[], str]

    def open(self, asked: str) -> PersonReport:
        """Return the case of the person who has this userName, email, externalId, id or name, or had it before.

        An empty text stands for nobody: then it is about requests that name nobody.
        """
        if not asked:
            return self._of_nobody()
        people = self._identified(asked)
        if not people:
            return self._of_nobody_here(asked)
        ids = [each.id for each in people]
        return self._case(asked, people, ids, self.records.find_failures(_list_identifiers(asked, ids, people)))

    def _of_nobody(self) -> PersonReport:
        failures = _without_identifier(self.records.find_failures([""]).failures)
        told = list(diagnosis.unidentified(failures)) or [
            "No request that names nobody has failed in the last 30 days."
        ]
        return PersonReport("", [], [], [*self._obstacles(self.last_use()), *told], unidentified=_entries(failures))

    def _of_nobody_here(self, asked: str) -> PersonReport:
        ids, notes = self._formerly(asked)
        renamed = [each for each in map(self.store.get, ids[:_SHOWN]) if each is not None]
        known = self.records.find_failures(_list_identifiers(asked, ids, renamed))
        if ids or known.failures:
            return self._case(asked, renamed, ids, known, notes, renamed=renamed)
        return self._called(asked, notes)

    def _called(self, asked: str, notes: Sequence[str]) -> PersonReport:
        """Those whom a name leads to: the one, or all of them to choose from."""
        search = self.records.find_failures_by_name(name_hash(asked), normalize(asked))
        people: Sequence[StoredResource] = ()
        try:
            people = search_by_name(self.store, self.tenant.resource_types[0], asked, _SHOWN)
        except (TooMany, Unavailable):
            notes = [*notes, diagnosis.NAMES_CUT]
        outside = _outside(asked, people, search.failures)
        notes = [*notes, *_search_notes(search)]
        if len(people) + len(outside) == 1:
            (identifier,) = [*(each.id for each in people), *outside]
            return replace(self.open(identifier), asked=asked)
        same_name = [
            each for each in _without_identifier(search.failures) if name_hash(asked) in each.failure.identifier_hashes
        ]
        if people or outside:
            find_access_problems = self._obstacles(self.last_use())
            told = [*find_access_problems, diagnosis.several(asked), *notes, *diagnosis.unidentified(same_name)]
            return PersonReport(asked, people, (), told, outside)
        if same_name:
            return self._case(asked, [], [], FailureSearchResult(same_name), notes)
        return self._unknown(asked, notes)

    def _unknown(self, asked: str, notes: Sequence[str]) -> PersonReport:
        """Of whom nothing is known: what keeps everybody out, and which requests it may have been."""
        use, newest = self.last_use(), self._newest_failures()
        unidentified = _without_identifier(self.records.find_failures([""]).failures)
        wrong_url = list(self._wrong_scim_url(newest))
        told_already = {Rule.SCIM_URL} if wrong_url else set()
        malformed = describe_malformed(self.records.list_malformed_tokens(self._yesterday()))
        find_access_problems = [
            *self._obstacles(use, newest),
            *filter(None, [malformed]),
            *wrong_url,
        ]
        told = [
            *find_access_problems,
            diagnosis.unknown(asked, use, is_cut=bool(notes)),
            *diagnosis.unidentified([each for each in unidentified if each.failure.rule not in told_already]),
            *([] if find_access_problems else [diagnosis.advice()]),
            *notes,
            *diagnosis.tenant(self.tenant, newest),
        ]
        return PersonReport(asked, [], [], told, unidentified=_entries(unidentified))

    def _newest_failures(self) -> list[FailureCount]:
        records = (record for _, record in islice(self.records.list_records(kinds=(RecordKind.FAILURE,)), _NEWEST))
        return [each for each in records if isinstance(each, FailureCount)]

    def _wrong_scim_url(self, failures: Sequence[FailureCount]) -> Iterator[str]:
        """That the SCIM URL is wrong now: requests failed by it since yesterday, and nothing was written after them."""
        yesterday = self._yesterday()
        if not any(diagnosis.wrong_scim_url(failures, yesterday)):
            return iter(())
        last = next((each for _, each in self.records.list_records(kinds=(RecordKind.CHANGE,))), None)
        written = last.change.at if isinstance(last, StoredChange) else ""
        return diagnosis.wrong_scim_url(failures, max(written, yesterday))

    def _case(
        self,
        asked: str,
        people: Sequence[StoredResource],
        ids: Sequence[str],
        search: FailureSearchResult,
        notes: Sequence[str] = (),
        renamed: Sequence[StoredResource] = (),
    ) -> PersonReport:
        failures, notes = search.failures, [*notes, *_search_notes(search)]
        changes, are_all_shown = self._changes(ids)
        if not are_all_shown:
            notes = [*notes, diagnosis.CHANGES_CUT]
        names = {each.id: self._name(each) for each in people}
        records: list[LogRecord] = [*changes, *failures]
        timeline = sorted((describe_record(each, names) for each in records), key=lambda each: each.at, reverse=True)
        writes = [each for each in changes if each.change.operation is not Operation.LINK]
        told = [
            *self._obstacles(self.last_use(), failures),
            *diagnosis.renamed(asked, self.tenant.resource_types[0].unique_attribute.name, names, renamed, writes),
            *diagnosis.state(asked, names, people, writes),
            *diagnosis.problems(people, writes, failures),
            *notes,
            *diagnosis.tenant(self.tenant, failures),
        ]
        return PersonReport(asked, people, timeline, told, renamed=renamed)

    def _identified(self, person: str) -> Sequence[StoredResource]:
        resource_type = self.tenant.resource_types[0]
        value = encode_json(person)
        names = (resource_type.unique_attribute.name, "externalId", "emails.value", "id")
        text = " or ".join(f"{name} eq {value}" for name in names)
        presentation = ResourceRenderer(resource_type, "")
        query = parse_query(SearchRequest(filter=text), resource_type, Dialect(), presentation)
        return self.store.find(query).page

    def _formerly(self, asked: str) -> tuple[list[str], list[str]]:
        """The ids of those who were once known by that, and a note if there may be more of them."""
        found: list[str] = []
        try:
            found.extend(self.records.find_previous_owner_ids(identifier_hash(asked)))
        except Unavailable:
            return found, [diagnosis.FORMERLY_CUT]
        return found, []

    def _changes(self, ids: Sequence[str]) -> tuple[list[StoredChange], bool]:
        """Return the newest changes of some users, and whether these are all."""
        found: list[StoredChange] = []
        for resource_id in ids[:_SHOWN]:
            found += islice(self.records.list_changes(resource_id), _MOST_CHANGES + 1 - len(found))
        return found[:_MOST_CHANGES], len(found) <= _MOST_CHANGES and len(ids) <= _SHOWN

    def _obstacles(self, use: TokenUsage | None, failures: Sequence[FailureCount] = ()) -> Iterator[str]:
        """What keeps everybody out; ``failures`` tell the provider if the user agent of the last use does not."""
        found = list(find_access_problems(self.tenant, use, self._moment().timestamp()))
        yield from found
        if not found or use is None:
            provider = detect_provider(use, DailyFailures(), failures)
            yield from diagnosis.rejected_tokens(self.records.list_rejected_tokens(self._yesterday()), use, provider)

    def _name(self, stored: StoredResource) -> str:
        name: str = stored.resource[self.tenant.resource_types[0].unique_attribute.name]
        return name

    def _moment(self) -> datetime:
        return datetime.fromisoformat(self.now()).astimezone(UTC)

    def _yesterday(self) -> str:
        return format_rfc3339((self._moment() - timedelta(hours=24)).timestamp())


def _list_identifiers(asked: str, ids: Sequence[str], people: Sequence[StoredResource]) -> list[str]:
    """Return what failures of these people may be kept under, each once."""
    values = (value for each in people for _, value in identifiers_of(each.resource).identifiers)
    return list(dict.fromkeys([asked, *ids, *values]))


def _without_identifier(failures: Sequence[FailureCount]) -> list[FailureCount]:
    return [each for each in failures if not each.failure.identifier]


def _entries(failures: Sequence[FailureCount]) -> list[LogEntry]:
    return sorted((describe_record(each, {}) for each in failures), key=lambda each: each.at, reverse=True)


def _search_notes(search: FailureSearchResult) -> Sequence[str]:
    return [] if search.is_complete else [diagnosis.FAILURES_CUT]


def _outside(asked: str, people: Sequence[StoredResource], failures: Sequence[FailureCount]) -> list[str]:
    """What those are found by who are called that and are none of the people, those who failed last first."""
    known = frozenset[str]().union(*(identifiers_of(each.resource).hashes for each in people))
    name, text = name_hash(asked), normalize(asked)
    found: dict[str, str] = {}
    for failure in sorted((each.failure for each in failures), key=lambda each: each.at, reverse=True):
        is_meant = name in failure.identifier_hashes or (
            failure.identifier_kind != "id" and text in normalize(failure.identifier)
        )
        if failure.identifier and is_meant and known.isdisjoint(failure.identifier_hashes):
            found.setdefault(normalize(failure.identifier), failure.identifier)
    return list(found.values())[:_SHOWN]
