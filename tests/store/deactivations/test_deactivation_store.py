"""The counts of deactivations in the table, their snapshots and alerts."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scim.service.model.audit.log_record import RecordKind
from scim.service.model.deactivations.brake import MassDeactivation
from scim.service.model.deactivations.counts import CountSnapshot
from scim.service.model.stored_resource import StoredResource, encode_json
from scim.store.audit_log import DynamoDBAuditLogStore
from scim.store.deactivations.deactivation_store import DynamoDBDeactivationStore
from scim.store.resources import DynamoDBResourceStore
from scim.store.table import Table
from scim.wiring.runtime import new_id
from tests.store.test_resources import CHANGE, ONE

Items = Callable[[], dict[str, dict[str, Any]]]

EXPIRES = 1_804_411_800
"""When an alert expires in the audit log, in seconds since 1970."""
ALERT = MassDeactivation("2026-01-31T09:30:00.000Z", 21, 100, is_held=False, request_id="request-1")
LATER = replace(ALERT, at="2026-01-31T10:45:00.000Z", is_held=True)


@pytest.fixture
def deactivations(request_table: Table) -> DynamoDBDeactivationStore:
    return DynamoDBDeactivationStore(request_table, "acme", lambda: EXPIRES, new_id)


def build_version(version: int, since: str, *, active: bool) -> StoredResource:
    resource = {"schemas": [], "id": ONE, "userName": "Bob", "active": active}
    return StoredResource(ONE, version, since, since, encode_json(resource), active_since=since)


NEW = build_version(1, "2026-01-31T09:00:00.000Z", active=True)
INACTIVE = build_version(2, "2026-01-31T09:30:00.000Z", active=False)


class TestCount:
    def test_tenant_without_users(self, deactivations: DynamoDBDeactivationStore) -> None:
        counts = deactivations.read()
        assert (counts.active, counts.deactivated, counts.snapshots, counts.last_alert) == (0, 0, (), None)

    @pytest.mark.parametrize(
        ("after", "expected"),
        [(INACTIVE, (0, 1)), (None, (0, 1)), (build_version(2, NEW.active_since, active=True), (1, 0))],
    )
    def test_deactivation_and_deletion_count(
        self,
        store: DynamoDBResourceStore,
        deactivations: DynamoDBDeactivationStore,
        after: StoredResource | None,
        expected: tuple[int, int],
    ) -> None:
        store.write(None, NEW, CHANGE)
        store.write(NEW, after, CHANGE)
        counts = deactivations.read()
        assert (counts.active, counts.deactivated) == expected

    @pytest.mark.parametrize(
        ("reactivated_at", "deactivated"), [("2026-01-31T10:29:59.999Z", 0), ("2026-01-31T10:30:00.000Z", 1)]
    )
    def test_reactivation_within_an_hour_takes_it_back(
        self,
        store: DynamoDBResourceStore,
        deactivations: DynamoDBDeactivationStore,
        reactivated_at: str,
        deactivated: int,
    ) -> None:
        store.write(None, NEW, CHANGE)
        store.write(NEW, INACTIVE, CHANGE)
        store.write(INACTIVE, build_version(3, reactivated_at, active=True), CHANGE)
        assert deactivations.read().deactivated == deactivated

    def test_deletion_of_inactive_user_does_not_count(
        self, store: DynamoDBResourceStore, deactivations: DynamoDBDeactivationStore
    ) -> None:
        store.write(None, NEW, CHANGE)
        store.write(NEW, INACTIVE, CHANGE)
        store.write(INACTIVE, None, CHANGE)
        assert deactivations.read().deactivated == 1


def test_counter_without_numbers_counts_as_zero(deactivations: DynamoDBDeactivationStore, request_table: Table) -> None:
    """A counter can lack attributes after someone has changed it in the table, until muster check repairs it."""
    request_table.write_all([{"pk": {"S": "L#acme"}, "sk": {"S": "K#00"}}])
    counts = deactivations.read()
    assert (counts.active, counts.deactivated) == (0, 0)


def test_one_call_reads_counters_snapshots_and_alert(
    store: DynamoDBResourceStore, deactivations: DynamoDBDeactivationStore, request_table: Table
) -> None:
    store.write(None, NEW, CHANGE)
    snapshots = [CountSnapshot(1_769_851_800.25, 0), CountSnapshot(1_769_852_100.5, 3)]
    deactivations.write_snapshots(snapshots)
    assert deactivations.record_alert(None, ALERT)
    calls = request_table.calls
    counts = deactivations.read()
    assert request_table.calls == calls + 1
    assert (counts.active, counts.snapshots, counts.last_alert) == (1, snapshots, ALERT)


class TestAlerts:
    def test_alert_is_recorded_once(self, deactivations: DynamoDBDeactivationStore) -> None:
        assert deactivations.record_alert(None, ALERT)
        assert not deactivations.record_alert(None, LATER)
        assert deactivations.record_alert(ALERT, LATER)
        assert not deactivations.record_alert(ALERT, replace(LATER, at="2026-01-31T11:00:00.000Z"))
        assert deactivations.read().last_alert == LATER

    def test_alerts_are_in_the_audit_log(self, deactivations: DynamoDBDeactivationStore, request_table: Table) -> None:
        deactivations.record_alert(None, ALERT)
        deactivations.record_alert(ALERT, LATER)
        log = DynamoDBAuditLogStore(request_table, "acme", lambda: 0.0)
        assert log.get_last_mass_deactivation() == LATER
        positions, records = zip(*log.list_records(kinds=(RecordKind.ALERT,)), strict=True)
        assert records == (LATER, ALERT)
        assert [record for _, record in log.list_records(positions[0], (RecordKind.ALERT,))] == [ALERT]

    def test_alert_expires_in_the_audit_log(
        self, deactivations: DynamoDBDeactivationStore, request_table: Table, items: Items
    ) -> None:
        """The last alert does not expire, because it holds deactivations until they are released."""
        deactivations.record_alert(None, ALERT)
        assert items()[f"M#{ALERT.at}"]["ttl"] == {"N": str(EXPIRES)}
        assert "ttl" not in items()["L#alert"]
        for now, count in ((EXPIRES - 1, 1), (EXPIRES, 0)):
            log = DynamoDBAuditLogStore(request_table, "acme", lambda now=now: now)  # type: ignore[misc]
            assert len(list(log.list_records(kinds=(RecordKind.ALERT,)))) == count

    def test_alert_without_an_expiry(self, request_table: Table, items: Items) -> None:
        assert DynamoDBDeactivationStore(request_table, "acme", lambda: None, new_id).record_alert(None, ALERT)
        assert "ttl" not in items()[f"M#{ALERT.at}"]

    def test_alerts_of_other_tenants_are_separate(
        self, deactivations: DynamoDBDeactivationStore, request_table: Table
    ) -> None:
        deactivations.record_alert(None, ALERT)
        other = DynamoDBAuditLogStore(request_table, "globex", lambda: 0.0)
        assert other.get_last_mass_deactivation() is None
        assert DynamoDBDeactivationStore(request_table, "globex", lambda: EXPIRES, new_id).read().last_alert is None
