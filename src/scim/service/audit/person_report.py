"""Build the report on a person: which users match, what happened to them, and why they are active or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from scim.protocol.errors import Rule, TooMany, Unavailable
from scim.protocol.normalize import normalize_string
from scim.service.audit import diagnosis
from scim.service.audit.log_entries import LogEntry, describe_record
from scim.service.audit.user_names import find_by_identifier, search_by_name
from scim.service.identity_providers.detect_by_log import detect_tenant_provider
from scim.service.model.audit.failure import DailyFailures, FailureCount, sum_days
from scim.service.model.audit.log_record import FailureSearchResult, LogRecord, RecordKind
from scim.service.model.change_record import Operation, StoredChange
from scim.service.model.identifiers import IdentifierKind, hash_identifier, hash_name, identify_user
from scim.service.model.stored_resource import StoredResource
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339, list_last_days
from scim.service.model.token import DAY_S, TokenUsage
from scim.service.ports import AuditLogStore, ResourceStore
from scim.service.tenants.access_problems import find_access_problems

_MAX_MATCHES = 50
"""The maximum number of users, and of failed candidates, in a report on a name that several people have."""
_MAX_CHANGES = 1_000
"""The maximum number of changes in a timeline."""
_MAX_RECORDS = 200
"""The number of newest failures that are searched for problems of the whole tenant."""


@dataclass(frozen=True, slots=True)
class PersonReport:
    """The report on a person.

    Attributes:
        query: The text that was searched: a userName, email, externalId, id or name.
        users: The users that match.
        timeline: What happened to the person, newest first. It is empty if several people match a name.
        diagnosis: Sentences that say whether the person is active, and why.
        failed_candidates: If several people match a name, the identifiers of those who are not users: requests to
            provision them failed.
        renamed_users: The users who had the identifier ``query`` before.
        unidentified_failures: The failed requests that identify no person. They are listed if nothing else is known.
        tenant_problems: The sentences of ``diagnosis`` on problems that concern all people of the customer.
        last_write: The newest change by a request, ``None`` if there is none.
    """

    query: str
    users: Sequence[StoredResource]
    timeline: Sequence[LogEntry]
    diagnosis: Sequence[str]
    failed_candidates: Sequence[str] = ()
    renamed_users: Sequence[StoredResource] = ()
    unidentified_failures: Sequence[LogEntry] = ()
    tenant_problems: Sequence[str] = ()
    last_write: StoredChange | None = None

    @property
    def is_about_one_person(self) -> bool:
        """Whether exactly one person matches. The person may be deleted, or may never have been created."""
        return not self.failed_candidates and (len(self.users) == 1 or (not self.users and bool(self.timeline)))


@dataclass(frozen=True, slots=True)
class PersonReportBuilder:
    """Builds reports on the people of one tenant.

    ``read_last_use`` returns the last use of the tenant's token. ``now`` returns the seconds since 1970.
    """

    log_store: AuditLogStore
    user_store: ResourceStore
    tenant: Tenant
    read_last_use: Callable[[], TokenUsage | None]
    now: Callable[[], float]

    def build(self, query: str) -> PersonReport:
        """Return the report on the person who has, or had, this userName, email, externalId, id or name.

        For an empty query, return a report on the failed requests that identify no person.
        """
        if not query:
            return self._report_unidentified_failures()
        users = self._find_users(query)
        if not users:
            return self._report_without_user(query)
        ids = [user.id for user in users]
        return self._report_person(
            query, users, ids, self.log_store.find_failures(_list_identifiers(query, ids, users))
        )

    def build_by_ids(self, query: str, ids: Sequence[str]) -> PersonReport:
        """Return the report on users by their ids, or on the failures that are recorded under ``query``.

        The users may be deleted. Only keys are looked up if ``log_store`` searches failures by key.
        """
        users = [user for user in map(self.user_store.get, ids) if user is not None]
        search = self.log_store.find_failures(_list_identifiers(query, ids, users))
        return self._report_person(query, users, ids, search)

    def _report_unidentified_failures(self) -> PersonReport:
        failures = _select_unidentified(self.log_store.find_failures([""]).failures)
        sentences = [
            *self._describe_access_problems(self.read_last_use()),
            *(
                list(diagnosis.describe_unidentified_failures(failures))
                or ["In the last 30 days, no request failed that names no user."]
            ),
        ]
        return PersonReport("", [], [], sentences, unidentified_failures=_describe_failures(failures))

    def _report_without_user(self, query: str) -> PersonReport:
        """Return the report on a query that is no user's current identifier.

        Search former identifiers and failed requests first, then names.
        """
        ids, notes = self._find_previous_owner_ids(query)
        renamed_users = [user for user in map(self.user_store.get, ids[:_MAX_MATCHES]) if user is not None]
        search = self.log_store.find_failures(_list_identifiers(query, ids, renamed_users))
        if ids or search.failures:
            return self._report_person(query, renamed_users, ids, search, notes, renamed_users)
        return self._report_by_name(query, notes)

    def _report_by_name(self, name: str, notes: Sequence[str]) -> PersonReport:
        """Return the report on the only person with a name, or a list of all people with that name."""
        search = self.log_store.find_failures_by_name(hash_name(name), normalize_string(name))
        users: Sequence[StoredResource] = ()
        has_all_users = True
        try:
            users = search_by_name(self.user_store, self.tenant.resource_types[0], name, _MAX_MATCHES + 1)
        except (TooMany, Unavailable):
            has_all_users, notes = False, [*notes, diagnosis.NAMES_INCOMPLETE]
        candidates = _list_failed_candidates(name, users, search.failures)
        if len(users) > _MAX_MATCHES:
            has_all_users, users, notes = False, users[:_MAX_MATCHES], [*notes, diagnosis.MATCHES_INCOMPLETE]
        if not has_all_users:
            candidates, more_notes = self._select_without_user(candidates)
            notes = [*notes, *more_notes]
        notes = [*notes, *_describe_incomplete_search(search)]
        if len(users) + len(candidates) == 1:
            (identifier,) = [*(user.id for user in users), *candidates]
            return replace(self.build(identifier), query=name)
        unidentified = _select_unidentified(search.failures)
        failures_with_name = [count for count in unidentified if hash_name(name) in count.failure.identifier_hashes]
        if users or candidates:
            sentences = [
                *self._describe_access_problems(self.read_last_use()),
                diagnosis.describe_multiple_matches(name),
                *notes,
                *diagnosis.describe_unidentified_failures(failures_with_name),
            ]
            return PersonReport(name, users, (), sentences, candidates)
        if failures_with_name:
            return self._report_person(name, [], [], FailureSearchResult(failures_with_name), notes)
        return self._report_unknown_person(name, notes)

    def _report_unknown_person(self, query: str, notes: Sequence[str]) -> PersonReport:
        """Return the report on a person who is not a user and has no recorded request.

        It lists problems of the whole tenant, and failed requests that identify no person: one may concern this person.
        """
        token_usage, newest_failures = self.read_last_use(), self._list_newest_failures()
        unidentified = _select_unidentified(self.log_store.find_failures([""]).failures)
        url_problem = list(self._describe_wrong_scim_url(newest_failures, token_usage))
        malformed_tokens = self.log_store.list_malformed_tokens(self._format_one_day_ago())
        problems = [
            *self._describe_access_problems(token_usage, newest_failures),
            *filter(None, [diagnosis.describe_malformed_tokens(malformed_tokens)]),
            *url_problem,
        ]
        described_rules = {Rule.RATE_LIMIT, *([Rule.SCIM_URL] if url_problem else [])}
        last_use = diagnosis.find_last_use_of_right_url(token_usage)
        remaining = [
            count
            for count in unidentified
            if count.failure.rule not in described_rules
            and not (count.failure.rule == Rule.SCIM_URL and count.failure.at < last_use)
        ]
        sentences = [
            *problems,
            diagnosis.describe_unknown_person(query, token_usage, is_incomplete=bool(notes)),
            *diagnosis.describe_refusals(self._load_recent_failures(), ""),
            *diagnosis.describe_unidentified_failures(remaining),
            *([] if problems else [diagnosis.describe_how_to_provision()]),
            *notes,
            *diagnosis.describe_strict_mode(self.tenant, newest_failures),
        ]
        return PersonReport(query, [], [], sentences, unidentified_failures=_describe_failures(unidentified))

    def _report_person(
        self,
        query: str,
        users: Sequence[StoredResource],
        ids: Sequence[str],
        search: FailureSearchResult,
        notes: Sequence[str] = (),
        renamed_users: Sequence[StoredResource] = (),
    ) -> PersonReport:
        """Return the report with a timeline, on one person or on several people with the same identifier.

        ``ids`` are the ids of the users in the timeline. ``users`` are those of them that still exist. ``notes`` are
        sentences about incomplete searches. ``renamed_users`` are the users who had the identifier before.
        """
        failures, notes = search.failures, [*notes, *_describe_incomplete_search(search)]
        changes, is_complete = self._list_changes(ids)
        if not is_complete:
            notes = [*notes, diagnosis.CHANGES_INCOMPLETE]
        unique_attribute = self.tenant.resource_types[0].unique_attribute.name
        user_names: dict[str, str] = {user.id: user.resource[unique_attribute] for user in users}
        writes = [stored for stored in changes if stored.change.operation is not Operation.LINK]
        last_write = max(writes, key=lambda stored: stored.change.at, default=None)
        access_problems = list(self._describe_access_problems(self.read_last_use(), failures))
        refusals = list(
            diagnosis.describe_refusals(self._load_recent_failures(), last_write.change.at if last_write else "")
        )
        sentences = [
            *access_problems,
            *diagnosis.describe_renamed_users(query, unique_attribute, user_names, renamed_users, writes),
            *diagnosis.describe_state(query, user_names, users, writes),
            *diagnosis.describe_failures(users, writes, failures),
            *refusals,
            *notes,
            *diagnosis.describe_strict_mode(self.tenant, failures),
        ]
        timeline = _describe_records([*changes, *failures], user_names)
        return PersonReport(
            query,
            users,
            timeline,
            sentences,
            renamed_users=renamed_users,
            tenant_problems=[*access_problems, *refusals],
            last_write=last_write,
        )

    def _find_previous_owner_ids(self, identifier: str) -> tuple[list[str], list[str]]:
        """Return the ids of the users who had an identifier before, and a note if the search stopped early."""
        ids: list[str] = []
        try:
            ids.extend(self.log_store.find_previous_owner_ids(hash_identifier(identifier)))
        except Unavailable:
            return ids, [diagnosis.PREVIOUS_OWNERS_INCOMPLETE]
        return ids, []

    def _find_users(self, identifier: str) -> Sequence[StoredResource]:
        return find_by_identifier(self.user_store, self.tenant.resource_types[0], identifier)

    def _select_without_user(self, identifiers: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return the identifiers that no user has. If the time is not sufficient, return none of them, and a note."""
        try:
            return [identifier for identifier in identifiers if not self._find_users(identifier)], []
        except (TooMany, Unavailable):
            return [], [diagnosis.FAILURES_INCOMPLETE]

    def _list_changes(self, ids: Sequence[str]) -> tuple[list[StoredChange], bool]:
        """Return the newest changes of users, and whether these are all their changes."""
        changes: list[StoredChange] = []
        for resource_id in ids[:_MAX_MATCHES]:
            changes += islice(self.log_store.list_changes(resource_id), _MAX_CHANGES + 1 - len(changes))
        return changes[:_MAX_CHANGES], len(changes) <= _MAX_CHANGES and len(ids) <= _MAX_MATCHES

    def _list_newest_failures(self) -> list[FailureCount]:
        """Return the newest failures, newest first, without rejected tokens."""
        newest_records = islice(self.log_store.list_records(kinds=(RecordKind.FAILURE,)), _MAX_RECORDS)
        return [record for _, record in newest_records if isinstance(record, FailureCount)]

    def _load_recent_failures(self) -> DailyFailures:
        """Return the numbers of failures since yesterday (UTC)."""
        return sum_days(self.log_store.get_daily_failures(*list_last_days(self.now(), 2)).values())

    def _describe_access_problems(
        self, token_usage: TokenUsage | None, failures: Sequence[FailureCount] = ()
    ) -> Iterator[str]:
        """Yield the problems because of which all requests of the tenant fail.

        ``failures`` help to detect the identity provider if the user agent of the last request does not name it.
        """
        problems = list(find_access_problems(self.tenant, token_usage, self.now()))
        yield from problems
        if not problems or token_usage is None:
            provider = self.tenant.provider or detect_tenant_provider(token_usage, DailyFailures(), failures)
            rejected_tokens = self.log_store.list_rejected_tokens(self._format_one_day_ago())
            yield from diagnosis.describe_rejected_tokens(rejected_tokens, token_usage, provider)

    def _describe_wrong_scim_url(
        self, failures: Sequence[FailureCount], token_usage: TokenUsage | None
    ) -> Iterator[str]:
        """Yield a sentence if the SCIM URL is wrong: requests failed in the last 24 hours, and no other one followed.

        ``token_usage`` is the last recorded request. A change may be newer, since requests are recorded once a minute.
        """
        since = max(self._format_one_day_ago(), diagnosis.find_last_use_of_right_url(token_usage))
        if not any(diagnosis.describe_wrong_scim_url(failures, since)):
            return iter(())
        last = next((record for _, record in self.log_store.list_records(kinds=(RecordKind.CHANGE,))), None)
        last_write = last.change.at if isinstance(last, StoredChange) else ""
        return diagnosis.describe_wrong_scim_url(failures, max(last_write, since))

    def _format_one_day_ago(self) -> str:
        """Return the time 24 hours ago as RFC 3339 in UTC."""
        return format_rfc3339(self.now() - DAY_S)


