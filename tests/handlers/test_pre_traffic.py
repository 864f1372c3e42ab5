"""The pre-traffic hook tests the real handlers as new versions, and reports to CodeDeploy."""

import io
import itertools
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from boto3.dynamodb.conditions import Key

from handlers import pre_traffic
from handlers.pre_traffic import PreTrafficHook
from handlers.release_test import ReleasedFunction
from local.services.messaging import Messaging
from scim.aws.config import ClientConfig
from scim.service.model.tenant import DEPLOYMENT_TEST_TENANT
from scim.service.tenants import tenant_service
from scim.service.tenants.tenant_service import TenantService
from tests.endpoint import LambdaContext, load, read_functions
from tests.handlers.conftest import Log

EVENT = {"DeploymentId": "d-ABCDEF123", "LifecycleEventHookExecutionId": "eyJlbmNyeXB0ZWREYXRh"}

EXPECTED = {"GET": 200, "POST": 201, "DELETE": 204}

Handler = Callable[[Any, Any], Any]


class Lambda:
    """Lambda's client: it invokes the real handlers, except those that a test has replaced."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {spec.name: load(spec.handler) for spec in read_functions()}

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        function = FunctionName.removesuffix(":7")
        assert function != FunctionName
        try:
            result = self.handlers[function](json.loads(Payload), LambdaContext())
        except Exception as error:  # noqa: BLE001 - as Lambda does
            result = {"errorType": type(error).__name__, "errorMessage": "user@example.com"}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(result).encode())}
        return {"Payload": io.BytesIO(json.dumps(result).encode())}


class CodeDeploy:
    """CodeDeploy's client: it stores the reports."""

    def __init__(self) -> None:
        self.reports: list[dict[str, str]] = []

    def put_lifecycle_event_hook_execution_status(self, **report: str) -> None:
        self.reports.append(report)


class Deployment:
    """A deployment in which CodeDeploy invokes the hook."""

    def __init__(self) -> None:
        self.functions, self.codedeploy = Lambda(), CodeDeploy()
        versions = {function.variable: f"{function}:7" for function in ReleasedFunction}
        self.hook = PreTrafficHook(self.create_client, {**os.environ, **versions})

    def create_client(self, service: str, _: ClientConfig) -> Any:
        return {"lambda": self.functions, "codedeploy": self.codedeploy}[service]

    def test(self) -> str:
        """Invoke the hook, and return the status that it reports."""
        self.hook(EVENT, LambdaContext())  # type: ignore[arg-type]
        report = self.codedeploy.reports.pop()
        assert not self.codedeploy.reports
        assert report["deploymentId"] == EVENT["DeploymentId"]
        assert report["lifecycleEventHookExecutionId"] == EVENT["LifecycleEventHookExecutionId"]
        return report["status"]


_numbers = itertools.count(1)


