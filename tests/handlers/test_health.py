"""The scheduled health check: from failing requests to one message in a topic and a webhook."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from handlers.health import HealthHandler
from scim.alerting.webhook import Webhook
from scim.service.tenants.tenant_service import TenantService
from scim.wiring import runtime
from tests.endpoint import CORE, ENVIRONMENT, Endpoint, LambdaContext
from tests.handlers.tenants import get_tenant_id

SCIM_URL = "https://scim.example.com/scim/v2"


@pytest.fixture
def messages(aws: None, table: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """Let alerts go to a topic and to a webhook; return a function that reads the messages of the topic."""
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    queue = sqs.create_queue(QueueName="mail")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    secrets = boto3.client("secretsmanager")
    value = {"topics": topic, "webhook_secret_arn": "webhook", "scim_url": SCIM_URL}
    secrets.create_secret(Name="webhook", SecretString="https://hooks.example.com/secret\n")
    secrets.put_secret_value(SecretId=ENVIRONMENT["ALERT_SECRET"], SecretString=json.dumps(value))

    def read() -> list[str]:
        received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in received:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in received]

    yield read
    secrets.put_secret_value(SecretId=ENVIRONMENT["ALERT_SECRET"], SecretString="{}")
    secrets.delete_secret(SecretId="webhook", ForceDeleteWithoutRecovery=True)
    sqs.delete_queue(QueueUrl=queue)
    sns.delete_topic(TopicArn=topic)


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Record the messages to the webhook, which accepts all."""
    posted: list[dict[str, Any]] = []

    def post(_: Webhook, url: str, body: bytes) -> str:
        assert url == "https://hooks.example.com/secret"
        posted.append(json.loads(body))
        return ""

    monkeypatch.setattr(Webhook, "_post", post)
    return posted


def check() -> None:
    HealthHandler()({}, LambdaContext())  # type: ignore[arg-type]


def fail(scim: Endpoint, number: int = 3) -> None:
    for index in range(number):
        body = {"schemas": [CORE], "externalId": f"secret-person-{index}"}
        assert scim.request("POST", "/Users", body).status == 400


def test_customer_that_turns_bad_causes_one_message(
    scim: Endpoint, messages: Callable[[], list[str]], posted: list[dict[str, Any]]
) -> None:
    tenant = get_tenant_id(scim)
    scim.create()
    check()
    assert (messages(), posted) == ([], [])
    fail(scim)
    check()
    (message,) = messages()
    assert f"{tenant}: failing, since 20" in message
    assert "3 people lack userName." in message
    assert f"https://scim.example.com/admin/tenants/{tenant}/problems" in message
    assert "secret-person" not in message
    (body,) = posted
    assert body["text"] == message
    assert body["number_of_customers"] == 1
    (customer,) = body["customers"]
    assert (customer["tenant"], customer["state"], customer["cause"]) == (tenant, "failing", "3 people lack userName.")
    check()
    fail(scim)
    check()
    assert messages() == []
    assert len(posted) == 1


def test_customers_that_turn_bad_in_one_run_share_a_message(
    connect: Callable[[], Endpoint], messages: Callable[[], list[str]], posted: list[dict[str, Any]]
) -> None:
    endpoints = [connect() for _ in range(3)]
    for endpoint in endpoints[:2]:
        fail(endpoint)
    check()
    (message,) = messages()
    assert [get_tenant_id(endpoint) in message for endpoint in endpoints] == [True, True, False]
    assert posted[0]["number_of_customers"] == 2


def test_message_that_the_webhook_rejects_is_sent_again(
    scim: Endpoint,
    messages: Callable[[], list[str]],
    posted: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fail(scim)
    with monkeypatch.context() as patch:
        patch.setattr(Webhook, "_post", lambda *_: "status 500")
        patch.setattr("scim.alerting.webhook._PAUSE_S", 0)
        check()
    assert len(messages()) == 1
    assert posted == []
    line = next(record for record in caplog.records if record.message == "health")
    assert (line.sent, line.unsent) == (1, 1)  # type: ignore[attr-defined]
    fault = next(record for record in caplog.records if record.message == "fault")
    assert fault.reason == "The webhook has not accepted the message: status 500."  # type: ignore[attr-defined]
    assert "hooks.example.com" not in caplog.text
    check()  # the run that failed has still claimed the alert
    assert posted == []
    monkeypatch.setattr(runtime, "current_time", lambda: time.time() + 300)
    check()
    assert len(posted) == 1
    assert messages() == []


def test_broken_customer_does_not_stop_others(
    scim: Endpoint,
    operator: TenantService,
    table: Any,
    messages: Callable[[], list[str]],
    posted: list[dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    operator.connect("a-broken")
    table.update_item(
        Key={"pk": "A#a-broken", "sk": "A#settings"},
        UpdateExpression="SET extensions = :bad",
        ExpressionAttributeValues={":bad": "no JSON"},
    )
    fail(scim)
    check()
    assert get_tenant_id(scim) in posted[0]["text"]
    line = next(record for record in caplog.records if record.message == "health")
    assert (line.checked, line.bad, line.unreadable) == (1, 1, 1)  # type: ignore[attr-defined]


def test_purged_customer_is_not_stored_again(
    scim: Endpoint, table: Any, messages: Callable[[], list[str]], posted: list[dict[str, Any]]
) -> None:
    fail(scim)
    check()
    table.delete_item(Key={"pk": "TENANTS", "sk": get_tenant_id(scim)})
    check()
    assert "Item" not in table.get_item(Key={"pk": "TENANTS", "sk": get_tenant_id(scim)})


def test_quiet_customers_share_one_batch_of_reads(
    connect: Callable[[], Endpoint], messages: Callable[[], list[str]], calls: list[str]
) -> None:
    for _ in range(26):
        connect()
    check()  # the first check of a customer also looks for failures of seven days
    calls.clear()
    check()
    assert sorted(calls) == [
        "BatchGetItem",
        "BatchGetItem",
        "GetItem",
        "GetSecretValue",
        "Query",
        "UpdateItem",
    ]
