"""Publish to EventBridge, whose PutEvents responds with 200 even if it rejects entries."""

from datetime import UTC, datetime

import pytest

from scim.aws.errors import ErrorResponse
from scim.events.event import Event
from tests.events.fakes import ACCEPTED, NO_ANSWER, FakeEventBridge, Outcome, build_event_bus, create_client_error
from tests.service.fakes import Clock

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def build_events(count: int, text: str = "") -> dict[int, Event]:
    return {number: Event("UserUpdated", NOW, {"eventId": number, "text": text}) for number in range(count)}


def test_entry_members() -> None:
    client = FakeEventBridge()
    build_event_bus(client, Clock().deadline).publish({7: Event("UserUpdated", NOW, {"userName": "zoë"})})
    assert client.accepted == [
        {
            "EventBusName": "bus",
            "Source": "muster",
            "DetailType": "UserUpdated",
            "Detail": '{"userName":"zoë"}',
            "Time": NOW,
        }
    ]


def test_call_has_at_most_ten_entries() -> None:
    client = FakeEventBridge()
    build_event_bus(client, Clock().deadline).publish(build_events(25))
    assert [len(call) for call in client.calls] == [10, 10, 5]


def test_call_has_at_most_256_kb() -> None:
    client = FakeEventBridge()
    longest = build_events(3, "ü" * 60_000) | {3: Event("UserUpdated", NOW, {"text": "x" * 340_000})}
    build_event_bus(client, Clock().deadline).publish(longest)
    assert [len(call) for call in client.calls] == [2, 1, 1]


def test_no_events_make_no_call() -> None:
    client = FakeEventBridge()
    result = build_event_bus(client, Clock().deadline).publish({})
    assert (client.calls, result.rejected, result.unsent) == ([], {}, frozenset())


@pytest.mark.parametrize("code", ["InternalFailure", "ThrottlingException", "LimitExceededException", "New"])
def test_only_failed_entries_are_sent_again(code: str) -> None:
    client = FakeEventBridge(ACCEPTED, code, ACCEPTED, code)
    result = build_event_bus(client, Clock().deadline).publish(build_events(4))
    assert [detail["eventId"] for detail in client.details] == [0, 2, 1, 3]
    assert (len(client.calls), result.unsent) == (2, frozenset())


@pytest.mark.parametrize(
    "fault",
    [
        NO_ANSWER,
        create_client_error("PutEvents", "InternalException", 500),
        create_client_error("PutEvents", "ThrottlingException"),
    ],
)
def test_call_is_repeated_after_a_temporary_error(fault: Outcome) -> None:
    client = FakeEventBridge(fault)
    assert build_event_bus(client, Clock().deadline).publish(build_events(3)).unsent == frozenset()
    assert len(client.accepted) == 3


def test_permanent_error_is_raised() -> None:
    with pytest.raises(ErrorResponse):
        build_event_bus(
            FakeEventBridge(create_client_error("PutEvents", "AccessDeniedException")), Clock().deadline
        ).publish(build_events(3))


def test_invalid_entry_does_not_stop_the_others() -> None:
    """EventBridge rejects the whole call if one entry exceeds its limit."""
    error = create_client_error("PutEvents", "ValidationException")
    client = FakeEventBridge(error, ACCEPTED, error, ACCEPTED)
    result = build_event_bus(client, Clock().deadline).publish(build_events(3))
    assert (result.rejected, result.unsent) == ({1: "ValidationException"}, frozenset())
    assert [detail["eventId"] for detail in client.details] == [0, 2]


@pytest.mark.parametrize("code", ["InvalidArgument", "MalformedDetail"])
def test_rejected_entry_is_not_sent_again(code: str) -> None:
    client = FakeEventBridge(ACCEPTED, code, ACCEPTED)
    result = build_event_bus(client, Clock().deadline).publish(build_events(3))
    assert (result.rejected, result.unsent, len(client.calls)) == ({1: code}, frozenset(), 1)


def test_unsent_entries_are_returned() -> None:
    clock = Clock()
    client = FakeEventBridge(choose_outcome=lambda: "InternalFailure")
    assert build_event_bus(client, clock.deadline).publish(build_events(3)).unsent == {0, 1, 2}
    assert 3.0 < clock.left_s < 4.0  # enough time for one more call that does not return


def test_no_call_starts_with_too_little_time() -> None:
    """A call may take until its timeout."""
    client = FakeEventBridge()
    assert build_event_bus(client, Clock(left_s=3.9).deadline).publish(build_events(3)).unsent == {0, 1, 2}
    assert client.calls == []