@pytest.fixture
def tenant_id(monkeypatch: pytest.MonkeyPatch) -> str:
    """The test customer. Its name is new in this run, because handlers cache tenants."""
    name = f"{DEPLOYMENT_TEST_TENANT}-{next(_numbers)}"
    for module in (pre_traffic, tenant_service):
        monkeypatch.setattr(module, "DEPLOYMENT_TEST_TENANT", name)
    return name


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses of the hook, which take no time."""
    pauses: list[float] = []
    monkeypatch.setattr(pre_traffic, "sleep", pauses.append)
    return pauses


@pytest.fixture
def deployment(table: Any, bus: Messaging, tenant_id: str, pauses: list[float]) -> Deployment:
    return Deployment()


def list_items(table: Any, partition: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = table.query(KeyConditionExpression=Key("pk").eq(partition))["Items"]
    return items


def read_lines(log: Log, message: str) -> list[dict[str, Any]]:
    return [line for line in log.lines if line["message"] == message]


def replace_response(deployment: Deployment, function: ReleasedFunction, is_broken: Callable[[Any], bool]) -> None:
    """Let a function respond with 500 to the events for which ``is_broken`` is true."""
    handler = deployment.functions.handlers[function]

    def respond(event: Any, context: Any) -> Any:
        return {"statusCode": 500, "body": "{}"} if is_broken(event) else handler(event, context)

    deployment.functions.handlers[function] = respond


def test_healthy_versions_pass(
    deployment: Deployment, tenant_id: str, table: Any, log: Log, pauses: list[float]
) -> None:
    assert deployment.test() == "Succeeded"
    assert [line["result"] for line in read_lines(log, "pre-traffic")] == ["passed"]
    assert not read_lines(log, "fault")
    assert pauses == []
    kinds = {item["sk"].partition("#")[0] for item in list_items(table, f"T#{tenant_id}")}
    assert kinds == {"C"}  # the user and its entries are gone, the change records are kept


def test_test_customer_is_kept(deployment: Deployment, tenant_id: str, table: Any) -> None:
    assert deployment.test() == "Succeeded"
    settings = list_items(table, f"A#{tenant_id}")
    assert deployment.test() == "Succeeded"
    assert list_items(table, f"A#{tenant_id}") == settings


def test_token_that_an_operator_has_seen_is_used(deployment: Deployment, operator: TenantService) -> None:
    operator.tokens.mark_revealed(operator.connect_deployment_test())
    assert deployment.test() == "Succeeded"


def test_revoked_token_is_replaced(deployment: Deployment, operator: TenantService, tenant_id: str) -> None:
    operator.tokens.mark_revealed(operator.connect_deployment_test())
    operator.tokens.revoke(tenant_id)
    assert deployment.test() == "Succeeded"
    assert deployment.test() == "Succeeded"


def test_disconnected_test_customer_is_connected_again(
    deployment: Deployment, operator: TenantService, tenant_id: str
) -> None:
    operator.connect_deployment_test()
    operator.disconnect(tenant_id)
    assert deployment.test() == "Succeeded"


def test_hooks_of_several_functions_run_at_the_same_time(deployment: Deployment) -> None:
    with ThreadPoolExecutor(4) as executor:
        list(executor.map(lambda _: deployment.hook(EVENT, LambdaContext()), range(4)))  # type: ignore[arg-type]
    assert [report["status"] for report in deployment.codedeploy.reports] == ["Succeeded"] * 4


@pytest.mark.parametrize("function", ReleasedFunction)
def test_version_that_raises_fails(deployment: Deployment, function: ReleasedFunction, log: Log) -> None:
    def crash(event: Any, context: Any) -> Any:
        raise RuntimeError("user@example.com")

    deployment.functions.handlers[function] = crash
    assert deployment.test() == "Failed"
    (line,) = read_lines(log, "pre-traffic")
    assert (line["result"], line["function"]) == ("failed", function)
    assert "raised an error" in line["reason"]
    assert "user@example.com" not in json.dumps(line)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_version_that_rejects_requests_fails(deployment: Deployment, method: str, log: Log) -> None:
    replace_response(
        deployment, ReleasedFunction.USERS, lambda event: event["requestContext"]["http"]["method"] == method
    )
    assert deployment.test() == "Failed"
    (line,) = read_lines(log, "pre-traffic")
    assert line["reason"] == f"the response to {method} Users has the status 500 instead of {EXPECTED[method]}"


@pytest.mark.parametrize("function", [ReleasedFunction.BULK, ReleasedFunction.DISCOVERY, ReleasedFunction.ADMIN])
def test_version_with_faults_fails(deployment: Deployment, function: ReleasedFunction, log: Log) -> None:
    replace_response(deployment, function, lambda _: True)
    assert deployment.test() == "Failed"
    assert [line["function"] for line in read_lines(log, "pre-traffic")] == [function]


@pytest.mark.parametrize("function", [ReleasedFunction.CHANGES, ReleasedFunction.LINKS])
def test_version_that_returns_another_batch_response_fails(deployment: Deployment, function: ReleasedFunction) -> None:
    deployment.functions.handlers[function] = lambda _event, _context: None
    assert deployment.test() == "Failed"


def test_version_that_loses_a_write_fails(deployment: Deployment, log: Log) -> None:
    """The bulk function responds with success, but stores nothing."""
    body = json.dumps({"Operations": [{"status": "200"}]})
    deployment.functions.handlers[ReleasedFunction.BULK] = lambda _event, _context: {"statusCode": 200, "body": body}
    assert deployment.test() == "Failed"
    assert [line["reason"] for line in read_lines(log, "pre-traffic")] == ["a change is not stored"]


def test_user_is_deleted_after_failed_test(deployment: Deployment, tenant_id: str, table: Any) -> None:
    replace_response(deployment, ReleasedFunction.BULK, lambda _: True)
    assert deployment.test() == "Failed"
    assert {item["sk"].partition("#")[0] for item in list_items(table, f"T#{tenant_id}")} == {"C"}


def test_new_token_may_be_visible_late(deployment: Deployment, pauses: list[float]) -> None:
    """Secrets Manager may return a new token only after some seconds."""
    handler, rejected = deployment.functions.handlers[ReleasedFunction.USERS], [1, 2]

    def respond(event: Any, context: Any) -> Any:
        if rejected:
            rejected.pop()
            return {"statusCode": 401, "body": "{}"}
        return handler(event, context)

    deployment.functions.handlers[ReleasedFunction.USERS] = respond
    assert deployment.test() == "Succeeded"
    assert len(pauses) == 2


def test_wrong_settings_fail_the_deployment(deployment: Deployment, log: Log) -> None:
    """CodeDeploy would wait for an hour if the hook did not report."""
    deployment.hook = PreTrafficHook(deployment.create_client, {})
    assert deployment.test() == "Failed"
    assert [line["kind"] for line in read_lines(log, "fault")] == ["ValueError"]


def test_operators_cannot_connect_test_customer(operator: TenantService) -> None:
    for name in (DEPLOYMENT_TEST_TENANT, f"{DEPLOYMENT_TEST_TENANT}-abcdef"):
        with pytest.raises(ValueError, match="reserved"):
            operator.connect(name)
