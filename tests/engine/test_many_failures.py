"""A tenant with many failures: what is shown of it costs what it costs of any other."""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any

import boto3
import pytest

from scim import wiring
from scim.service.daily_failures import FailureKind
from scim.service.health import HealthState
from scim.service.people import called, handle
from scim.settings import Settings
from scim.store import keys
from scim.store.records import RecordStore
from tests.endpoint import Endpoint
from tests.engine.proxy import Proxy
from tests.service.test_explanations import FAILURE

NUMBER = 20_000
_DAY_S = 86_400
_OWN = ("at", "operation", "handles")


def failure_item(tenant: str, number: int, day: str) -> dict[str, Any]:
    """A failure of somebody, as the store writes it; the higher the number, the newer."""
    name, at = f"person-{number:06}@example.com", f"{day}T00:00:{number // 1_000:02}.{number % 1_000:03}Z"
    said = asdict(replace(FAILURE, identifier=name, kind="userName"))
    handles = {handle(name), handle(f"e-{number}"), called(f"Person {number}"), called(str(number)), called("Person")}
    return {
        "pk": {"S": keys.failures(tenant)},
        "sk": {"S": keys.failure(name, "0" * 16)},
        "failure": {"S": json.dumps({key: value for key, value in said.items() if key not in _OWN})},
        "operation": {"S": "create"},
        "handles": {"SS": sorted(handles)},
        "first": {"S": at},
        "last": {"S": at},
        "count": {"N": "1"},
        f"day#{day}": {"N": "1"},
        "time": {"S": keys.recorded("F#", at)},
        "ttl": {"N": str(int(time.time()) + 30 * _DAY_S)},
    }


@pytest.fixture
def fill(direct: Endpoint) -> Callable[[int], str]:
    """Gives the tenant so many failures by writing them into the table, and returns its id."""
    client, table, tenant = boto3.client("dynamodb"), os.environ["TABLE_NAME"], direct.token.split("_")[1]

    def write(first: int) -> None:
        day = wiring.now()[:10]
        requests = [{"PutRequest": {"Item": failure_item(tenant, first + each, day)}} for each in range(25)]
        assert not client.batch_write_item(RequestItems={table: requests})["UnprocessedItems"]

    def fill(number: int) -> str:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(0, number, 25)))
        settings = Settings.from_environment(os.environ)
        calls = wiring.adapters(settings).dynamo(wiring.deadline(29))
        records = RecordStore(calls, tenant, time.time)
        assert records.add_to_day(wiring.now(), {FailureKind.CREATE: number}, None)
        return tenant

    return fill


def test_tenant_with_many_failures_costs_a_few_calls(
    fill: Callable[[int], str], direct: Endpoint, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = fill(NUMBER)
    direct.create()
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url)
    operator = wiring.operator(Settings.from_environment(os.environ), "tests")

    def calls_of(use: Callable[[], Any]) -> tuple[Any, int]:
        before = sum(map(len, proxy.bodies.values()))
        found = use()
        return found, sum(map(len, proxy.bodies.values())) - before

    overview, calls = calls_of(lambda: operator.overview(tenant))
    assert (overview.health.state, overview.users, calls) == (HealthState.FAILING, 1, 5)

    log, _ = calls_of(lambda: operator.log(tenant, 29.0))
    health, calls = calls_of(log.health)
    assert (health.activity.failures.failed_writes, health.activity.changes) == (NUMBER, 1)
    assert "quarantines the application" in health.warnings[0]
    assert calls <= 3

    activity, calls = calls_of(lambda: log.activity(30))
    assert (activity[-1].failed, activity[-1].written, calls) == (NUMBER, 1, 31)

    (entries, _), calls = calls_of(lambda: log.page(count=50))
    assert (len(entries), calls) == (50, 5)
    last, calls = calls_of(log.last_failure)
    assert (last.person, calls) == (f"person-{NUMBER - 1:06}@example.com", 2)

    for person in ("person-000001@example.com", "e-1", "Person 1", "1"):
        case, calls = calls_of(lambda person=person: log.why(person))
        assert "person-000001@example.com" in {*case.outside, *(entry.person for entry in case.timeline)} or not all(
            "older failures of this person may be missing" not in each for each in case.diagnosis
        )
        assert calls <= 40
    assert [entry.person for entry in log.why("person-000001@example.com").timeline] == ["person-000001@example.com"]
