"""Read the audit log of a tenant: entries, reports on a person, activity and health."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from scim.protocol.errors import MALFORMED_TOKEN_RULES
from scim.service.audit.log_entries import LogEntry
from scim.service.audit.log_filter import ALL_ENTRIES, LogFilter
from scim.service.audit.log_pages import LogPage, LogPageReader, describe_records
from scim.service.audit.person_report import PersonReport, PersonReportBuilder
from scim.service.audit.setup_progress import SetupProgress, assess_setup
from scim.service.model.audit.failure import DailyFailures, FailureCount
from scim.service.model.audit.log_record import LogPosition, LogRecord, RecordKind, RejectedTokenCount
from scim.service.model.identity_provider import IdentityProvider
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339, list_last_days
from scim.service.model.token import DAY_S, TokenUsage
from scim.service.ports import AuditLogStore, ResourceStore
from scim.service.tenants.health import DailyActivity, Health
from scim.service.tenants.overview import load_health

_MAX_CHANGES = 5_000
"""The maximum number of changes of a day that are counted for the chart: one query of the index."""
_MAX_SETUP_RECORDS = 50
"""The number of newest failures that are searched for problems of a set-up."""
_MAX_RECORDS = 200
"""The number of newest records that are searched for the last success or failure."""


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The audit log of one tenant.

    ``read_last_use`` returns the last use of the tenant's token. ``now`` returns the seconds since 1970.
    """

    log_store: AuditLogStore
    user_store: ResourceStore
    tenant: Tenant
    read_last_use: Callable[[], TokenUsage | None]
    now: Callable[[], float]

    def read_page(
        self,
        log_filter: LogFilter = ALL_ENTRIES,
        *,
        count: int = 100,
        older_than: LogPosition | None = None,
        newer_than: LogPosition | None = None,
    ) -> LogPage:
        """Return a page of at most ``count`` entries that match the filter, newest first.

        It is next to one of the positions, or else it has the newest entries.
        """
        reader = LogPageReader(self.log_store, self.user_store, self.tenant, log_filter)
        return reader.read_newer(newer_than, count) if newer_than else reader.read_older(older_than, count)

    def report_on_person(self, query: str) -> PersonReport:
        """Explain why a person is active or not. ``query`` is a userName, email, externalId, id or name."""
        builder = PersonReportBuilder(self.log_store, self.user_store, self.tenant, self.read_last_use, self.now)
        return builder.build(query.strip())

    def find_last_success(self) -> LogEntry | None:
        """Return the newest write that changed something, ``None`` if there is none."""
        return self._find_newest(RecordKind.CHANGE)

    def find_last_failure(self) -> LogEntry | None:
        """Return the newest request that failed or whose token was rejected, ``None`` if there is none.

        Only the newest 200 failures are searched. Silent no-ops are skipped, since they did not fail. Requests with a
        malformed token are skipped, since anyone can send them.
        """
        return self._find_newest(RecordKind.FAILURE)

    def get_activity(self, days: int) -> list[DailyActivity]:
        """Return the activity of each of the last ``days`` (UTC), today last. Count at most 5,000 changes a day."""
        dates = list_last_days(self.now(), days)
        failures = self.log_store.get_daily_failures(dates[0], dates[-1])
        return [self._count_day(date, failures.get(date, DailyFailures())) for date in dates]

    def list_malformed_tokens(self) -> Sequence[RejectedTokenCount]:
        """Return the counts of requests with a malformed token in the last 24 hours, by minute. They are unverified."""
        return self.log_store.list_malformed_tokens(self._format_one_day_ago())

    def get_setup_progress(
        self, token_usage: TokenUsage | None, user_count: int, provider: IdentityProvider | None
    ) -> SetupProgress:
        """Return how far the set-up of the tenant's identity provider has come.

        ``token_usage`` is the last use of the tenant's token, ``None`` if none was ever used. ``user_count`` is the
        number of its users. ``provider`` is the identity provider that is being set up.
        """
        newest = islice(self.log_store.list_records(kinds=(RecordKind.FAILURE,)), _MAX_SETUP_RECORDS)
        failures = [record for _, record in newest]
        return assess_setup(token_usage, user_count, failures, provider, self.now())

    def get_health(self) -> Health:
        """Return the health of the tenant, with its warnings."""
        return load_health(self.tenant, self.read_last_use(), self.log_store, self.now(), is_detailed=True)

    def _find_newest(self, kind: RecordKind) -> LogEntry | None:
        newest_records = islice(self.log_store.list_records(kinds=(kind,)), _MAX_RECORDS)
        record = next((record for _, record in newest_records if _is_success_or_failure(record)), None)
        return describe_records(self.log_store, [record])[0] if record else None

    def _count_day(self, day: str, failures: DailyFailures) -> DailyActivity:
        change_count, has_more_changes = self.log_store.count_changes(day, day, _MAX_CHANGES)
        return DailyActivity(day, change_count, failures.failures, failures.failed_writes, has_more_changes)

    def _format_one_day_ago(self) -> str:
        """Return the time 24 hours ago as RFC 3339 in UTC."""
        return format_rfc3339(self.now() - DAY_S)


def _is_success_or_failure(record: LogRecord) -> bool:
    """Return whether a record is a success or a failure of the tenant's identity provider.

    A silent no-op is neither. A malformed token may come from anyone.
    """
    if isinstance(record, FailureCount):
        return not record.failure.is_no_op
    return not (isinstance(record, RejectedTokenCount) and record.rule in MALFORMED_TOKEN_RULES)
