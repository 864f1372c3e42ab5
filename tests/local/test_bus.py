"""The local event bus and queue write down what reaches them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.services.bus import Bus, serving


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    with serving(tmp_path) as bus:
        yield bus


def client(service: str, bus: Bus) -> Any:
    access: dict[str, Any] = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return boto3.client(service, endpoint_url=bus.url, **access)


def test_an_event_is_a_line_as_a_rules_target_gets_it(bus: Bus) -> None:
    sent = {"EventBusName": "b", "Source": "muster", "DetailType": "UserUpdated", "Detail": '{"a":"zoë"}'}
    entry = sent | {"Time": datetime(2026, 1, 31, 9, 30, tzinfo=UTC)}
    answer = client("events", bus).put_events(Entries=[entry, entry])
    lines = [json.loads(line) for line in bus.events.read_text().splitlines()]
    assert answer["FailedEntryCount"] == 0
    assert [line["id"] for line in lines] == [each["EventId"] for each in answer["Entries"]]
    assert (lines[0]["detail-type"], lines[0]["source"]) == ("UserUpdated", "muster")
    assert (lines[0]["time"], lines[0]["detail"]) == ("2026-01-31T09:30:00Z", {"a": "zoë"})


def test_a_message_is_a_line(bus: Bus) -> None:
    client("sqs", bus).send_message(QueueUrl=f"{bus.url}/poison", MessageBody='{"reason": "malformed"}')
    bus.lay_aside({"version": "1.0"})
    assert bus.poison.read_text() == '{"reason": "malformed"}\n{"version": "1.0"}\n'


def test_other_operations_are_refused(bus: Bus) -> None:
    with pytest.raises(ClientError):
        client("events", bus).list_rules()


def test_the_files_are_there_from_the_start_and_their_owners_alone(bus: Bus) -> None:
    for path in (bus.events, bus.poison):
        assert (path.read_text(), path.stat().st_mode & 0o777) == ("", 0o600)
