"""Runs of the health check: several at the same time, interrupted ones, and failing channels."""

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scim.service.deadline import Deadline
from scim.service.model.audit.failure import DailyFailures, FailureKind
from scim.service.model.audit.log_record import FailureSearchResult
from scim.service.model.tenant import DEPLOYMENT_TEST_TENANT, Tenant
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import TokenState, TokenUsage
from scim.service.monitoring.alert_message import build_alert_message
from scim.service.monitoring.alert_sender import AlertSender
from scim.service.monitoring.health_check import HealthCheck, HealthCheckResult
from scim.service.monitoring.health_record import CLAIM_S, RECOVERY_S, HealthAlert, HealthRecord
from scim.service.monitoring.ports import AlertNotSent, TenantSnapshot
from scim.service.tenants.health import HealthState
from tests.service.problems.test_open_failures import FakeProblemStore

NOW = 1_769_851_800.0  # 2026-01-31T09:30:00Z
FAILING = DailyFailures({FailureKind.CREATE: 5})


@dataclass
class FakeHealthStore:
    """Health records in memory. Tenants in ``broken`` cannot be read."""

    snapshots: dict[str, TenantSnapshot] = field(default_factory=dict)
    broken: Collection[str] = ()
    records: dict[str, HealthRecord] = field(default_factory=dict)
    position: str = ""
    finished_at: str = ""
    before_write: Callable[[], object] = bool

    def list_records(self, after: str = "") -> Iterator[tuple[str, HealthRecord | None]]:
        for tenant_id in sorted(self.snapshots):
            if tenant_id > after:
                yield tenant_id, self.records.get(tenant_id)

    def read_snapshots(self, tenant_ids: Collection[str], _: Sequence[str]) -> Mapping[str, TenantSnapshot]:
        if not set(self.broken).isdisjoint(tenant_ids):
            raise ValueError("broken item")
        return {tenant_id: self.snapshots[tenant_id] for tenant_id in tenant_ids}

    def read(self, tenant_id: str) -> HealthRecord | None:
        return self.records.get(tenant_id)

    def write(self, tenant_id: str, before: HealthRecord | None, after: HealthRecord) -> bool:
        self.before_write()
        if self.records.get(tenant_id) != before:
            return False
        self.records[tenant_id] = after
        return True

    def read_position(self) -> str:
        return self.position

    def write_position(self, position: str, finished_at: str) -> None:
        self.position, self.finished_at = position, finished_at or self.finished_at


class BrokenProblemStore(FakeProblemStore):
    def find_recent_failures(self, _: str) -> FailureSearchResult:
        raise TimeoutError("out of time")


@dataclass
class FakeDetails:
    problem_store: FakeProblemStore = field(default_factory=FakeProblemStore)
    newest_change: str = ""

    def get_last_token_usage(self) -> TokenUsage | None:
        return TokenUsage(NOW, "v1")

    def count_changes(self, *_: object) -> tuple[int, bool]:
        return 0, False

    def read_newest_change_time(self) -> str:
        return self.newest_change


@dataclass
class FakeChannel:
    name: str = "topic"
    texts: list[str] = field(default_factory=list)
    is_broken: bool = False

    def send(self, _: str, text: str, __: Mapping[str, object]) -> None:
        if self.is_broken:
            raise AlertNotSent("broken")
        self.texts.append(text)


@dataclass
class Checks:
    """Runs the check of a store at a time."""

    store: FakeHealthStore
    channels: list[FakeChannel] = field(default_factory=lambda: [FakeChannel()])
    faults: list[Exception] = field(default_factory=list)
    now: float = NOW
    details: FakeDetails = field(default_factory=FakeDetails)

    def run(self, remaining_s: Callable[[], float] = lambda: 180.0) -> HealthCheckResult:
        sender = AlertSender(self.store, self.channels, "https://scim.example.com/admin", self.faults.append)
        deadline = Deadline(remaining_s, lambda _: None)
        return HealthCheck(
            self.store, lambda _: self.details, sender, deadline, lambda: self.now, self.faults.append
        ).run()


