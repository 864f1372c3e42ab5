"""The filter of the audit log, which the console and the command line share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from scim.service.audit.log_entries import LogEntry, LogEntryKind
from scim.service.model.audit.log_record import RecordKind
from scim.service.model.change_record import WRITE_OPERATIONS

_FIRST_ERROR_STATUS = 400
_STATUS_LENGTH = 3


class LogResult(StrEnum):
    """The results of requests by which the audit log can be filtered."""

    FAILURES = "failures"
    """The request failed, or was partly ignored."""
    FAILED = "failed"
    PARTLY_IGNORED = "partly-ignored"
    SUCCEEDED = "succeeded"
    """The request changed a user, or Muster changed a user's links."""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """The conditions on the entries of an audit log. All must hold. An empty one always holds.

    Attributes:
        person: A userName, externalId, email or id of the person.
        operation: The operation of a request, or the action of an audit event.
        status: The HTTP status of the response, or a :class:`LogResult`.
        rule: The rule that the request violated (:class:`scim.protocol.errors.Rule`).
        request_id: The id of the request. An entry that counts several requests has the id of the last one.
        since: The first time (RFC 3339 in UTC with milliseconds).
        until: The time before which entries are selected (RFC 3339 in UTC with milliseconds).
    """

    person: str = ""
    operation: str = ""
    status: str = ""
    rule: str = ""
    request_id: str = ""
    since: str = ""
    until: str = ""

    @property
    def kinds(self) -> Collection[RecordKind]:
        """The kinds of records that can match, so that no others are read."""
        kinds = set(RecordKind)
        if self.person:
            kinds &= {RecordKind.CHANGE, RecordKind.FAILURE}
        if self.rule or self.status in (LogResult.FAILED, LogResult.PARTLY_IGNORED, LogResult.FAILURES):
            kinds &= {RecordKind.FAILURE}
        elif self.status == LogResult.SUCCEEDED:
            kinds &= {RecordKind.CHANGE}
        elif self.status:
            kinds &= {RecordKind.FAILURE} if int(self.status) >= _FIRST_ERROR_STATUS else {*_REQUEST_KINDS}
        if self.request_id:
            kinds &= {*_REQUEST_KINDS, RecordKind.ALERT}
        if self.operation.lower() in WRITE_OPERATIONS.values():
            kinds &= {*_REQUEST_KINDS}
        return kinds

    @property
    def selects_entries(self) -> bool:
        """Whether :meth:`matches` can be false for an entry within the times."""
        return any((self.operation, self.status, self.rule, self.request_id))

    def matches(self, entry: LogEntry) -> bool:
        """Return whether an entry meets all conditions, except that on the person."""
        return (
            (not self.operation or entry.operation.lower() == self.operation.lower())
            and (not self.status or _has_status(entry, self.status))
            and (not self.rule or entry.rule == self.rule)
            and (not self.request_id or entry.request_id == self.request_id)
            and entry.at >= self.since
            and (not self.until or entry.at < self.until)
        )


_REQUEST_KINDS = (RecordKind.CHANGE, RecordKind.FAILURE)
ALL_ENTRIES = LogFilter()
FAILURES = LogFilter(status=LogResult.FAILURES)


def is_status(text: str) -> bool:
    """Return whether a text is a :class:`LogResult` or has the form of an HTTP status."""
    return text in list(LogResult) or (len(text) == _STATUS_LENGTH and text.isascii() and text.isdecimal())


def _has_status(entry: LogEntry, status: str) -> bool:
    has_failed = entry.status is not None and entry.status >= _FIRST_ERROR_STATUS
    match status:
        case LogResult.FAILURES:
            return has_failed or entry.kind is LogEntryKind.NO_OP
        case LogResult.FAILED:
            return has_failed
        case LogResult.PARTLY_IGNORED:
            return entry.kind is LogEntryKind.NO_OP
        case LogResult.SUCCEEDED:
            return entry.kind is LogEntryKind.CHANGE
    return entry.status == int(status)
