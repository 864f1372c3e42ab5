"""The local event bus writes down what EventBridge would take, and refuses what EventBridge refuses."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.services.messaging import Messaging, serve_messaging
from tests.local.messaging import client

ENTRY = {"Source": "muster", "DetailType": "UserUpdated", "Detail": "{}", "EventBusName": "local"}


@pytest.fixture
def messaging(tmp_path: Path) -> Iterator[Messaging]:
    with serve_messaging(tmp_path, []) as messaging:
        yield messaging


def put(messaging: Messaging, *entries: dict[str, Any]) -> Any:
    return client("events", messaging).put_events(Entries=list(entries))


def published(messaging: Messaging) -> list[dict[str, Any]]:
    return [json.loads(line) for line in messaging.events.read_text().splitlines()]


def test_event_is_a_line_as_a_rules_target_gets_it(messaging: Messaging) -> None:
    entry = ENTRY | {"Detail": '{"a":"zoë"}', "Time": datetime(2026, 1, 31, 9, 30, tzinfo=UTC)}
    answer = put(messaging, entry, entry)
    lines = published(messaging)
    assert answer["FailedEntryCount"] == 0
    assert [line["id"] for line in lines] == [each["EventId"] for each in answer["Entries"]]
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
def test_refused_entry_leaves_the_others(change: dict[str, str], code: str, messaging: Messaging) -> None:
    answer = put(messaging, ENTRY, ENTRY | change)
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][1]["ErrorCode"] == code
    assert len(published(messaging)) == 1


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
def test_refused_call_takes_nothing(entries: list[dict[str, Any]], messaging: Messaging) -> None:
    with pytest.raises(ClientError) as refused:
        put(messaging, *entries)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert published(messaging) == []


def test_event_to_another_bus_is_lost(messaging: Messaging) -> None:
    assert put(messaging, ENTRY | {"EventBusName": "other"})["FailedEntryCount"] == 0
    assert published(messaging) == []


def test_bus_may_be_named_by_its_arn(messaging: Messaging) -> None:
    put(messaging, ENTRY | {"EventBusName": "arn:aws:events:us-east-1:000000000000:event-bus/local"})
    assert len(published(messaging)) == 1


def test_other_operations_are_refused(messaging: Messaging) -> None:
    with pytest.raises(ClientError):
        client("events", messaging).list_rules()


def test_files_are_there_from_the_start_and_their_owners_alone(messaging: Messaging) -> None:
    for path in (messaging.events, messaging.dead_letters):
        assert (path.read_text(), path.stat().st_mode & 0o777) == ("", 0o600)