def build_snapshot(tenant_id: str, failures: DailyFailures = FAILING) -> TenantSnapshot:
    return TenantSnapshot(Tenant(tenant_id, token=TokenState("v1")), failures, None)


def build_checks(*tenant_ids: str, quiet: Sequence[str] = ()) -> Checks:
    snapshots = {tenant_id: build_snapshot(tenant_id) for tenant_id in tenant_ids}
    snapshots |= {tenant_id: build_snapshot(tenant_id, DailyFailures()) for tenant_id in quiet}
    return Checks(FakeHealthStore(snapshots))


def test_alert_is_sent_once() -> None:
    checks = build_checks("acme", quiet=["quiet"])
    assert checks.run() == HealthCheckResult(checked=2, bad=1, alerts=1, sent=1)
    assert checks.run() == HealthCheckResult(checked=2, bad=1)
    (text,) = checks.channels[0].texts
    assert "acme: failing" in text
    assert "quiet" not in text


def test_concurrent_runs_send_one_alert() -> None:
    """The second run checks the tenant after the first one has read its record, and before it writes."""
    checks = build_checks("acme")

    def run_another() -> None:
        checks.store.before_write = bool
        assert checks.run().alerts == 1

    checks.store.before_write = run_another
    assert checks.run().alerts == 0
    assert len(checks.channels[0].texts) == 1


def test_interrupted_run_is_repeated() -> None:
    """A run that ends before it has sent its alert lets a later run send it."""
    checks = build_checks("acme")
    checks.channels[0].is_broken = True
    assert checks.run() == HealthCheckResult(checked=1, bad=1, alerts=1, unsent=1)
    assert len(checks.faults) == 1
    checks.channels[0].is_broken = False
    checks.now += CLAIM_S - 1
    assert checks.run().alerts == 0
    checks.now += 1
    assert checks.run().sent == 1
    assert checks.store.records["acme"].alert is None
    assert checks.run().alerts == 0


def test_alert_is_sent_again_only_to_failed_channel() -> None:
    checks = build_checks("acme")
    topic, webhook = FakeChannel(), FakeChannel("webhook", is_broken=True)
    checks.channels = [topic, webhook]
    assert (checks.run().sent, checks.run().alerts) == (1, 0)
    webhook.is_broken = False
    checks.now += CLAIM_S
    checks.run()
    assert (len(topic.texts), len(webhook.texts)) == (1, 1)


def test_channel_that_is_gone_is_forgotten() -> None:
    checks = build_checks("acme")
    checks.channels[0].is_broken = True
    checks.run()
    checks.channels = []
    checks.now += CLAIM_S
    checks.run()
    assert checks.store.records["acme"].alert is None


def test_without_channels_only_the_state_is_stored() -> None:
    checks = build_checks("acme")
    checks.channels = []
    assert checks.run() == HealthCheckResult(checked=1, bad=1)
    assert checks.store.records["acme"].is_bad
    assert checks.run() == HealthCheckResult(checked=1, bad=1)


def test_customer_that_is_bad_is_reported_to_a_new_channel() -> None:
    checks = build_checks("acme", "globex")
    checks.channels = []
    checks.run()
    checks.store.snapshots["globex"] = build_snapshot("globex", DailyFailures())
    for _ in range(2):
        checks.now += RECOVERY_S
        checks.run()
    channel = FakeChannel("webhook")
    checks.channels = [channel]
    assert [checks.run().alerts for _ in range(2)] == [1, 0]
    (text,) = channel.texts
    assert "acme" in text
    assert "globex" not in text


def test_alert_is_sent_if_the_problems_cannot_be_read() -> None:
    checks = build_checks("acme")
    checks.details = FakeDetails(BrokenProblemStore())
    assert checks.run() == HealthCheckResult(checked=1, bad=1, alerts=1, sent=1)
    assert "5 requests failed" in checks.channels[0].texts[0]
    assert [type(fault) for fault in checks.faults] == [TimeoutError]
    assert checks.store.records["acme"].is_bad


