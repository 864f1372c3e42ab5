"""Removing what a run created, and what an interrupted run has left."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import boto3
import pytest
from botocore.exceptions import ClientError

from cli.deployment import Deployment
from deployment.smoke.cleanup import Cleaner
from deployment.smoke.run import create_run_id, parse_start
from deployment.smoke.stack import Stack
from scim.settings import Settings
from scim.wiring.operator_adapters import build_operator_adapters
from tests.endpoint import ENVIRONMENT, Endpoint

RUN = "smoke-test-20260131t093000-0a1b2c"
OTHER = "acme"
BUS = "muster"


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    operator = build_operator_adapters(settings, "tests")

    def fail(*_: object) -> NoReturn:
        pytest.fail("not used")

    return Deployment("https://scim.example.com/scim/v2", operator, fail, fail, fail)


@pytest.fixture
def cleaner(deployment: Deployment) -> Cleaner:
    session = boto3.Session(region_name=os.environ["AWS_DEFAULT_REGION"])
    stack = Stack(session, "muster")
    vars(stack)["outputs"] = {
        "EventBusName": BUS,
        "TableName": ENVIRONMENT["TABLE_NAME"],
        "SecretPrefix": ENVIRONMENT["SECRET_PREFIX"],
    }
    events = boto3.client("events")
    if BUS not in [bus["Name"] for bus in events.list_event_buses()["EventBuses"]]:
        events.create_event_bus(Name=BUS)
    return Cleaner(stack, deployment)


def create_everything(deployment: Deployment, run_id: str) -> None:
    """Create a customer with a user and a failure, a rule with a target, and a queue."""
    endpoint = Endpoint(deployment.build_administration().tenants.connect(run_id).token)
    endpoint.create(externalId="1")
    assert endpoint.request("GET", "/Users/unknown").status == 404
    queue = boto3.client("sqs").create_queue(QueueName=run_id)["QueueUrl"]
    assert queue.endswith(run_id)
    events = boto3.client("events")
    events.put_rule(Name=run_id, EventBusName=BUS, EventPattern='{"source": ["muster"]}')
    arn = f"arn:aws:sqs:eu-west-1:123456789012:{run_id}"
    events.put_targets(Rule=run_id, EventBusName=BUS, Targets=[{"Id": "queue", "Arn": arn}])


def list_items(table: Any, tenant_id: str) -> list[Any]:
    return [item for item in table.scan()["Items"] if tenant_id in f"{item['pk']} {item['sk']}"]


def test_everything_is_removed(cleaner: Cleaner, deployment: Deployment, table: Any) -> None:
    create_everything(deployment, RUN)
    create_everything(deployment, OTHER)
    others = list_items(table, OTHER)
    assert {item["pk"][0] for item in list_items(table, RUN)} >= {"T", "L", "F", "A", "R"}
    assert cleaner.remove(RUN) == []
    assert list_items(table, RUN) == []
    assert list_items(table, OTHER) == others
    assert [rule["Name"] for rule in boto3.client("events").list_rules(EventBusName=BUS)["Rules"]] == [OTHER]
    assert [url.rpartition("/")[2] for url in boto3.client("sqs").list_queues()["QueueUrls"]] == [OTHER]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        boto3.client("secretsmanager").describe_secret(SecretId=ENVIRONMENT["SECRET_PREFIX"] + RUN)
    for thing in (OTHER,):
        assert cleaner.remove(thing) == []


def test_run_that_created_nothing_leaves_nothing(cleaner: Cleaner) -> None:
    assert cleaner.remove(RUN) == []


def test_thing_that_cannot_be_removed_is_named(
    cleaner: Cleaner, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_everything(deployment, RUN)
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DeleteQueue")

    def fail(_: Cleaner, run_id: str) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Cleaner, "_remove_queue", fail)
        left = cleaner.remove(RUN)
    assert left == [f"the queue {RUN}: {error}"]
    assert cleaner.remove(RUN) == []


def test_only_abandoned_runs_are_found(cleaner: Cleaner, deployment: Deployment) -> None:
    start = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    boto3.client("sqs").create_queue(QueueName=RUN)
    boto3.client("sqs").create_queue(QueueName="smoke-test-of-another-product")
    assert cleaner.list_abandoned_runs(start + timedelta(minutes=59)) == []
    assert cleaner.list_abandoned_runs(start + timedelta(minutes=61)) == [RUN]
    cleaner.remove(RUN)


def test_run_id_has_start() -> None:
    start = parse_start(create_run_id())
    assert start is not None
    assert abs(datetime.now(UTC) - start) < timedelta(minutes=1)
    assert parse_start("smoke-test-acme") is None
