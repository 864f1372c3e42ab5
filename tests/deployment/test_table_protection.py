"""A table gets the settings that protect it, also one that was restored without them."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from deployment.table_protection import ProtectionError, find_table, main, protect
from tests.endpoint import TEMPLATE
from tests.template.deployment import DEPLOYMENT

SETTINGS = ["the stream", "deletion protection", "the expiry of items (TTL)", "point-in-time recovery"]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """DynamoDB with the table ``restored``, which has keys and indexes and no other setting."""
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        client: Any = boto3.Session().client("dynamodb")
        request = TEMPLATE.build_table_request("restored")
        del request["StreamSpecification"]
        client.create_table(**request)
        yield client


def test_restored_table_gets_all_settings(client: Any) -> None:
    messages: list[str] = []
    stream = protect(client, "restored", messages.append)
    assert messages == [f"restored: turned on {setting}" for setting in SETTINGS]
    table = client.describe_table(TableName="restored")["Table"]
    assert table["LatestStreamArn"] == stream
    assert table["DeletionProtectionEnabled"] is True
    expected = DEPLOYMENT.select_by_type("AWS::DynamoDB::Table")["Table"]
    assert table["StreamSpecification"]["StreamViewType"] == expected["StreamSpecification"]["StreamViewType"]
    ttl = client.describe_time_to_live(TableName="restored")["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": expected["TimeToLiveSpecification"]["AttributeName"]}
    backups = client.describe_continuous_backups(TableName="restored")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_protected_table_stays_unchanged(client: Any) -> None:
    stream = protect(client, "restored", print)
    messages: list[str] = []
    assert protect(client, "restored", messages.append) == stream
    assert messages == []


def test_stream_without_new_images_is_reported(client: Any) -> None:
    keys = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    client.update_table(TableName="restored", StreamSpecification=keys)
    with pytest.raises(ProtectionError, match="turn the stream off"):
        protect(client, "restored", print)


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


def test_command_protects_a_table_or_reports_one_line(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("default", "restored") == 0
    assert "To use it in another stack: TableName=restored StreamArn=arn:aws:dynamodb:" in capsys.readouterr().out
    assert client.describe_table(TableName="restored")["Table"]["DeletionProtectionEnabled"] is True
    assert main("default", "missing") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
