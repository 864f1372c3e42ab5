"""A table gets the settings that protect it, also one that was restored without them."""

import re
import time
import uuid
from typing import Any

import boto3
import pytest

from deployment.table_protection import ProtectionError, main, protect, read_outputs
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
    outputs = {"ScimUrl": "https://x", "TableName": "muster-Table-1"}
    assert read_outputs(FakeCloudFormation(**outputs), "muster") == outputs
    with pytest.raises(ProtectionError, match="the stack muster has no output TableName"):
        read_outputs(FakeCloudFormation(), "muster")


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


@pytest.fixture
def restored_name(client: Any, name: str) -> str:
    """The name of a copy that DynamoDB has restored from the backups of a table."""
    specification = {"PointInTimeRecoveryEnabled": True}
    client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=specification)
    copy = f"{name}-copy"
    client.restore_table_to_point_in_time(SourceTableName=name, TargetTableName=copy, UseLatestRestorableTime=True)
    return copy


def test_command_prints_time_of_restore(client: Any, restored_name: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = int(time.time())
    assert main("default", restored_name) == 0
    (printed,) = re.findall(r" RestoredAt=(\d+)$", capsys.readouterr().out, re.MULTILINE)
    assert before <= int(printed) <= time.time()


def test_stack_must_know_that_its_table_was_restored(
    restored_name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A time before the table was created is that of an earlier restore."""
    outputs = {"TableName": restored_name}
    monkeypatch.setattr("deployment.table_protection.read_outputs", lambda *_: outputs)
    for earlier in ("0", "1767225600"):
        outputs["RestoredAt"] = earlier
        assert main("default") == 1
        assert "was restored from a backup, and the stack does not know it" in capsys.readouterr().err
    outputs["RestoredAt"] = str(int(time.time()))
    assert main("default") == 0
    assert f" RestoredAt={outputs['RestoredAt']}" in capsys.readouterr().out
