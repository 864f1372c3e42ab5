"""The alert and the brake on mass deactivations, with the real handlers."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from scim.service.model.audit.log_record import RecordKind
from scim.service.model.deactivations.brake import MassDeactivation
from scim.service.tenants.health import HealthState
from scim.service.tenants.tenant_service import TenantService
from tests.endpoint import CORE, Endpoint, Response
from tests.handlers.conftest import Log
from tests.handlers.tenants import get_tenant_id, open_audit_log, start_environment

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
LIMIT = 9
"""How many of 30 users may be deactivated within an hour: the tenth is the minimum for an alert."""

Deactivate = Callable[[Endpoint, dict[str, Any]], Response]


def patch(scim: Endpoint, user: dict[str, Any]) -> Response:
    return scim.patch(user["id"], {"op": "Replace", "path": "active", "value": "False"})


def put(scim: Endpoint, user: dict[str, Any]) -> Response:
    return scim.request("PUT", f"/Users/{user['id']}", user | {"active": False})


def delete(scim: Endpoint, user: dict[str, Any]) -> Response:
    return scim.request("DELETE", f"/Users/{user['id']}")


with_operations = pytest.mark.parametrize("deactivate", [patch, put, delete])


def create_users(scim: Endpoint, number: int) -> list[dict[str, Any]]:
    return [scim.create(userName=f"user-{index}@example.com") for index in range(number)]


def read_alerts(log: Log) -> list[dict[str, Any]]:
    return [line for line in log.lines if line["message"] == "mass deactivation"]


@pytest.fixture
def braked(scim: Endpoint, operator: TenantService) -> Endpoint:
    operator.set_brake(get_tenant_id(scim), is_on=True)
    return scim


class TestAlert:
    @with_operations
    def test_without_the_brake_all_are_accepted(self, scim: Endpoint, log: Log, deactivate: Deactivate) -> None:
        users = create_users(scim, 15)
        for user in users[:LIMIT]:
            assert deactivate(scim, user).status in (200, 204)
        assert read_alerts(log) == []
        for user in users[LIMIT:]:
            assert deactivate(scim, user).status in (200, 204)
        (alert,) = read_alerts(log)
        assert alert["level"] == "WARNING"
        assert (alert["tenant"], alert["deactivated"], alert["active_before"]) == (get_tenant_id(scim), 10, 15)
        assert alert["held"] is False

    def test_alert_is_in_audit_log_and_health(self, scim: Endpoint) -> None:
        for user in create_users(scim, 12):
            delete(scim, user)
        audit_log = open_audit_log(scim)
        (entry,) = [entry for entry in audit_log.read_page().entries if entry.kind == "alert"]
        assert entry.summary == (
            "Alert: 10 of 12 active users were deactivated or deleted within an hour. More are accepted."
        )
        health = audit_log.get_health()
        assert health.state is HealthState.MASS_DEACTIVATION
        assert health.warnings[0].startswith("10 of 12 active users were deactivated or deleted within an hour (")

    def test_deactivated_users_can_be_deleted(self, braked: Endpoint) -> None:
        users = create_users(braked, 15)
        assert [patch(braked, user).status for user in users[:LIMIT]] == [200] * LIMIT
        assert patch(braked, users[-1]).status == 403
        assert [delete(braked, user).status for user in users[:LIMIT]] == [204] * LIMIT

    def test_cost(self, scim: Endpoint, log: Log) -> None:
        """Only the first of several deactivations reads the count, and stores a snapshot. Other writes never do."""
        users = create_users(scim, 3)
        assert "dynamodb_calls_deactivations" not in log.last
        scim.patch(users[0]["id"], {"op": "add", "path": "title", "value": "Boss"})
        assert "dynamodb_calls_deactivations" not in log.last
        calls = []
        for user in users:
            delete(scim, user)
            calls.append((log.last["dynamodb_calls"], log.last.get("dynamodb_calls_deactivations")))
        assert calls == [(2, 2), (2, None), (2, None)]


class TestBrake:
    @with_operations
    def test_more_are_refused(self, braked: Endpoint, log: Log, deactivate: Deactivate) -> None:
        users = create_users(braked, 15)
        for user in users[:LIMIT]:
            assert deactivate(braked, user).status in (200, 204)
        for user in users[LIMIT:]:
            response = deactivate(braked, user)
            error = response.json()
            assert (response.status, error["status"]) == (403, "403")
            assert "scimType" not in error
            assert "9 of 15 active users were deactivated or deleted within an hour" in error["detail"]
            assert braked.request("GET", f"/Users/{user['id']}").json()["active"] is True
        assert [alert["held"] for alert in read_alerts(log)] == [True]
        assert log.last["status"] == 200

    def test_other_changes_are_accepted(self, braked: Endpoint) -> None:
        users = create_users(braked, 11)
        for user in users:
            patch(braked, user)
        assert braked.patch(users[-1]["id"], {"op": "add", "path": "title", "value": "Boss"}).status == 200
        assert braked.patch(users[0]["id"], {"op": "replace", "path": "active", "value": True}).status == 200
        braked.create(userName="new@example.com")

    def test_bulk_request_stops_at_the_limit(self, braked: Endpoint) -> None:
        users = create_users(braked, 50)
        operations: list[dict[str, Any]] = [{"method": "DELETE", "path": f"/Users/{user['id']}"} for user in users]
        operations.append(
            {
                "method": "POST",
                "path": "/Users",
                "bulkId": "new",
                "data": {"schemas": [CORE], "userName": "new@example.com"},
            }
        )
        response = braked.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
        statuses = [operation["status"] for operation in response.json()["Operations"]]
        assert statuses.count("204") == 10
        assert statuses.count("403") == 40
        assert statuses[-1] == "201"

    def test_release_accepts_all(self, braked: Endpoint, operator: TenantService) -> None:
        users = create_users(braked, 15)
        for user in users:
            delete(braked, user)
        tenant_id = get_tenant_id(braked)
        operator.release_deactivations(tenant_id)
        released = start_environment(braked.token)
        assert [delete(released, user).status for user in users[LIMIT:]] == [204] * 6
        assert open_audit_log(braked).get_health().state is not HealthState.DEACTIVATIONS_HELD

    def test_why_says_that_the_brake_holds_it(self, braked: Endpoint) -> None:
        users = create_users(braked, 12)
        for user in users[:-1]:
            patch(braked, user)
        delete(braked, users[-1])
        audit_log = open_audit_log(braked)
        assert audit_log.get_health().state is HealthState.DEACTIVATIONS_HELD
        report = audit_log.report_on_person(users[-1]["userName"])
        diagnosis = "\n".join(report.diagnosis)
        assert "user-11@example.com has been active since" in diagnosis
        assert "The brake held this deactivation or deletion" in diagnosis
        assert "`muster release TENANT`" in diagnosis

    def test_hold_is_in_the_audit_log_without_personal_data(self, braked: Endpoint, log: Log) -> None:
        users = create_users(braked, 12)
        for user in users:
            delete(braked, user)
        (alert,) = read_alerts(log)
        assert "user-" not in json.dumps(alert)
        records = open_audit_log(braked).log_store.list_records(kinds=(RecordKind.ALERT,))
        assert [isinstance(record, MassDeactivation) and record.is_held for _, record in records] == [True]
