"""Measured calls do not depend on the speed of the machine."""

import itertools
import time
from typing import Any

import pytest

from bench import operations
from bench.handler import HandlerComparison
from bench.service import Service, Table
from scim.service.tenants.tenant_service import TenantService
from tests.endpoint import ENVIRONMENT

AWS = "https://{}.eu-west-1.amazonaws.com"


@pytest.fixture
def tenant(table: Any, operator: TenantService) -> Table:
    issued = operator.connect(f"bench-{time.monotonic_ns()}")
    return Table(table.name, AWS.format("dynamodb"), AWS.format("secretsmanager"), issued.tenant_id, issued.token)


@pytest.fixture
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that advances by more than a minute whenever it is read."""
    start = time.time()
    ticks = itertools.count(1)
    monkeypatch.setattr(time, "time", lambda: start + 61 * next(ticks))


@pytest.fixture
def service(tenant: Table, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr("bench.service.FUNCTION", ENVIRONMENT)
    return Service(tenant)


def test_calls_do_not_depend_on_speed(service: Service, slow_machine: None) -> None:
    """The calls do not include reading the token and storing its last use, which happen once a minute."""
    service.send("POST", "/Users", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "a"})
    for _ in range(3):
        calls = service.calls(lambda: operations.look_up(service, "userName", "a"))
        assert {call.service for call in calls} == {"dynamodb"}
        assert len(calls) == 2


def test_scan_can_be_repeated_on_slow_machine(service: Service, tenant: Table, slow_machine: None) -> None:
    """boto3 repeats the recorded calls. A conditional write of the token's last use would fail."""
    comparison = HandlerComparison(tenant, tenant)
    for _ in range(3):
        comparison.measure(operations.query(comparison.service, {"filter": 'title eq "x"'}, "scanner"))
