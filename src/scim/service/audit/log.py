"""Read the audit log of a tenant: entries, reports on a person, activity and health."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from scim.protocol.errors import MALFORMED_TOKEN_RULES
from scim.service.audit.log_entries import LogEntry, describe_record
from scim.service.audit.person_report import PersonReport, PersonReportBuilder
from scim.service.audit.setup_progress import SetupProgress, assess_setup
from scim.service.model.audit.failure import DailyFailures, FailureCount
from scim.service.model.audit.log_record import LogPosition, LogRecord, RecordKind, RejectedTokenCount
from scim.service.model.identifiers import IdentifierKind
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

    def list_entries(
        self, older_than: LogPosition | None = None, *, count: int = 100, only_failures: bool = False
    ) -> tuple[list[LogEntry], LogPosition | None]:
        """Return a page of at most ``count`` entries, newest first, and the position of its last entry.

        The page begins after the position ``older_than``. The returned position is ``None`` if no entries follow. A
        write appears in the log after about a second, because the index lags. A failure is listed at the time of its
        last occurrence: if it occurs again while the pages are read, it moves to the first page.
        """
        kinds = (RecordKind.FAILURE,) if only_failures else tuple(RecordKind)
        positioned_records = list(islice(self.log_store.list_records(older_than, kinds), count + 1))
        last = positioned_records[count - 1][0] if len(positioned_records) > count else None
        records = [record for _, record in positioned_records[:count]]
        user_names = self._get_user_names(records)
        return [describe_record(record, user_names) for record in records], last

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

    def get_setup_progress(self, user_count: int, provider: IdentityProvider | None) -> SetupProgress:
        """Return how far the set-up of the tenant's identity provider has come.

        ``user_count`` is the number of its users. ``provider`` is the identity provider that is being set up.
        """
        newest = islice(self.log_store.list_records(kinds=(RecordKind.FAILURE,)), _MAX_SETUP_RECORDS)
        failures = [record for _, record in newest]
        return assess_setup(self.read_last_use(), user_count, failures, provider, self.now())

    def get_health(self) -> Health:
        """Return the health of the tenant, with its warnings."""
        return load_health(self.tenant, self.read_last_use(), self.log_store, self.now(), is_detailed=True)

    def _find_newest(self, kind: RecordKind) -> LogEntry | None:
        newest_records = islice(self.log_store.list_records(kinds=(kind,)), _MAX_RECORDS)
        record = next((record for _, record in newest_records if _is_success_or_failure(record)), None)
        return describe_record(record, self._get_user_names([record])) if record else None

    def _get_user_names(self, records: Sequence[LogRecord]) -> Mapping[str, str]:
        """Return the user names of users that failures identify by id only, by id."""
        failures = (record.failure for record in records if isinstance(record, FailureCount))
        ids = [failure.identifier for failure in failures if failure.identifier_kind == IdentifierKind.ID]
        return self.log_store.get_user_names(ids) if ids else {}

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