def _list_identifiers(query: str, ids: Sequence[str], users: Sequence[StoredResource]) -> list[str]:
    """Return the identifiers under which failures of these users may be stored, without duplicates."""
    values = (value for user in users for _, value in identify_user(user.resource).identifiers)
    return list(dict.fromkeys([query, *ids, *values]))


def _select_unidentified(failures: Sequence[FailureCount]) -> list[FailureCount]:
    """Return the failures of requests that identify no person."""
    return [count for count in failures if not count.failure.identifier]


def _describe_failures(failures: Sequence[FailureCount]) -> list[LogEntry]:
    """Return the log entries of failures, newest first."""
    return _describe_records(failures, {})


def _describe_records(records: Sequence[LogRecord], user_names: dict[str, str]) -> list[LogEntry]:
    """Return the log entries of records, newest first. ``user_names`` maps ids of users to user names."""
    entries = (describe_record(record, user_names) for record in records)
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def _describe_incomplete_search(search: FailureSearchResult) -> Sequence[str]:
    """Return a note if a search for failures was incomplete."""
    return [] if search.is_complete else [diagnosis.FAILURES_INCOMPLETE]


def _list_failed_candidates(name: str, users: Sequence[StoredResource], failures: Sequence[FailureCount]) -> list[str]:
    """Return the identifiers of people with a name whose requests failed, without those who are in ``users``.

    Each person is listed once. The person with the newest failure comes first.
    """
    user_hashes = frozenset[str]().union(*(identify_user(user.resource).hashes for user in users))
    hashed_name, text = hash_name(name), normalize_string(name)
    candidates: dict[str, str] = {}
    for failure in sorted((count.failure for count in failures), key=lambda failure: failure.at, reverse=True):
        has_text = failure.identifier_kind != IdentifierKind.ID and text in normalize_string(failure.identifier)
        has_name = hashed_name in failure.identifier_hashes or has_text
        if failure.identifier and has_name and user_hashes.isdisjoint(failure.identifier_hashes):
            candidates.setdefault(normalize_string(failure.identifier), failure.identifier)
    return list(candidates.values())[:_MAX_MATCHES]
