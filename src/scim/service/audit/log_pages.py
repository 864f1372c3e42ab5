"""Read pages of the audit log, with a filter. Each page reads a limited number of records."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from scim.protocol.normalize import normalize_string
from scim.service.audit.log_entries import LogEntry, describe_record
from scim.service.audit.log_filter import LogFilter
from scim.service.audit.user_names import find_by_identifier
from scim.service.model.audit.failure import FailureCount
from scim.service.model.audit.log_record import LogPosition, LogRecord, RecordKind
from scim.service.model.change_record import StoredChange
from scim.service.model.identifiers import IdentifierKind, hash_identifier, identify_user
from scim.service.model.tenant import Tenant
from scim.service.ports import AuditLogStore, ResourceStore

MAX_RECORDS = 1_000
"""The number of records that a page reads at most, to find those that match the filter."""
_MAX_USERS = 20
"""The maximum number of users whose changes are found by their keys. Several users can have the same email address."""

_Candidates = Iterator[tuple[LogPosition, LogRecord | None]]
"""Records with their positions, in the order of reading; ``None`` in place of a record about another person."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of the audit log.

    Attributes:
        entries: The entries, newest first.
        newer: The position after which newer entries may follow, ``None`` if it is not known.
        older: The position after which older entries may follow, ``None`` if none follow.
        searched_to: The time up to which the records were searched, if the page has read as many records as it may.
            Otherwise it is empty.
        is_complete: Whether all failures of the person in the filter were found.
    """

    entries: Sequence[LogEntry]
    newer: LogPosition | None
    older: LogPosition | None
    searched_to: str = ""
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class LogPageReader:
    """Reads pages of one tenant's audit log: the entries that match a filter."""

    log_store: AuditLogStore
    user_store: ResourceStore
    tenant: Tenant
    log_filter: LogFilter

    def read_older(self, start: LogPosition | None, count: int) -> LogPage:
        """Return at most ``count`` entries that are older than ``start``; ``None`` means the newest entries.

        A failure is listed at the time of its last occurrence: if it occurs again while the pages are read, it moves to
        the first page. A write appears in the log after about a second, because the index lags.
        """
        if self.log_filter.until:
            end = LogPosition(self.log_filter.until, "", "")
            start = end if start is None else min(start, end)
        candidates, is_complete = self._list_candidates(start, oldest_first=False)
        matching, last = self._select(candidates, count)
        if len(matching) > count:
            last = matching[count - 1][0]
        return LogPage(
            describe_records(self.log_store, [record for _, record in matching[:count]]),
            newer=matching[0][0] if matching else None,
            older=last,
            searched_to=last.at if last and len(matching) < count else "",
            is_complete=is_complete,
        )

    def read_newer(self, start: LogPosition, count: int) -> LogPage:
        """Return the ``count`` entries that come before ``start`` in the log, so that they are newer.

        If there are fewer, return the newest entries of all, so that the first page is always full.
        """
        start = max(start, LogPosition(self.log_filter.since, "", ""))
        candidates, is_complete = self._list_candidates(start, oldest_first=True)
        matching, last = self._select(candidates, count)
        if last is None and len(matching) <= count:
            return self.read_older(None, count)
        newest_first = matching[:count][::-1]
        return LogPage(
            describe_records(self.log_store, [record for _, record in newest_first]),
            newer=last or newest_first[0][0],
            older=newest_first[-1][0] if newest_first else last,
            searched_to=last.at if last and len(matching) < count else "",
            is_complete=is_complete,
        )

    def _select(
        self, candidates: _Candidates, count: int
    ) -> tuple[list[tuple[LogPosition, LogRecord]], LogPosition | None]:
        """Return the first ``count`` records that match, and one more if there is one.

        If this needs more than :data:`MAX_RECORDS` records, return those that were found, and the last position.
        """
        request_keys = self._list_request_keys()
        matching: list[tuple[LogPosition, LogRecord]] = []
        for number, (position, record) in enumerate(candidates, 1):
            if not self._is_in_time(position):
                break
            if record is not None and self._matches(record, is_of_request=position.sort in request_keys):
                matching.append((position, record))
            if len(matching) > count:
                break
            if number >= MAX_RECORDS:
                return matching, position
        return matching, None

    def _is_in_time(self, position: LogPosition) -> bool:
        since, until = self.log_filter.since, self.log_filter.until
        return position.at >= since and (not until or position.at < until)

    def _list_request_keys(self) -> Collection[str]:
        """Return the sort keys of records that a request led to, although they may have the id of a later request."""
        request_id = self.log_filter.request_id
        return frozenset(self.log_store.list_failed_request_keys(request_id)) if request_id else frozenset()

    def _matches(self, record: LogRecord, *, is_of_request: bool) -> bool:
        if not self.log_filter.selects_entries:
            return True
        log_filter = replace(self.log_filter, request_id="") if is_of_request else self.log_filter
        return log_filter.matches(describe_record(record, {}))

    def _list_candidates(self, start: LogPosition | None, *, oldest_first: bool) -> tuple[_Candidates, bool]:
        """Return the records after ``start`` that can match, and whether they are all."""
        if not self.log_filter.person:
            return iter(self.log_store.list_records(start, self.log_filter.kinds, oldest_first=oldest_first)), True
        person, kinds = self.log_filter.person, self.log_filter.kinds
        users = find_by_identifier(self.user_store, self.tenant.resource_types[0], person)
        ids = frozenset(user.id for user in users)
        changes: _Candidates = iter(())
        if RecordKind.CHANGE in kinds:
            changes = self._list_changes(start, person, ids, oldest_first=oldest_first)
        failures: list[tuple[LogPosition, LogRecord]] = []
        is_complete = True
        if RecordKind.FAILURE in kinds:
            identifiers = {value for user in users for _, value in identify_user(user.resource).identifiers}
            search = self.log_store.find_failures([person, *sorted(identifiers - {person})])
            failures = [(_build_position(count), count) for count in search.failures]
            is_complete = search.is_complete
        following = (
            pair for pair in failures if start is None or (pair[0] > start if oldest_first else pair[0] < start)
        )
        ordered = sorted(following, key=_get_position, reverse=not oldest_first)
        return heapq.merge(changes, ordered, key=_get_position, reverse=not oldest_first), is_complete

    def _list_changes(
        self, start: LogPosition | None, person: str, ids: frozenset[str], *, oldest_first: bool
    ) -> _Candidates:
        """Yield the changes of a person. If no user has the identifier, search all changes for it.

        A user who is deleted is found by the id, and by the userName and externalId before the deletion.
        """
        user_ids = ids if len(ids) <= _MAX_USERS else frozenset[str]()
        changes = self.log_store.list_records(start, (RecordKind.CHANGE,), oldest_first=oldest_first, user_ids=user_ids)
        for position, record in changes:
            is_match = isinstance(record, StoredChange) and _is_about(record, person, ids)
            yield position, record if is_match else None


def describe_records(log_store: AuditLogStore, records: Sequence[LogRecord]) -> list[LogEntry]:
    """Return the log entries of records. Failures that identify a user by id get the user name, if the user exists."""
    failures = (record.failure for record in records if isinstance(record, FailureCount))
    ids = [failure.identifier for failure in failures if failure.identifier_kind == IdentifierKind.ID]
    user_names = log_store.get_user_names(ids) if ids else {}
    return [describe_record(record, user_names) for record in records]


def _get_position(pair: tuple[LogPosition, LogRecord | None]) -> LogPosition:
    return pair[0]


def _build_position(count: FailureCount) -> LogPosition:
    """Return the position of a failure among the records about a person."""
    failure = count.failure
    key = (failure.operation, failure.rule, hash_identifier(failure.identifier), failure.request_id)
    return LogPosition(failure.at, "", " ".join(key))


def _is_about(stored: StoredChange, person: str, ids: frozenset[str]) -> bool:
    """Return whether a change is about a user with one of the ids, or with an identifier at the time of the change."""
    if ids:
        return stored.resource_id in ids
    known = (stored.resource_id, stored.change.user_name, stored.change.external_id or "")
    return normalize_string(person) in map(normalize_string, known)
