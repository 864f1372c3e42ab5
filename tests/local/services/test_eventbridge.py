"""The local event bus writes valid events to a file and rejects invalid ones as EventBridge does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.services.messaging import Messaging, serve_messaging
from tests.local.messaging import create_unvalidated_client

ENTRY = {"Source": "muster", "DetailType": "UserUpdated", "Detail": "{}", "EventBusName": "local"}


@pytest.fixture
def messaging(tmp_path: Path) -> Iterator[Messaging]:
    with serve_messaging(tmp_path, []) as messaging:
        yield messaging


def put_events(messaging: Messaging, *entries: dict[str, Any]) -> Any:
    return create_unvalidated_client("events", messaging).put_events(Entries=list(entries))


def read_events(messaging: Messaging) -> list[dict[str, Any]]:
    return [json.loads(line) for line in messaging.events.read_text().splitlines()]


def test_event_has_format_of_rule_targets(messaging: Messaging) -> None:
    entry = ENTRY | {"Detail": '{"a":"zoë"}', "Time": datetime(2026, 1, 31, 9, 30, tzinfo=UTC)}
    response = put_events(messaging, entry, entry)
    lines = read_events(messaging)
    assert response["FailedEntryCount"] == 0
    assert [line["id"] for line in lines] == [entry["EventId"] for entry in response["Entries"]]
    assert (lines[0]["detail-type"], lines[0]["source"]) == ("UserUpdated", "muster")
    assert (lines[0]["time"], lines[0]["detail"]) == ("2026-01-31T09:30:00Z", {"a": "zoë"})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Detail": "[]"}, "MalformedDetail"),
        ({"Detail": '{"a": NaN}'}, "MalformedDetail"),
        ({"Detail": '{"a": 9223372036854775808}'}, "MalformedDetail"),
        ({"Detail": '{"a": ' + "[" * 1_000 + "]" * 1_000 + "}"}, "MalformedDetail"),
        ({"DetailType": "x" * 129}, "InvalidArgument"),
        ({"Source": "aws.scim"}, "NotAuthorizedForSourceException"),
        ({"Detail": ""}, "InvalidArgument"),
    ],
)
def test_rejected_entry_keeps_others(change: dict[str, str], code: str, messaging: Messaging) -> None:
    response = put_events(messaging, ENTRY, ENTRY | change)
    assert response["FailedEntryCount"] == 1
    assert response["Entries"][1]["ErrorCode"] == code
    assert len(read_events(messaging)) == 1


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [ENTRY] * 11,
        [ENTRY | {"Detail": json.dumps({"a": "x" * 600_000})}] * 2,
        [{"Source": "muster"}],
        [ENTRY | {"EventBusName": "not a name"}],
    ],
)
def test_rejected_request_publishes_nothing(entries: list[dict[str, Any]], messaging: Messaging) -> None:
    with pytest.raises(ClientError) as error:
        put_events(messaging, *entries)
    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert read_events(messaging) == []


def test_event_to_unknown_bus_is_dropped(messaging: Messaging) -> None:
    assert put_events(messaging, ENTRY | {"EventBusName": "other"})["FailedEntryCount"] == 0
    assert read_events(messaging) == []


def test_bus_can_be_named_by_arn(messaging: Messaging) -> None:
    put_events(messaging, ENTRY | {"EventBusName": "arn:aws:events:us-east-1:000000000000:event-bus/local"})
    assert len(read_events(messaging)) == 1


def test_unknown_operation_is_rejected(messaging: Messaging) -> None:
    with pytest.raises(ClientError):
        create_unvalidated_client("events", messaging).list_rules()


def test_files_exist_at_start_and_are_private(messaging: Messaging) -> None:
    for path in (messaging.events, messaging.dead_letters):
        assert (path.read_text(), path.stat().st_mode & 0o777) == ("", 0o600)
