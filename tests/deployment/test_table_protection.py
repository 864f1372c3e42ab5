"""A table gets the settings that protect it, also one that was restored without them."""

import uuid
from typing import Any

import boto3
import pytest

from deployment.table_protection import ProtectionError, find_table, main, protect
from tests.endpoint import TEMPLATE
from tests.template.deployment import DEPLOYMENT

SETTINGS = ["the stream", "deletion protection", "the expiry of items (TTL)", "point-in-time recovery"]


@pytest.fixture
def client(aws: None) -> Any:
    """DynamoDB, which all tests of the run share."""
    return boto3.client("dynamodb")


@pytest.fixture
def name(client: Any) -> str:
    """The name of a new table, which has keys and indexes and no other setting."""
    request = TEMPLATE.build_table_request(f"restored-{uuid.uuid4()}")
    del request["StreamSpecification"]
    client.create_table(**request)
    return str(request["TableName"])


def test_restored_table_gets_all_settings(client: Any, name: str) -> None:
    messages: list[str] = []
    stream = protect(client, name, messages.append)
    assert messages == [f"{name}: turned on {setting}" for setting in SETTINGS]
    table = client.describe_table(TableName=name)["Table"]
    assert table["LatestStreamArn"] == stream
    assert table["DeletionProtectionEnabled"] is True
    expected = DEPLOYMENT.select_by_type("AWS::DynamoDB::Table")["Table"]
    assert table["StreamSpecification"]["StreamViewType"] == expected["StreamSpecification"]["StreamViewType"]
    ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": expected["TimeToLiveSpecification"]["AttributeName"]}
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_protected_table_stays_unchanged(client: Any, name: str) -> None:
    stream = protect(client, name, print)
    messages: list[str] = []
    assert protect(client, name, messages.append) == stream
    assert messages == []


def test_stream_without_new_images_is_reported(client: Any, name: str) -> None:
    keys = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    client.update_table(TableName=name, StreamSpecification=keys)
    with pytest.raises(ProtectionError, match="turn the stream off"):
        protect(client, name, print)


class FakeCloudFormation:
    """A stack with these outputs."""

    def __init__(self, **outputs: str) -> None:
        self._outputs = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]

    def describe_stacks(self, **_: str) -> dict[str, Any]:
        return {"Stacks": [{"Outputs": self._outputs}]}


def test_table_of_the_stack_is_its_output() -> None:
    assert find_table(FakeCloudFormation(ScimUrl="https://x", TableName="muster-Table-1"), "muster") == "muster-Table-1"
    with pytest.raises(ProtectionError, match="the stack muster has no output TableName"):
        find_table(FakeCloudFormation(), "muster")


def test_command_protects_a_table_or_reports_one_line(
    client: Any, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("default", name) == 0
    assert f"To use it in another stack: TableName={name} StreamArn=arn:aws:dynamodb:" in capsys.readouterr().out
    assert client.describe_table(TableName=name)["Table"]["DeletionProtectionEnabled"] is True
    assert main("default", "missing") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: the table is not completely protected: ")
    assert line.endswith("make protect CONFIG_ENV=default TABLE=missing")
