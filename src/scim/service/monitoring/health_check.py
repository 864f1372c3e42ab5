"""Check the health of all customers within the time of one run.

A customer without failures costs a share of one batch of reads. One customer that cannot be read stops no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice, takewhile

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
    """What a run has done: numbers of customers and of messages.

    ``unchecked`` is the number of customers that were not checked for lack of time. ``position`` is the customer after
    which the next run begins, empty if all were checked.
    """

    checked: int = 0
    bad: int = 0
    unreadable: int = 0
    unchecked: int = 0
    alerts: int = 0
    sent: int = 0
    unsent: int = 0
    position: str = ""


@dataclass(frozen=True, slots=True)
class _TenantCheck:
    """The result of the check of one tenant. ``alert`` is an alert that this run has claimed.

    A tenant is skipped if the time is used up.
    """

    tenant_id: str
    is_bad: bool = False
    is_readable: bool = True
    is_skipped: bool = False
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
        position = self.store.read_position()
        records = self.store.list_records(position)
        checks: list[_TenantCheck] = []
        unchecked = 0
        with ThreadPoolExecutor(_WORKERS) as pool:
            while unchecked == 0 and (group := list(islice(records, _WORKERS * _BATCH_SIZE))):
                group_checks = self._check_group(pool, group)
                done = list(takewhile(lambda check: not check.is_skipped, group_checks))
                checks += [check for check in group_checks if not check.is_skipped]
                position = done[-1].tenant_id if done else position
                unchecked = sum(check.is_skipped for check in group_checks)
                if not self._has_time():
                    unchecked += sum(1 for _ in records)
        position = position if unchecked else ""
        alerts = [(check.tenant_id, check.alert) for check in checks if check.alert is not None]
        sent, unsent = self.sender.send(alerts)
        self.store.write_position(position, "" if position else format_rfc3339(self.now()))
        return HealthCheckResult(
            checked=sum(check.is_readable for check in checks),
            bad=sum(check.is_bad for check in checks),
            unreadable=sum(not check.is_readable for check in checks),
            unchecked=unchecked,
            alerts=len(alerts),
            sent=sent,
            unsent=unsent,
            position=position,
        )

    def _has_time(self) -> bool:
        """Return whether there is time to check another tenant, and then to send alerts."""
        return self.deadline.remaining_s() >= _SENDING_S

    def _check_group(
        self, pool: ThreadPoolExecutor, group: Sequence[tuple[str, HealthRecord | None]]
    ) -> list[_TenantCheck]:
        """Check tenants in their order, so that those that are skipped for lack of time are the last."""
        days = list_last_days(self.now(), 2)
        tenants = [(tenant_id, record) for tenant_id, record in group if tenant_id != DEPLOYMENT_TEST_TENANT]
        ids = [tenant_id for tenant_id, _ in tenants]
        batches = [ids[start : start + _BATCH_SIZE] for start in range(0, len(ids), _BATCH_SIZE)]
        read: dict[str, Mapping[str, TenantSnapshot] | None] = {}
        snapshots_of_batches = pool.map(lambda batch: self._read_batch(batch, days), batches)
        for batch, snapshots in zip(batches, snapshots_of_batches, strict=True):
            read |= dict.fromkeys(batch, snapshots)
        checks = pool.map(lambda tenant: self._check_tenant(tenant[0], tenant[1], days, read[tenant[0]]), tenants)
        return [check for check in checks if check is not None]

    def _read_batch(self, tenant_ids: Sequence[str], days: Sequence[str]) -> Mapping[str, TenantSnapshot] | None:
        """Read the items of tenants together. Return ``None`` if that fails: each of them is then read alone."""
        try:
            return self.store.read_snapshots(tenant_ids, days)
        except Exception:  # noqa: BLE001  # the tenant that causes it is reported when it is read alone
            return None

    def _check_tenant(
        self,
        tenant_id: str,
        record: HealthRecord | None,
        days: Sequence[str],
        snapshots: Mapping[str, TenantSnapshot] | None,
    ) -> _TenantCheck | None:
        """Check a tenant, and store the result. Read its items if ``snapshots`` is ``None``.

        Return ``None`` for a tenant that was purged meanwhile.
        """
        if not self._has_time():
            return _TenantCheck(tenant_id, is_skipped=True)
        if snapshots is not None and tenant_id not in snapshots:
            return None
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
