"""The activity, the health and the last failure of a tenant, and the number of records read."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from scim.protocol.errors import Rule
from scim.service.audit.log import AuditLog
from scim.service.model.audit.failure import DailyFailures, FailureCount, FailureKind
from scim.service.model.audit.log_record import FailureSearchResult, LogPosition, LogRecord, RejectedTokenCount
from scim.service.model.change_record import StoredChange
from scim.service.model.deactivations.brake import MassDeactivation
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import parse_rfc3339
from scim.service.model.token import TokenState, TokenUsage
from scim.service.tenants.health import DailyActivity, HealthState
from tests.service.audit.test_explanations import FAILURE
from tests.service.fakes import NOW, MemoryStore

TODAY, YESTERDAY = "2026-01-31", "2026-01-30"


@dataclass
class FakeAuditLogStore:
    """The records of a tenant. Keeps the limits of counts of changes, and counts the records that were read."""

    days: Mapping[str, DailyFailures] = field(default_factory=dict)
    changes_by_day: Mapping[str, int] = field(default_factory=dict)
    log: Collection[LogRecord] = ()
    last_alert: MassDeactivation | None = None
    limits: list[int] = field(default_factory=list)
    read_count: int = 0

    def list_records(self, *_: object, **__: object) -> Iterator[tuple[LogPosition, LogRecord]]:
        for record in self.log:
            self.read_count += 1
            yield LogPosition("", "", ""), record

    def find_failures(self, *_: object) -> FailureSearchResult:
        return FailureSearchResult()

    def find_failures_by_name(self, *_: object) -> FailureSearchResult:
        return FailureSearchResult()

    def list_failed_request_keys(self, _: str) -> list[str]:
        return []

    def list_changes(self, *_: object) -> Iterator[StoredChange]:
        return iter(())

    def find_previous_owner_ids(self, *_: object) -> Iterator[str]:
        return iter(())

    def get_user_names(self, _: object) -> dict[str, str]:
        return {}

    def list_rejected_tokens(self, _: str) -> list[RejectedTokenCount]:
        return []

    def list_malformed_tokens(self, _: object) -> list[RejectedTokenCount]:
        return []

    def get_last_mass_deactivation(self) -> MassDeactivation | None:
        return self.last_alert

    def get_daily_failures(self, first_day: str, last_day: str) -> dict[str, DailyFailures]:
        return {day: failures for day, failures in self.days.items() if first_day <= day <= last_day}

    def count_changes(self, first_day: str, last_day: str, limit: int) -> tuple[int, bool]:
        self.limits.append(limit)
        number = sum(count for day, count in self.changes_by_day.items() if first_day <= day <= last_day)
        return min(number, limit), number >= limit


def open_log(records: FakeAuditLogStore) -> AuditLog:
    tenant = Tenant("acme", token=TokenState("v1"))
    return AuditLog(records, MemoryStore(), tenant, lambda: TokenUsage(1.0, "v1", "Okta"), lambda: parse_rfc3339(NOW))


def count_failures(**counts: int) -> DailyFailures:
    return DailyFailures({FailureKind(name): number for name, number in counts.items()})


def test_activity_has_all_days() -> None:
    days = {
        TODAY: count_failures(create=2, other_requests=7),
        YESTERDAY: count_failures(patch=3, rejected_tokens=5, no_ops=9),
    }

    activity = open_log(FakeAuditLogStore(days, {TODAY: 3, "2026-01-29": 9_000})).get_activity(3)

    assert activity == [
        DailyActivity("2026-01-29", 5_000, 0, 0, True),
        DailyActivity(YESTERDAY, 0, 8, 3),
        DailyActivity(TODAY, 3, 9, 2),
    ]


def test_activity_takes_one_call_a_day() -> None:
    records = FakeAuditLogStore()
    open_log(records).get_activity(30)
    assert records.limits == [5_000] * 30


def test_health_covers_today_and_yesterday() -> None:
    records = FakeAuditLogStore(
        {TODAY: count_failures(create=2), YESTERDAY: count_failures(patch=3), "2026-01-29": count_failures(create=99)},
        {TODAY: 15},
    )

    health = open_log(records).get_health()

    assert (health.state, health.activity.failures.failed_writes, health.activity.failure_share) == (
        *(HealthState.FAILING, 5),
        0.25,
    )
    assert health.provider == "okta"


def test_last_failure_skips_no_ops() -> None:
    failure = FailureCount(replace(FAILURE, rule="type"), NOW, 1)
    no_op = FailureCount(replace(FAILURE, rule=Rule.NO_OP, status=200), NOW, 1)

    last = open_log(FakeAuditLogStore(log=[no_op, failure])).find_last_failure()
    endless = FakeAuditLogStore(log=[no_op] * 1_000)

    assert last is not None
    assert last.rule == "type"
    assert open_log(endless).find_last_failure() is None
    assert endless.read_count == 200