def test_change_after_the_rejection_of_a_token_is_a_use() -> None:
    """Uses of a token are stored at most once a minute, so the last one may be missing."""
    rejected = DailyFailures({FailureKind.REJECTED_TOKEN: 1}, last_rejection=format_rfc3339(NOW + 10))
    for newest_change, bad in (("", 1), (format_rfc3339(NOW + 5), 1), (format_rfc3339(NOW + 20), 0)):
        checks = build_checks()
        checks.store.snapshots["acme"] = build_snapshot("acme", rejected)
        checks.details = FakeDetails(newest_change=newest_change)
        checks.now = NOW + 60
        assert checks.run().bad == bad


def test_run_continues_where_the_last_one_stopped() -> None:
    """Each write takes a second, as if the table throttled it. No run uses the time that is reserved for sending."""
    names = [f"tenant-{number:04}" for number in range(450)]
    checks = build_checks(*names)
    results: list[HealthCheckResult] = []
    while not checks.store.finished_at:
        clock = itertools.count()  # thread-safe
        remaining = [180.0]
        checks.store.before_write = lambda clock=clock, times=remaining: times.append(179.0 - next(clock))  # type: ignore[misc]  # mypy: default arguments
        following = sum(name > checks.store.position for name in names)
        results.append(checks.run(lambda remaining=remaining: remaining[-1]))  # type: ignore[misc]  # mypy: default arguments
        assert results[-1].checked + results[-1].unchecked == following
        assert results[-1].position == checks.store.position
    assert len(results) == 4
    assert all(140 <= result.alerts <= 150 for result in results[:3])  # up to eight are checked at the same time
    checks.store.before_write = bool
    checks.now += CLAIM_S + 1
    checks.run()
    assert all(record.is_bad and record.alert is None for record in checks.store.records.values())


def test_run_that_checks_all_customers_stores_the_time() -> None:
    checks = build_checks("acme")
    checks.run()
    assert (checks.store.position, checks.store.finished_at) == ("", "2026-01-31T09:30:00.000Z")


def test_broken_customer_does_not_stop_others() -> None:
    checks = build_checks("a", "b", "c")
    checks.store.broken = ["b"]
    result = checks.run()
    assert (result.checked, result.bad, result.unreadable) == (2, 2, 1)
    assert [str(fault) for fault in checks.faults] == ["broken item"]


def test_customer_of_deployment_tests_is_not_checked() -> None:
    assert build_checks(DEPLOYMENT_TEST_TENANT).run() == HealthCheckResult()


def test_record_of_quiet_customer_is_written_once() -> None:
    checks = build_checks(quiet=["acme"])
    checks.run()
    before = checks.store.records["acme"]
    checks.now += 86_400
    checks.run()
    assert checks.store.records["acme"] is before


def test_problems_are_counted_again_after_new_failures() -> None:
    checks = build_checks("acme")
    checks.run()
    examined = checks.store.records["acme"].examined_at
    checks.now += 60
    checks.run()
    assert checks.store.records["acme"].examined_at == examined
    checks.store.snapshots["acme"] = build_snapshot("acme", DailyFailures({FailureKind.CREATE: 6}))
    checks.run()
    assert checks.store.records["acme"].examined_at > examined


class TestMessage:
    alert = HealthAlert("2026-01-31T09:30:00.000Z", HealthState.FAILING, "14 people lack userName.", ["topic"], NOW)

    def test_names_cause_and_page(self) -> None:
        message = build_alert_message([("acme", self.alert)], "https://scim.example.com/admin")
        assert message.subject == "User provisioning: 1 customer needs attention: acme"
        assert message.text == (
            "User provisioning: 1 customer needs attention: acme\n\n"
            "acme: failing, since 2026-01-31T09:30:00.000Z. 14 people lack userName.\n"
            "https://scim.example.com/admin/tenants/acme/problems"
        )

    def test_subject_and_text_have_a_limit(self) -> None:
        alerts = [(f"customer-{number}", self.alert) for number in range(1_000)]
        message = build_alert_message(alerts, "https://scim.example.com/admin")
        assert len(message.subject) < 100
        assert message.text.endswith("And 950 more customers: https://scim.example.com/admin/problems")
        assert len(message.text.encode()) < 256_000
