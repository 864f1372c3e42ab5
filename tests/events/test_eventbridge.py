"""Events reach the bus, although PutEvents answers 200 to what it did not take."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from scim.events.event import Event
from tests.events.fakes import NO_ANSWER, TAKEN, Events, Outcome, bus, failed
from tests.service.fakes import Clock

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def events(count: int, text: str = "") -> dict[int, Event]:
    return {number: Event("UserUpdated", NOW, {"eventId": number, "text": text}) for number in range(count)}


def test_entry_members() -> None:
    client = Events()
    bus(client, Clock().deadline).publish({7: Event("UserUpdated", NOW, {"userName": "zoë"})})
    assert client.taken == [
        {
            "EventBusName": "bus",
            "Source": "muster",
            "DetailType": "UserUpdated",
            "Detail": '{"userName":"zoë"}',
            "Time": NOW,
        }
    ]


def test_a_call_has_at_most_ten_entries() -> None:
    client = Events()
    bus(client, Clock().deadline).publish(events(25))
    assert [len(call) for call in client.calls] == [10, 10, 5]


def test_call_has_at_most_256_kb() -> None:
    client = Events()
    longest = events(3, "ü" * 60_000) | {3: Event("UserUpdated", NOW, {"text": "x" * 340_000})}
    bus(client, Clock().deadline).publish(longest)
    assert [len(call) for call in client.calls] == [2, 1, 1]


def test_nothing_is_sent_where_there_is_nothing() -> None:
    client = Events()
    delivery = bus(client, Clock().deadline).publish({})
    assert (client.calls, delivery.rejected, delivery.unsent) == ([], {}, frozenset())


@pytest.mark.parametrize("code", ["InternalFailure", "ThrottlingException", "LimitExceededException", "New"])
def test_only_the_entries_that_failed_are_sent_again(code: str) -> None:
    client = Events(TAKEN, code, TAKEN, code)
    delivery = bus(client, Clock().deadline).publish(events(4))
    assert [detail["eventId"] for detail in client.details] == [0, 2, 1, 3]
    assert (len(client.calls), delivery.unsent) == (2, frozenset())


@pytest.mark.parametrize(
    "fault", [NO_ANSWER, failed("PutEvents", "InternalException", 500), failed("PutEvents", "ThrottlingException")]
)
def test_a_call_that_fails_for_the_moment_is_repeated(fault: Outcome) -> None:
    client = Events(fault)
    assert bus(client, Clock().deadline).publish(events(3)).unsent == frozenset()
    assert len(client.taken) == 3


def test_a_call_that_fails_for_good_is_raised() -> None:
    with pytest.raises(ClientError):
        bus(Events(failed("PutEvents", "AccessDeniedException")), Clock().deadline).publish(events(3))


def test_invalid_entry_does_not_stop_the_others() -> None:
    """EventBridge refuses the whole call for an entry over its limit."""
    refused = failed("PutEvents", "ValidationException")
    client = Events(refused, TAKEN, refused, TAKEN)
    delivery = bus(client, Clock().deadline).publish(events(3))
    assert (delivery.rejected, delivery.unsent) == ({1: "ValidationException"}, frozenset())
    assert [detail["eventId"] for detail in client.details] == [0, 2]


@pytest.mark.parametrize("code", ["InvalidArgument", "MalformedDetail"])
def test_an_entry_that_is_refused_is_not_sent_again(code: str) -> None:
    client = Events(TAKEN, code, TAKEN)
    delivery = bus(client, Clock().deadline).publish(events(3))
    assert (delivery.rejected, delivery.unsent, len(client.calls)) == ({1: code}, frozenset(), 1)


def test_what_is_not_taken_in_time_is_told() -> None:
    clock = Clock()
    client = Events(fate=lambda: "InternalFailure")
    assert bus(client, clock.deadline).publish(events(3)).unsent == {0, 1, 2}
    assert 3.0 < clock.left_s < 4.0  # time enough for one more call that hangs


def test_no_call_is_started_without_time_for_it_to_hang() -> None:
    client = Events()
    assert bus(client, Clock(left_s=3.9).deadline).publish(events(3)).unsent == {0, 1, 2}
    assert client.calls == []
