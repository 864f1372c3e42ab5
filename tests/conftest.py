"""Fixtures of all tests: AWS as moto simulates it, and an empty table and a new tenant for each test."""

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import boto3
import botocore.session
import moto.dynamodb.models.table
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from moto import mock_aws

from local.services.messaging import Messaging, serve_messaging
from scim.auth.token_store import SecretsManagerTokenStore
from scim.aws.botocore_client import BotocoreClient
from scim.service.deadline import Deadline
from scim.service.tenants.tenant_service import TenantService
from scim.settings import Settings
from scim.store.table import Table
from scim.store.tenants import DynamoDBTenantStore
from scim.wiring import runtime
from scim.wiring.runtime import new_id
from tests import aws_validation
from tests.endpoint import ENVIRONMENT, PASSWORD, TEMPLATE, Endpoint
from tests.fake_clock import FakeClock
from tests.fast_moto import add_table, patch_moto, remove_table
from tests.tokens import MASTER, MASTER_KEY

collect_ignore = ["judges", "openapi"]  # make judges and make openapi run them, in other environments

EXTENSION = json.loads((Path(__file__).parent.parent / "examples/extensions/employee.json").read_text())

_numbers = itertools.count(1)

# A loaded machine makes any example slow, and hypothesis would report that as a failure.
hypothesis_settings.register_profile("muster", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("muster")

aws_validation.validate_requests()  # before a module creates the botocore session of the functions


@pytest.fixture(scope="session")
def aws() -> Iterator[None]:
    """Moto for the whole run. Handlers keep their clients between tests, as they do between invocations in Lambda."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch_moto(patch)
        session = botocore.session.get_session()
        boto3.setup_default_session(botocore_session=session)
        for name, value in {
            "MASTER_KEY_SECRET": MASTER_KEY,
            "OPENID_SECRET": "{}",
            "ALERT_SECRET": "{}",
            "PASSWORD_SECRET": PASSWORD,
        }.items():
            boto3.client("secretsmanager").create_secret(Name=ENVIRONMENT[name], SecretString=value)
        yield


@pytest.fixture(scope="session")
def _table_definition(aws: None) -> tuple[Any, moto.dynamodb.models.table.Table]:
    """The template's table for boto3 and for moto, without the stream, which moto copies with every transaction."""
    request = TEMPLATE.build_table_request(ENVIRONMENT["TABLE_NAME"])
    del request["StreamSpecification"]
    table = boto3.resource("dynamodb").create_table(**request)
    return table, remove_table(ENVIRONMENT["AWS_DEFAULT_REGION"], table.name)


@pytest.fixture
def table(_table_definition: tuple[Any, moto.dynamodb.models.table.Table]) -> Iterator[Any]:
    """The template's table, empty."""
    table, definition = _table_definition
    add_table(ENVIRONMENT["AWS_DEFAULT_REGION"], definition)
    yield table
    remove_table(ENVIRONMENT["AWS_DEFAULT_REGION"], table.name)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock of all deadlines."""
    clock = FakeClock()
    monkeypatch.setattr(runtime, "create_deadline", clock.create_deadline)
    return clock


@pytest.fixture
def settings(table: Any) -> Settings:
    return Settings.from_environment(os.environ)


@pytest.fixture(scope="session")
def operator(aws: None) -> TenantService:
    """The service that connects tenants. One for the whole run, because creating clients is slow."""
    client, secrets_client = (BotocoreClient(boto3.client(name)) for name in ("dynamodb", "secretsmanager"))
    dynamo = Table(cast("Any", client), ENVIRONMENT["TABLE_NAME"], Deadline(lambda: 29.0, time.sleep))
    secrets = SecretsManagerTokenStore(cast("Any", secrets_client), ENVIRONMENT["SECRET_PREFIX"], MASTER)
    return TenantService(DynamoDBTenantStore(dynamo, new_id), secrets, "tests", time.time, new_id)


@pytest.fixture
def connect(table: Any, operator: TenantService) -> Any:
    """Return a function that connects a tenant. Its name is new in this run, because handlers cache tenants."""

    def connect() -> Endpoint:
        return Endpoint(operator.connect(f"tenant-{next(_numbers)}", [EXTENSION]).token)

    return connect


@pytest.fixture
def scim(connect: Any) -> Endpoint:
    """The endpoint with the token of a new tenant."""
    endpoint: Endpoint = connect()
    return endpoint


@pytest.fixture
def bus(aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Messaging]:
    """EventBridge and SQS of the local run, with the environment variables of the functions."""
    with serve_messaging(tmp_path, TEMPLATE.read_queues(), TEMPLATE.read_consumed_queues(), "muster") as messaging:
        monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", messaging.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", messaging.url)
        monkeypatch.setenv("EVENT_BUS_NAME", "muster")
        monkeypatch.setenv("LINKS_QUEUE_URL", messaging.build_queue_url("LinksQueue"))
        monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", messaging.build_queue_url("DeadLetterQueue"))
        monkeypatch.setenv("LINKS_DEAD_LETTER_QUEUE_URL", messaging.build_queue_url("LinksDeadLetterQueue"))
        yield messaging


@pytest.fixture
def events(bus: Messaging) -> Callable[[], list[dict[str, Any]]]:
    """Return a function that reads the events on the bus."""
    return lambda: [json.loads(line) for line in bus.events.read_text().splitlines()]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the summaries that tests recorded as the property ``summary``. Their first lines are the titles."""
    texts: dict[str, list[str]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            if summary := dict(report.user_properties).get("summary"):
                title, _, text = str(summary).partition("\n")
                texts.setdefault(title, []).append(text)
    for title in texts:
        terminalreporter.section(title)
        terminalreporter.write_line("\n".join(texts[title]))
