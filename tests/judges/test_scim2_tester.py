"""scim2-tester, a test suite of python-scim, checks the endpoint of a tenant with custom attributes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server

from tests.judges.conftest import Report
from tests.judges.local_run import LocalRun, Mode, Tenant
from tests.judges.verdict import Check, Judge

# The custom attributes are those that scim2-tester can generate and compare: it does not support dateTime and decimal,
# compares encoded with decoded binaries, and expects a list to contain only the value that it added last. scim2-models
# does not support names with spaces.
SCHEMA = Path(__file__).parent / "schemas/tested.json"

# The expected checks: if the tester stopped early, no check would fail.
TITLES = {
    "service_provider_config_endpoint",
    "service_provider_config_endpoint_methods",
    "query_all_resource_types",
    "query_resource_type_by_id",
    "resource_types_schema_validation",
    "access_invalid_resource_type",
    "resource_types_endpoint_methods",
    "query_all_schemas",
    "access_schema_by_id",
    "access_invalid_schema",
    "schemas_endpoint_methods",
    "random_url",
    "object_creation",
    "object_query",
    "object_query_without_id",
    "object_query_with_attributes",
    "object_list_with_attributes",
    "search_with_attributes",
    "object_replacement",
    "object_deletion",
    "check_add_attribute",
    "check_replace_attribute",
    "check_remove_attribute",
}


@pytest.fixture(params=list(Mode))
def tenant(request: pytest.FixtureRequest, local_run: LocalRun) -> Tenant:
    return local_run.connect(request.param, SCHEMA)


@pytest.fixture
def client(tenant: Tenant) -> Iterator[SyncSCIMClient]:
    with Client(base_url=tenant.url, headers={"Authorization": f"Bearer {tenant.token}"}) as http:
        yield SyncSCIMClient(http)


def test_checks(client: SyncSCIMClient, report: Report) -> None:
    results = check_server(client)

    assert {result.title for result in results} == TITLES
    report(Judge.SCIM2_TESTER, map(build_check, results))


def build_check(result: CheckResult) -> Check:
    urn = result.data.get("urn") if isinstance(result.data, dict) else None
    name = f"{result.title} {urn}" if urn else str(result.title)
    return Check(name, "" if result.status is Status.SUCCESS else f"{result.status.name}: {result.reason}")
