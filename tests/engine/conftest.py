"""A real engine under the real handlers: whichever is installed, and never moto, which has no atomicity to test."""

import os
import uuid
from collections.abc import Iterator

import boto3
import pytest

from handlers.application import Application
from handlers.routes.everything import find
from local import engine as engines
from local.engine import Engine
from scim import wiring
from scim.settings import Settings
from tests.conftest import EXTENSION
from tests.endpoint import TEMPLATE, Endpoint
from tests.engine.proxy import Proxy


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with engines.start() as engine:
        yield engine


@pytest.fixture
def proxy(engine: Engine) -> Iterator[Proxy]:
    """Between the handlers and the engine; it loses what it is told to."""
    with Proxy(engine.url) as proxy:
        yield proxy


@pytest.fixture
def scim(aws: None, engine: Engine, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    """The endpoint with a table of its own on the engine, behind the proxy; the secrets are moto's."""
    return _endpoint(engine, proxy.url, monkeypatch)


@pytest.fixture
def direct(aws: None, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    """The same without the proxy, which takes its time."""
    return _endpoint(engine, engine.url, monkeypatch)


def _endpoint(engine: Engine, url: str, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
    monkeypatch.setenv("TABLE_NAME", f"muster-{uuid.uuid4()}")
    settings = Settings.from_environment(os.environ)
    boto3.client("dynamodb", endpoint_url=engine.url).create_table(**TEMPLATE.table(settings.table_name))
    token = wiring.operator(settings, "tests").tenants().connect(f"t-{uuid.uuid4()}", [EXTENSION]).token
    return Endpoint(token, Application(find))
