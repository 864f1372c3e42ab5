"""The use cases around the log: what happened in a tenant, what happened to a person and why, how the tenant stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from scim.protocol.errors import Rule
from scim.service.audit.log_entries import LogEntry, describe_record
from scim.service.audit.person_report import PersonInvestigator, PersonReport
from scim.service.model.audit.failure import DailyFailures, FailureCount
from scim.service.model.audit.log_record import LogPosition, LogRecord, RecordKind, RejectedTokenCount
from scim.service.model.identifiers import IdentifierKind
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339, last_days
from scim.service.model.token import DAY_S, TokenUsage
from scim.service.ports import AuditLogStore, ResourceStore
from scim.service.tenants.health import DailyActivity, Health
from scim.service.tenants.overview import load_health

_DRAWN_CHANGES = 5_000
"""Up to how many changes of a day are counted for the chart: one call of the index."""
_NEWEST = 200
"""Among how many records the last failure is looked for: no-ops are skipped."""


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The log of one tenant. ``store`` has its users, ``last_use`` reads when its token was last used; ``now`` gives
    the time as RFC 3339 in UTC.
    """

    records: AuditLogStore
    store: ResourceStore
    tenant: Tenant
    last_use: Callable[[], TokenUsage | None]
    now: Callable[[], float]

    def list_entries(
        self, before: LogPosition | None = None, *, count: int = 100, failures_only: bool = False
    ) -> tuple[list[LogEntry], LogPosition | None]:
        """The last records, or those behind a place; and the place of the last of them, ``None`` if nothing follows.

        It follows the table by a moment. A failure stands where it happened last, so one that happens again meanwhile
        moves to the front and is not on a later page.
        """
        kinds = (RecordKind.FAILURE,) if failures_only else tuple(RecordKind)
        found = list(islice(self.records.list_records(before, kinds), count + 1))
        more = found[count - 1][0] if len(found) > count else None
        shown = [record for _, record in found[:count]]
        names = self._names(shown)
        return [describe_record(record, names) for record in shown], more

    def investigate_person(self, person: str) -> PersonReport:
        """Why somebody did or did not get in, given by userName, email, externalId, id or name."""
        return PersonInvestigator(self.records, self.store, self.tenant, self.last_use, self.now).investigate(
            person.strip()
        )

    def find_last_success(self) -> LogEntry | None:
        """Return the last write that changed something."""
        return self._last(RecordKind.CHANGE)

    def find_last_failure(self) -> LogEntry | None:
        """Return the last request that failed or whose token was rejected, among the newest records of failures.

        A malformed token is no failure of the tenant's.
        """
        return self._last(RecordKind.FAILURE)

    def get_activity(self, days: int) -> list[DailyActivity]:
        """Return each of the last days (UTC), today the last; up to 5,000 changes a day are counted."""
        dates = last_days(self.now(), days)
        failures = self.records.get_daily_failures(dates[0], dates[-1])
        return [self._day(date, failures.get(date, DailyFailures())) for date in dates]

    def list_malformed_tokens(self) -> Sequence[RejectedTokenCount]:
        """Return the unverified requests with a malformed token of the last 24 hours, minute by minute."""
        return self.records.list_malformed_tokens(self._yesterday())

    def get_health(self) -> Health:
        """Return the health of the tenant, with its warnings."""
        return load_health(self.tenant, self.last_use(), self.records, self.now(), is_report=True)

    def _last(self, kind: RecordKind) -> LogEntry | None:
        records = (record for _, record in islice(self.records.list_records(kinds=(kind,)), _NEWEST))
        found = next((each for each in records if _is_outcome(each)), None)
        return describe_record(found, self._names([found])) if found else None

    def _names(self, records: Sequence[LogRecord]) -> Mapping[str, str]:
        """The names of those users whom failures know by their id only."""
        failures = (record.failure for record in records if isinstance(record, FailureCount))
        ids = [failure.identifier for failure in failures if failure.identifier_kind == IdentifierKind.ID]
        return self.records.get_user_names(ids) if ids else {}

    def _day(self, day: str, failures: DailyFailures) -> DailyActivity:
        written, has_more = self.records.count_changes(day, day, _DRAWN_CHANGES)
        return DailyActivity(day, written, failures.failures, failures.failed_writes, has_more)

    def _yesterday(self) -> str:
        return format_rfc3339(self.now() - DAY_S)


def _is_outcome(record: LogRecord) -> bool:
    """Return whether the record tells of a success or a failure of the tenant's identity provider."""
    if isinstance(record, FailureCount):
        return not record.failure.is_no_op
    return not (isinstance(record, RejectedTokenCount) and record.rule == Rule.TOKEN_MALFORMED)
