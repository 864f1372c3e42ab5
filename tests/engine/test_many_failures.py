"""Reading the status and log of a tenant with many failures takes as few calls as of any other tenant."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from bench.prefill import export
from local import engine
from scim.service.model.audit.failure import FailureKind
from scim.service.model.identifiers import hash_identifier, hash_name
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import TokenUsage
from scim.service.tenants.health import HealthState
from scim.settings import Settings
from scim.store import keys, log_codec
from scim.store.audit_log import DynamoDBAuditLogStore
from scim.wiring import runtime
from scim.wiring.operator_adapters import OperatorAdapters, build_operator_adapters
from scim.wiring.scim_api import build_scim_api_adapters
from tests.endpoint import TIMEOUT_S
from tests.engine.proxy import Proxy
from tests.service.audit.test_explanations import FAILURE
from tests.tokens import raise_fault

CountCalls = Callable[[Callable[[], Any]], tuple[Any, int]]
NUMBER = 20_000
_TABLE = _TENANT = "many-failures"
_DAY_S = 86_400


def build_failure_item(tenant: str, number: int, day: str) -> dict[str, Any]:
    """Build the item of a failure as the store writes it. A higher number is newer."""
    name, at = build_identifier(number), f"{day}T00:00:{number // 1_000:02}.{number % 1_000:03}Z"
    hashes = {
        hash_identifier(name),
        hash_identifier(f"e-{number}"),
        hash_name(f"Person {number}"),
        hash_name(str(number)),
        hash_name("Person"),
    }
    return {
        "pk": {"S": keys.failure_partition(tenant)},
        "sk": {"S": keys.failure_key(name, "0" * 16)},
        **log_codec.encode_failure(replace(FAILURE, identifier=name, identifier_hashes=frozenset(hashes))),
        "first": {"S": at},
        "last": {"S": at},
        "count": {"N": "1"},
        f"day#{day}": {"N": "1"},
        "time": {"S": keys.time_key("F#", at)},
        "ttl": {"N": str(int(time.time()) + 30 * _DAY_S)},
    }


def build_identifier(number: int) -> str:
    return f"person-{number:06}@example.com"


@pytest.fixture(scope="module")
def proxy(aws: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy to an engine that starts with many failures of one tenant, all of today."""
    data, day = tmp_path_factory.mktemp("engine"), format_rfc3339(time.time())[:10]
    export(data, [_TABLE], (json.dumps({"Item": build_failure_item(_TENANT, number, day)}) for number in range(NUMBER)))
    with engine.start(data, "dynoxide") as started, Proxy(started.url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def operator(proxy: Proxy) -> Iterator[OperatorAdapters]:
    """The operator's adapters; the tenant is connected, has used its token, and its failures are counted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url)
        patch.setenv("TABLE_NAME", _TABLE)
        settings = Settings.from_environment(os.environ)
        operator = build_operator_adapters(settings, "tests")
        operator.build_administration().tenants.connect(_TENANT)
        calls = build_scim_api_adapters(settings, raise_fault).open_table(runtime.create_deadline(29))
        build_scim_api_adapters(settings, raise_fault).build_tenant_store(calls).record_token_usage(
            _TENANT, TokenUsage(time.time(), "v1")
        )
        assert DynamoDBAuditLogStore(calls, _TENANT, time.time).add_to_day(
            format_rfc3339(time.time()), {FailureKind.CREATE: NUMBER}, None
        )
    yield operator
    operator.token_store.delete_secret(_TENANT)


@pytest.fixture
def count_calls(proxy: Proxy) -> CountCalls:
    """Return a function that returns the result of a function and the number of calls of DynamoDB."""

    def count_calls(function: Callable[[], Any]) -> tuple[Any, int]:
        before = sum(map(len, proxy.bodies.values()))
        result = function()
        return result, sum(map(len, proxy.bodies.values())) - before

    return count_calls


def test_tenant_with_many_failures_takes_few_calls(operator: OperatorAdapters, count_calls: CountCalls) -> None:
    overview, calls = count_calls(lambda: operator.build_administration().load_overview_for_list(_TENANT))
    assert (overview.health.state, overview.user_count, calls) == (HealthState.FAILING, 0, 6)

    log = operator.build_administration(TIMEOUT_S).find_audit_log(_TENANT)
    assert log is not None
    health, calls = count_calls(log.get_health)
    assert (health.activity.failures.failed_writes, health.activity.changes) == (NUMBER, 0)
    assert calls <= 9
    assert "quarantines the application" in health.warnings[0]

    activity, calls = count_calls(lambda: log.get_activity(30))
    assert (activity[-1].failures, calls) == (NUMBER, 31)

    page, calls = count_calls(lambda: log.read_page(count=50))
    assert (len(page.entries), calls) == (50, 6)

    last, calls = count_calls(log.find_last_failure)
    assert (last.user, calls <= 4) == (build_identifier(NUMBER - 1), True)


@pytest.mark.parametrize(
    ("query", "number"), [(build_identifier(0), 0), ("e-0", 0), ("Person 0", 0), (f"e-{NUMBER - 1}", NUMBER - 1)]
)
def test_person_among_many_failures_takes_few_calls(
    operator: OperatorAdapters, count_calls: CountCalls, query: str, number: int
) -> None:
    log = operator.build_administration(TIMEOUT_S).find_audit_log(_TENANT)
    assert log is not None

    report, calls = count_calls(lambda: log.report_on_person(query))

    assert [entry.user for entry in report.timeline] == [build_identifier(number)]
    assert calls <= 60
