"""The brake on a real engine, with several execution environments that deactivate users at the same time."""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from scim.service.deactivation_guard import SHARE_OF_REMAINING
from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import Endpoint
from tests.handlers.tenants import get_tenant_id, open_audit_log, start_environment

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
USERS = 200
LIMIT = 40  # 20 % of the users
ENVIRONMENTS = 4
OVERSHOOT = ENVIRONMENTS * -(-LIMIT // SHARE_OF_REMAINING)


@pytest.fixture
def braked(direct: Endpoint) -> Endpoint:
    """The endpoint of a tenant with the brake on."""
    administration = build_operator_adapters(Settings.from_environment(os.environ), "tests").build_administration()
    administration.tenants.set_brake(get_tenant_id(direct), is_on=True)
    return direct


def create_users(scim: Endpoint) -> list[str]:
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": f"{number}", "data": {"userName": f"{number}@example.com"}}
        for number in range(USERS)
    ]
    response = scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations}).json()
    return [operation["location"].rpartition("/")[2] for operation in response["Operations"]]


def delete_all(scim: Endpoint, ids: list[str]) -> Counter[str]:
    """Delete users with one bulk request. Return the number of operations with each status."""
    operations = [{"method": "DELETE", "path": f"/Users/{user_id}"} for user_id in ids]
    response = scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations}).json()
    return Counter(operation["status"] for operation in response["Operations"])


def count_active(scim: Endpoint) -> int:
    total: int = scim.request("GET", "/Users?filter=active%20eq%20true&count=0").json()["totalResults"]
    return total


def test_bulk_request_stops_exactly_at_the_limit(braked: Endpoint) -> None:
    ids = create_users(braked)
    assert delete_all(braked, ids) == {"204": LIMIT, "403": USERS - LIMIT}
    assert count_active(braked) == USERS - LIMIT


def test_simultaneous_environments_exceed_the_limit_by_their_shares_at_most(
    braked: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bulk requests and single requests, from four environments."""
    ids = create_users(braked)
    environments = [start_environment(braked.token) for _ in range(ENVIRONMENTS)]
    part = USERS // ENVIRONMENTS

    def deactivate(number: int) -> int:
        scim, own = environments[number], ids[number * part : (number + 1) * part]
        if number % 2:
            return delete_all(scim, own)["204"]
        operation = {"op": "replace", "path": "active", "value": False}
        return sum(scim.patch(user_id, operation).status == 200 for user_id in own)

    with ThreadPoolExecutor(ENVIRONMENTS) as pool:
        accepted = sum(pool.map(deactivate, range(ENVIRONMENTS)))

    assert LIMIT <= accepted <= LIMIT + OVERSHOOT
    assert count_active(braked) == USERS - accepted
    alerts = [line for line in capsys.readouterr().out.splitlines() if '"message":"mass deactivation"' in line]
    assert len(alerts) == 1
    entries = [entry for entry in open_audit_log(braked).read_page(count=500).entries if entry.kind == "alert"]
    assert len(entries) == 1
    assert "@example.com" not in alerts[0]
