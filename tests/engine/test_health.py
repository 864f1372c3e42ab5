"""Simultaneous runs of the health check: Lambda can repeat a run, or start one while another still works."""

import json
import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier, Lock
from typing import Any

import boto3
import pytest

from handlers.health import HealthHandler
from handlers.http.application import ScimApplication
from handlers.http.routes.all_routes import find_endpoint
from scim.alerting.sns_topic import SnsTopic
from scim.alerting.webhook import Webhook
from scim.service.monitoring.health_record import CLAIM_S
from scim.settings import Settings
from scim.store.monitoring.health_store import DynamoDBHealthStore
from scim.store.table import Table
from scim.wiring import runtime
from scim.wiring.dynamodb import create_client
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import CORE, ENVIRONMENT, Endpoint, LambdaContext

CUSTOMERS = 6
RUNS = 4


@dataclass
class Channels:
    """A topic and a webhook. They record which customers each message was about."""

    topic: Counter[str] = field(default_factory=Counter)
    webhook: Counter[str] = field(default_factory=Counter)
    webhook_answer: str = ""
    lock: Lock = field(default_factory=Lock)

    def publish(self, _: SnsTopic, __: str, ___: str, members: dict[str, Any]) -> None:
        with self.lock:
            self.topic.update(customer["tenant"] for customer in members["customers"])

    def post(self, _: Webhook, __: str, body: bytes) -> str:
        if not self.webhook_answer:
            with self.lock:
                self.webhook.update(customer["tenant"] for customer in json.loads(body)["customers"])
        return self.webhook_answer


@pytest.fixture
def channels(direct: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[Channels]:
    channels = Channels()
    monkeypatch.setattr(SnsTopic, "send", lambda *arguments: channels.publish(*arguments))
    monkeypatch.setattr(Webhook, "_post", lambda *arguments: channels.post(*arguments))
    monkeypatch.setattr("scim.alerting.webhook._PAUSE_S", 0)
    secrets = boto3.client("secretsmanager")
    value = {
        "topics": "arn:aws:sns:eu-west-1:123456789012:alarms",
        "webhook_secret_arn": "webhook",
        "scim_url": "https://scim.example.com/scim/v2",
    }
    secrets.create_secret(Name="webhook", SecretString="https://hooks.example.com/secret")
    secrets.put_secret_value(SecretId=ENVIRONMENT["ALERT_SECRET"], SecretString=json.dumps(value))
    yield channels
    secrets.put_secret_value(SecretId=ENVIRONMENT["ALERT_SECRET"], SecretString="{}")
    secrets.delete_secret(SecretId="webhook", ForceDeleteWithoutRecovery=True)


@pytest.fixture
def bad_customers(direct: Endpoint) -> list[str]:
    """Connect customers of which each has three failed requests. Return their ids in order."""
    tenants = build_operator_adapters(Settings.from_environment(os.environ), "tests").build_administration().tenants
    handler = ScimApplication(find_endpoint)
    names = sorted(f"t-{uuid.uuid4()}" for _ in range(CUSTOMERS))
    for name in names:
        endpoint = Endpoint(tenants.connect(name).token, handler)
        for index in range(3):
            body = {"schemas": [CORE], "externalId": f"person-{index}"}
            assert endpoint.request("POST", "/Users", body).status == 400
    return names


@pytest.fixture
def run_simultaneously(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that runs several health checks. Each has read all records before one of them writes."""
    read_snapshots = DynamoDBHealthStore.read_snapshots

    def run_simultaneously() -> None:
        barrier = Barrier(RUNS, timeout=60)

        def wait_and_read(store: DynamoDBHealthStore, *arguments: Any) -> Any:
            barrier.wait()
            return read_snapshots(store, *arguments)

        monkeypatch.setattr(DynamoDBHealthStore, "read_snapshots", wait_and_read)
        with ThreadPoolExecutor(RUNS) as pool:
            list(pool.map(lambda _: HealthHandler()({}, LambdaContext()), range(RUNS)))  # type: ignore[arg-type]  # not AWS's class

    return run_simultaneously


def read_records(names: list[str]) -> dict[str, Any]:
    store = DynamoDBHealthStore(Table(create_client(), os.environ["TABLE_NAME"], runtime.create_deadline(300)))
    return {name: store.read(name) for name in names}


def test_simultaneous_runs_send_one_alert_to_each_channel(
    channels: Channels, bad_customers: list[str], run_simultaneously: Callable[[], None]
) -> None:
    for _ in range(2):
        run_simultaneously()
    expected = dict.fromkeys(bad_customers, 1)
    assert (channels.topic, channels.webhook) == (expected, expected)
    for record in read_records(bad_customers).values():
        assert (record.is_bad, record.problem_count, record.alert) == (True, 1, None)


def test_simultaneous_runs_send_an_open_alert_again_only_once(
    channels: Channels,
    bad_customers: list[str],
    run_simultaneously: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The webhook has rejected the alert. After the claim of that run, only the webhook gets it."""
    channels.webhook_answer = "status 500"
    run_simultaneously()
    expected = dict.fromkeys(bad_customers, 1)
    assert (channels.topic, channels.webhook) == (expected, {})
    assert {tuple(record.alert.channels) for record in read_records(bad_customers).values()} == {("webhook",)}

    channels.webhook_answer = ""
    later = time.time() + CLAIM_S + 1
    monkeypatch.setattr(runtime, "current_time", lambda: later)
    run_simultaneously()

    assert (channels.topic, channels.webhook) == (expected, expected)
    assert {record.alert for record in read_records(bad_customers).values()} == {None}
