"""Check the health of all customers within the time of one run.

A customer without failures costs a share of one batch of reads. One customer that cannot be read stops no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, islice

from scim.service.deadline import Deadline
from scim.service.identity_providers.detect_by_log import detect_tenant_provider
from scim.service.model.tenant import DEPLOYMENT_TEST_TENANT, Tenant
from scim.service.model.timestamps import format_rfc3339, list_last_days
from scim.service.model.token import TokenUsage
from scim.service.monitoring.alert_sender import AlertSender
from scim.service.monitoring.health_record import HealthAlert, HealthRecord, apply_state
from scim.service.monitoring.ports import HealthStore, TenantDetails, TenantSnapshot
from scim.service.problems.open_problems import find_open_problems
from scim.service.problems.problem import OpenProblems
from scim.service.tenants.health import (
    Health,
    RecentActivity,
    assess_health,
    compute_change_limit_for_state,
    count_change_as_use,
    is_use_in_doubt,
)

_BATCH_SIZE = 25
"""The number of customers of one batch of reads, with four items each."""
_WORKERS = 8
_SENDING_S = 40.0
"""The time of a run that is reserved for sending alerts."""


@dataclass(slots=True)
class HealthCheckResult:
    """What a run has done: numbers of customers and of messages. ``position`` is empty if it has checked all."""

    checked: int = 0
    bad: int = 0
    unreadable: int = 0
    alerts: int = 0
    sent: int = 0
    unsent: int = 0
    position: str = ""


@dataclass(frozen=True, slots=True)
class _TenantCheck:
    """The result of the check of one tenant. ``alert`` is an alert that this run has claimed."""

    tenant_id: str
    is_bad: bool = False
    is_readable: bool = True
    alert: HealthAlert | None = None


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """Checks the health of all tenants, and sends alerts about those that turn bad.

    ``open_details`` returns the reader of a tenant with failures. ``now`` returns the seconds since 1970.
    ``report_fault`` receives the errors of single tenants and of channels.
    """

    store: HealthStore
    open_details: Callable[[Tenant], TenantDetails]
    sender: AlertSender
    deadline: Deadline
    now: Callable[[], float]
    report_fault: Callable[[Exception], None]

    def run(self) -> HealthCheckResult:
        """Check the tenants after the stored position, until all are checked or the time is used up. Send alerts."""
        records = self.store.list_records(self.store.read_position())
        checks: list[_TenantCheck] = []
        position = ""
        with ThreadPoolExecutor(_WORKERS) as pool:
            while group := list(islice(records, _WORKERS * _BATCH_SIZE)):
                batches = [group[start : start + _BATCH_SIZE] for start in range(0, len(group), _BATCH_SIZE)]
                checks += chain.from_iterable(pool.map(self._check_batch, batches))
                if self.deadline.remaining_s() < _SENDING_S:
                    position = group[-1][0]
                    break
        alerts = [(check.tenant_id, check.alert) for check in checks if check.alert is not None]
        sent, unsent = self.sender.send(alerts)
        self.store.write_position(position, "" if position else format_rfc3339(self.now()))
        return HealthCheckResult(
            checked=sum(check.is_readable for check in checks),
            bad=sum(check.is_bad for check in checks),
            unreadable=sum(not check.is_readable for check in checks),
            alerts=len(alerts),
            sent=sent,
            unsent=unsent,
            position=position,
        )

    def _check_batch(self, batch: Sequence[tuple[str, HealthRecord | None]]) -> list[_TenantCheck]:
        """Check tenants whose items are read together. If that fails, read those of each tenant alone."""
        records = {tenant_id: record for tenant_id, record in batch if tenant_id != DEPLOYMENT_TEST_TENANT}
        days = list_last_days(self.now(), 2)
        try:
            snapshots = self.store.read_snapshots(records, days)
        except Exception:  # noqa: BLE001  # the tenant that causes it is reported when it is read alone
            checks = (self._check_tenant(tenant_id, record, days) for tenant_id, record in records.items())
        else:
            checks = (
                self._check_tenant(tenant_id, record, days, snapshots)
                for tenant_id, record in records.items()
                if tenant_id in snapshots
            )
        return list(checks)

    def _check_tenant(
        self,
        tenant_id: str,
        record: HealthRecord | None,
        days: Sequence[str],
        snapshots: Mapping[str, TenantSnapshot] | None = None,
    ) -> _TenantCheck:
        """Check a tenant, and store the result. Read its items if they are not in ``snapshots``."""
        try:
            if snapshots is None:
                snapshots = self.store.read_snapshots([tenant_id], days)
            after = self._assess(record, snapshots[tenant_id], days)
            is_stored = after == record or self.store.write(tenant_id, record, after)
        except Exception as fault:  # noqa: BLE001  # one tenant must not stop the others
            self.report_fault(fault)
            return _TenantCheck(tenant_id, is_readable=False)
        is_claimed = is_stored and (record is None or after.alert != record.alert)
        has_alert = is_claimed and after.alert is not None and after.alert.channels
        return _TenantCheck(tenant_id, is_bad=after.is_bad, alert=after.alert if has_alert else None)

    def _assess(self, record: HealthRecord | None, snapshot: TenantSnapshot, days: Sequence[str]) -> HealthRecord:
        """Return the record after the check of a tenant, with the alert that this run sends, if any."""
        now, before, tenant = self.now(), record or HealthRecord(), snapshot.tenant
        details = self.open_details(tenant)
        failure_count = sum(snapshot.failures.counts.values())
        has_open_alert = snapshot.last_alert is not None and snapshot.last_alert.is_open(tenant.brake, now)
        # Without failures and alerts, the last use of the token makes no difference between good and bad.
        usage = details.get_last_token_usage() if failure_count or has_open_alert else None
        health = self._assess_health(snapshot, usage, details, days)
        after = apply_state(before, health.state, now)
        has_turned_bad = after.has_turned_bad_since(before)
        problems: OpenProblems | None = None
        # The state can change without a new failure, for example when a valid token is used.
        has_changed = record is None or after != before
        if has_changed or before.needs_examination(failure_count, now):
            problems = self._find_problems(tenant, health, details)
        if problems is not None:
            after = replace(
                after,
                problem_count=len(problems.problems),
                are_all_problems_counted=problems.is_complete,
                failure_count=failure_count,
                examined_at=format_rfc3339(now),
            )
        if has_turned_bad:
            return replace(after, alert=self._build_alert(health, problems, now))
        return replace(after, alert=self._claim(before.alert, now, is_bad=after.is_bad))

    def _find_problems(self, tenant: Tenant, health: Health, details: TenantDetails) -> OpenProblems | None:
        """Return the open problems of a tenant, ``None`` if they cannot be read. Its state is known nevertheless."""
        try:
            return find_open_problems(details.problem_store, tenant, health, self.now())
        except Exception as fault:  # noqa: BLE001  # an alert without its cause is better than none
            self.report_fault(fault)
            return None

    def _assess_health(
        self, snapshot: TenantSnapshot, usage: TokenUsage | None, details: TenantDetails, days: Sequence[str]
    ) -> Health:
        limit = compute_change_limit_for_state(snapshot.failures)
        changes, has_more = details.count_changes(days[0], days[-1], limit) if limit else (0, True)
        activity = RecentActivity(snapshot.failures, changes, has_more)
        if usage is not None and is_use_in_doubt(usage, snapshot.failures, self.now()):
            usage = count_change_as_use(usage, details.read_newest_change_time())
        provider = snapshot.tenant.provider or detect_tenant_provider(usage, snapshot.failures)
        return assess_health(snapshot.tenant, usage, activity, provider, self.now(), snapshot.last_alert)

    def _build_alert(self, health: Health, problems: OpenProblems | None, now: float) -> HealthAlert:
        """Return a new alert that this run has claimed. If there is no channel, it waits for one."""
        summaries = [item.summary for item in problems.problems] if problems else []
        alert = HealthAlert(format_rfc3339(now), health.state, (summaries or [health.advice])[0], self._names, now)
        return alert.claim(now)

    def _claim(self, alert: HealthAlert | None, now: float, *, is_bad: bool) -> HealthAlert | None:
        """Return a stored alert, claimed by this run unless another run sends it.

        Forget channels that are gone. An alert without a channel waits for one, as long as the tenant is bad.
        """
        if alert is None or (alert.channels and alert.claimed_until > now):
            return alert
        if not alert.channels:
            waiting = alert if is_bad else None
            return replace(alert, channels=self._names).claim(now) if waiting and self._names else waiting
        channels = [name for name in alert.channels if name in self._names]
        return replace(alert, channels=channels).claim(now) if channels else None

    @property
    def _names(self) -> list[str]:
        """The names of the channels."""
        return [channel.name for channel in self.sender.channels]
