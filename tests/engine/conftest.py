"""The real handlers on a real DynamoDB engine. Moto is no replacement: its transactions are not atomic."""

import asyncio
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from handlers.changes import ChangesHandler
from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from handlers.links import LinksHandler
from local import engine as engines
from local.aws_lambda.queue_mapping import consume_batch
from local.aws_lambda.stream_mapping import deliver
from local.aws_lambda.stream_poller import StreamReader
from local.engine import Engine
from local.services.messaging import Messaging
from scim.aws.config import ClientConfig, ClientKind
from scim.service.maintenance.findings import FINDING_TEXTS
from scim.settings import Settings
from scim.wiring.events import build_link_processor_factory, build_stream_processor_factory
from scim.wiring.operator_adapters import build_operator_adapters
from tests import endpoint
from tests.conftest import EXTENSION
from tests.endpoint import TEMPLATE, Endpoint, Handler, LambdaContext, read_functions
from tests.engine.proxy import Proxy
from tests.engine.secrets_server import SecretsServer
from tests.stored_data import check_all

ReadEvents = Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with engines.start() as engine:
        yield engine


@pytest.fixture(autouse=True)
def _forbid_shared_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the handlers of modules fail. They keep their adapters, so later tests would find the table of this test."""

    def load(name: str) -> Handler:
        return lambda *_: pytest.fail(f"{name} keeps the settings of this test. Use ScimApplication(...).")

    monkeypatch.setattr(endpoint, "load", load)


@pytest.fixture
def proxy(engine: Engine) -> Iterator[Proxy]:
    """A proxy between the handlers and the engine that can lose responses and throttle calls."""
    with Proxy(engine.url) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def client(aws: None, engine: Engine) -> Any:
    """A client of the engine, without the proxy."""
    return boto3.client("dynamodb", endpoint_url=engine.url)


@pytest.fixture(scope="session")
def secrets_url(aws: None) -> Iterator[str]:
    """The URL of Secrets Manager, which is moto."""
    with SecretsServer(boto3.client("secretsmanager")) as server:
        yield server.url


@pytest.fixture
def scim(
    engine: Engine,
    client: Any,
    proxy: Proxy,
    secrets_url: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Endpoint]:
    """The endpoint with a new table on the engine, behind the proxy. Secrets are stored in moto.

    After the test, ``muster check`` must find nothing.
    """
    yield _connect_tenant(engine, proxy.url, secrets_url, monkeypatch)
    _require_sound_data(client, request)


@pytest.fixture
def direct(
    engine: Engine, client: Any, secrets_url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Endpoint]:
    """The endpoint with a new table on the engine, without the proxy, which is slow. It is checked after the test."""
    yield _connect_tenant(engine, engine.url, secrets_url, monkeypatch)
    _require_sound_data(client, request)


def _require_sound_data(client: Any, request: pytest.FixtureRequest) -> None:
    """Fail if the check finds something. The marker ``damaged`` allows damage, which is then repaired."""
    if request.node.get_closest_marker("damaged"):
        check_all(client, is_repairing=True)
        left = {finding.kind for finding in check_all(client)}
        assert left <= {kind for kind, text in FINDING_TEXTS.items() if not text.repair}
    else:
        assert check_all(client) == []


def _connect_tenant(engine: Engine, url: str, secrets_url: str, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    # The time limits are those of AWS times ten, as in tests.endpoint.
    monkeypatch.setattr("scim.wiring.scim_api.SECRETS_CONFIG", ClientConfig(connect_timeout_s=10, read_timeout_s=20))
    monkeypatch.setenv("AWS_CLIENT", os.environ.get("ENGINE_TESTS_CLIENT", ClientKind.WIRE))
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets_url)
    monkeypatch.setenv("TABLE_NAME", f"muster-{uuid.uuid4()}")
    settings = Settings.from_environment(os.environ)
    boto3.client("dynamodb", endpoint_url=engine.url).create_table(**TEMPLATE.build_table_request(settings.table_name))
    token = (
        build_operator_adapters(settings, "tests")
        .build_administration()
        .tenants.connect(f"t-{uuid.uuid4()}", [EXTENSION])
        .token
    )
    return Endpoint(token, ScimApplication(find_endpoint))


@pytest.fixture
def update_links(scim: Endpoint, bus: Messaging) -> Callable[[], int]:
    """Process all messages of the links queue; return the number of invocations of the function."""
    (mapping,) = [spec.queue for spec in read_functions() if spec.queue]
    handler = build_links_handler()

    async def invoke(event: dict[str, Any]) -> object:
        response = handler(event, LambdaContext())
        assert response == {"batchItemFailures": []}
        return response

    def update_links() -> int:
        invocations = 0
        while asyncio.run(consume_batch(mapping, bus.queues, invoke)):
            invocations += 1
        return invocations

    return update_links


def build_links_handler() -> Handler:
    """Return the handler of the function that processes the links queue."""
    return LinksHandler(lambda: build_link_processor_factory(Settings.from_environment(os.environ)))


@pytest.fixture
def publish(
    scim: Endpoint, engine: Engine, events: ReadEvents, update_links: Callable[[], int], tmp_path: Path
) -> ReadEvents:
    """Process the new records of the stream and return all events; then process the links queue."""
    return start_publishing(engine, events, update_links, tmp_path / "stream.json")


def start_publishing(
    engine: Engine, events: ReadEvents, update_links: Callable[[], int], positions_file: Path
) -> ReadEvents:
    """Return a function that publishes the changes of the present table from now on."""
    (spec,) = [spec for spec in read_functions() if spec.stream]
    assert spec.stream is not None
    mapping = spec.stream
    handler: Handler = ChangesHandler(lambda: build_stream_processor_factory(Settings.from_environment(os.environ)))
    stream = StreamReader(engine, os.environ["TABLE_NAME"], positions_file)
    stream.open()
    while any(records for _, records in list(stream.read())):
        pass  # a restored table has records that are older

    async def invoke(event: dict[str, Any]) -> object:
        return handler(event, LambdaContext())

    async def fail_on_retry(attempt: int) -> None:
        pytest.fail("a batch was retried")

    def publish() -> list[dict[str, Any]]:
        for shard, records in stream.read():
            asyncio.run(
                deliver(mapping, shard, records, invoke, lambda notice: pytest.fail(str(notice)), fail_on_retry)
            )
        published_events = events()
        update_links()
        return published_events

    return publish
