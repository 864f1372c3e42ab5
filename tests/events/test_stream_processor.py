"""A batch of stream records becomes events, link tasks and dead letters, or is retried.

No record is lost, and no record stops the records after it.
"""

import json
from typing import Any

import pytest

from local.validation.sqs import check_message
from scim.aws.errors import ErrorResponse
from scim.events import stream_processor
from scim.events.event import Event, build_event
from scim.events.stream_processor import BatchResult, LostDeadLetter
from scim.events.stream_record import parse_stream_record
from scim.protocol.errors import Unavailable
from scim.store.requests.accepted_events import AcceptedEvent
from tests.events.fakes import (
    ACCEPTED,
    NO_ANSWER,
    FakeEventBridge,
    FakeRecorder,
    FakeSqs,
    build_stream_processor,
    create_client_error,
)
from tests.events.history import build_stream_record
from tests.events.test_stream_record import ID, IMAGE
from tests.service.fakes import Clock

CREATED = 1_795_000_000.0
GOOD = build_stream_record(IMAGE)
BAD = build_stream_record({**IMAGE, "operation": {"S": "zaphod"}})
OTHER = build_stream_record({**IMAGE, "sk": {"S": "U#1"}})
TEMPORARY_ERROR = "InternalFailure"
NO_ANSWERS = [NO_ANSWER] * 1_000


def build_linking_record(number: int = 1, **attributes: Any) -> dict[str, Any]:
    """Return a record of a change that may affect links."""
    return build_stream_record({**IMAGE, "mayAffectLinks": {"BOOL": True}, **attributes}, number)


def process(
    records: list[Any],
    events: FakeEventBridge,
    queues: FakeSqs,
    links: FakeSqs | None = None,
    *,
    seconds: float = 59.0,
    age: float = 1.0,
    recorder: FakeRecorder | None = None,
) -> BatchResult:
    processor = build_stream_processor(events, queues, Clock(seconds).deadline, links, lambda: CREATED + age, recorder)
    return processor.process(records)


class TestRejectedRecords:
    def test_malformed_record_is_sent_whole(self) -> None:
        events, queues = FakeEventBridge(), FakeSqs()
        assert process([GOOD, BAD, GOOD], events, queues) == BatchResult(published_count=2, dead_letter_count=1)
        assert queues.messages == [{"reason": "malformed: operation", "record": BAD}]

    def test_other_items_are_ignored(self) -> None:
        events, queues = FakeEventBridge(), FakeSqs()
        assert process([OTHER, GOOD], events, queues) == BatchResult(published_count=1)
        assert (len(events.accepted), queues.messages) == (1, [])

    def test_event_rejected_by_the_bus(self) -> None:
        queues = FakeSqs()
        assert process([GOOD, GOOD], FakeEventBridge(ACCEPTED, "MalformedDetail"), queues) == BatchResult(
            published_count=1, dead_letter_count=1
        )
        assert queues.messages == [{"reason": "event bus: MalformedDetail", "record": GOOD}]

    @pytest.mark.parametrize("record", ["text", None, 7, [], {"dynamodb": 1}])
    def test_record_of_any_shape(self, record: Any) -> None:
        events, queues = FakeEventBridge(), FakeSqs()
        assert process([GOOD, record, GOOD], events, queues).published_count == 2
        assert [message["record"] for message in queues.messages] == [record]

    @pytest.mark.parametrize(
        "attributes",
        [
            {"at": {"S": "0001-01-01T00:00:00+14:00"}},
            {"at": {"S": "9999-12-31T23:59:59-14:00"}},
            {"externalId": {"S": "\ud800"}},
        ],
    )
    def test_event_that_cannot_be_encoded(self, attributes: dict[str, Any]) -> None:
        """It does not fail the call that contains other events."""
        failing, queues = build_stream_record({**IMAGE, **attributes}), FakeSqs()
        assert process([GOOD, failing, GOOD], FakeEventBridge(), queues) == BatchResult(
            published_count=2, dead_letter_count=1
        )
        assert [message["record"] for message in queues.messages] == [failing]

    def test_record_that_raises_does_not_stop_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The reason has the class and place of the error. It omits the message, which may contain personal data."""

        def raise_type_error(record: Any) -> Event:
            if record.user_name == "ford":
                raise TypeError("ford@example.com is no mapping")
            return build_event(record)

        monkeypatch.setattr("scim.events.stream_processor.build_event", raise_type_error)
        failing = build_stream_record({**IMAGE, "userName": {"S": "ford"}}, 2)
        other = build_stream_record({**IMAGE, "pk": {"S": "T#other"}}, 3)
        events, queues = FakeEventBridge(), FakeSqs()
        assert process([GOOD, failing, other, GOOD], events, queues) == BatchResult(
            published_count=3, dead_letter_count=1
        )
        (letter,) = queues.messages
        assert letter["record"] == failing
        assert letter["reason"].startswith("TypeError at test_stream_processor.py:")
        assert "ford" not in letter["reason"]
        assert [detail["tenant"] for detail in events.details] == ["acme", "other", "acme"]


class TestRetries:
    def test_records_after_unsent_event_are_no_dead_letters(self) -> None:
        outcomes = iter([ACCEPTED, TEMPORARY_ERROR, ACCEPTED])
        events, queues = FakeEventBridge(choose_outcome=lambda: next(outcomes, TEMPORARY_ERROR)), FakeSqs()
        result = process([BAD, GOOD, GOOD, BAD, GOOD], events, queues)
        assert (result.published_count, result.dead_letter_count, result.retry_count) == (2, 1, 3)
        assert result.retry_sequence_number == GOOD["dynamodb"]["SequenceNumber"]
        assert len(queues.messages) == 1

    def test_repeated_batch_sends_a_dead_letter_once(self) -> None:
        records, queues = [GOOD, BAD, GOOD], FakeSqs()
        assert process(records, FakeEventBridge(choose_outcome=lambda: TEMPORARY_ERROR), queues).retry_count == 3
        assert queues.messages == []
        assert process(records, FakeEventBridge(), queues).retry_count == 0
        assert len(queues.messages) == 1

    def test_dead_letter_is_sent_again(self) -> None:
        queues = FakeSqs(NO_ANSWER, create_client_error("SendMessageBatch", "RequestThrottled", 400))
        assert process([BAD], FakeEventBridge(), queues) == BatchResult(dead_letter_count=1)
        assert len(queues.messages) == 1

    def test_permanent_error_of_the_bus_is_raised(self) -> None:
        with pytest.raises(ErrorResponse):
            process(
                [build_linking_record(), BAD],
                FakeEventBridge(create_client_error("PutEvents", "AccessDenied")),
                FakeSqs(),
                FakeSqs(),
            )


class TestLinkTasks:
    def test_only_changes_of_links_have_tasks(self) -> None:
        links = FakeSqs()
        lost, dropped = {"handles": {"SS": ["aa"]}}, {"dropped": {"SS": ["bb"]}}
        created = build_linking_record(3, operation={"S": "create"}, pk={"S": "T#other"})
        result = process(
            [GOOD, build_linking_record(2, **lost, **dropped), created], FakeEventBridge(), FakeSqs(), links
        )
        assert (result.published_count, result.link_task_count) == (3, 2)
        assert links.messages == [
            {
                "tenant_id": "acme",
                "user_id": ID,
                "sequence": 12,
                "has_new_identifiers": False,
                "former_identifier_hashes": ["aa"],
                "removed_reference_hashes": ["bb"],
                "request_id": "request-1",
                "position": None,
            },
            {
                "tenant_id": "other",
                "user_id": ID,
                "sequence": 12,
                "has_new_identifiers": True,
                "former_identifier_hashes": [],
                "removed_reference_hashes": [],
                "request_id": "request-1",
                "position": None,
            },
        ]
        assert [entry["MessageGroupId"] for entry in links.entries] == ["acme", "other"]

    def test_link_task_has_no_personal_data(self) -> None:
        links = FakeSqs()
        process([build_linking_record()], FakeEventBridge(), FakeSqs(), links)
        assert not {"zaphod", "e1"} & set(json.dumps(links.messages).split('"'))

    def test_call_has_ten_messages(self) -> None:
        links = FakeSqs()
        assert (
            process(
                [build_linking_record(number) for number in range(25)], FakeEventBridge(), FakeSqs(), links
            ).link_task_count
            == 25
        )
        assert links.calls == [10, 10, 5]

    def test_failing_bus_publishes_nothing_twice(self) -> None:
        records, links = [build_linking_record(1), build_linking_record(2)], FakeSqs()
        events = FakeEventBridge(choose_outcome=lambda: TEMPORARY_ERROR)
        assert process(records, events, FakeSqs(), links).retry_count == 2
        assert (len(events.accepted), len(links.messages)) == (0, 2)

    @pytest.mark.parametrize(
        "outcome", [NO_ANSWER, "InternalError", create_client_error("SendMessageBatch", "RequestThrottled")]
    )
    def test_silent_queue_publishes_nothing_twice(self, outcome: Any) -> None:
        """Records before the failing one are published once. The failing record and all later ones are retried."""
        first, second = build_stream_record({**IMAGE, "change": {"S": "first"}}, 1), build_stream_record(IMAGE, 3)
        records, events = [first, build_linking_record(2), second], FakeEventBridge()
        for attempt in range(5):
            batch = records if attempt == 0 else records[1:]
            result = process(batch, events, FakeSqs(), FakeSqs(choose_outcome=lambda: outcome))
            assert (result.retry_count, result.retry_sequence_number) == (2, f"{2:021d}")
        assert [detail["eventId"] for detail in events.details] == ["first"]
        process(records[1:], events, FakeSqs(), FakeSqs())
        assert len(events.accepted) == 3

    def test_silent_links_queue_takes_ten_seconds(self) -> None:
        clock = Clock(59.0)
        build_stream_processor(
            FakeEventBridge(),
            FakeSqs(),
            clock.deadline,
            FakeSqs(choose_outcome=lambda: "InternalError"),
            lambda: CREATED,
        ).process([build_linking_record()])
        assert 59.0 - clock.left_s <= stream_processor.LINK_TASKS_TIMEOUT_S

    def test_task_of_old_record_is_a_dead_letter(self) -> None:
        records, events, queues = [build_linking_record(1), GOOD], FakeEventBridge(), FakeSqs()
        result = process(records, events, queues, FakeSqs(*NO_ANSWERS), age=stream_processor.MAX_QUEUE_WAIT_S)
        assert (result.published_count, result.dead_letter_count, result.retry_count) == (2, 1, 0)
        (letter,) = queues.messages
        assert (letter["reason"], letter["task"]["user_id"]) == ("links queue: no answer", ID)

    def test_missing_links_queue_delays_events(self) -> None:
        """A batch makes one call: a missing queue or permission is not retried within the batch."""
        missing = create_client_error("SendMessageBatch", "AWS.SimpleQueueService.NonExistentQueue")
        events, queues, links = FakeEventBridge(), FakeSqs(), FakeSqs(choose_outcome=lambda: missing)
        assert process([GOOD, build_linking_record(2), GOOD], events, queues, links).retry_count == 2
        assert (len(events.accepted), links.calls) == (1, [1])

        result = process([build_linking_record(2), GOOD], events, queues, links, age=stream_processor.MAX_QUEUE_WAIT_S)
        assert (result.published_count, result.dead_letter_count, result.retry_count) == (2, 1, 0)
        assert queues.messages[0]["reason"] == "links queue: NonExistentQueue"

    def test_rejected_link_task_stops_nothing(self) -> None:
        events, queues = FakeEventBridge(), FakeSqs()
        result = process(
            [build_linking_record(1), build_linking_record(2)], events, queues, FakeSqs("InvalidMessageContents")
        )
        assert (result.published_count, result.link_task_count, result.dead_letter_count, result.retry_count) == (
            2,
            1,
            1,
            0,
        )
        assert queues.messages[0]["reason"] == "links queue: InvalidMessageContents"


class TestDeadLetterQueue:
    """If the queue rejects a message or does not respond, the shard continues."""

    def test_forbidden_dead_letter_queue_delays_events(self) -> None:
        denied = FakeSqs(choose_outcome=lambda: create_client_error("SendMessageBatch", "AccessDenied"))
        assert process([GOOD, BAD, GOOD], FakeEventBridge(), denied).retry_count == 2

        events = FakeEventBridge()
        result = process([GOOD, BAD, GOOD], events, denied, age=stream_processor.MAX_QUEUE_WAIT_S)
        assert (result.retry_count, len(events.accepted), len(denied.messages)) == (0, 2, 0)
        (lost,) = result.lost_dead_letters
        assert lost.reason.endswith("; dead-letter queue: AccessDenied")

    def test_new_record_waits_for_a_silent_queue(self) -> None:
        result = process([GOOD, BAD, GOOD], FakeEventBridge(), FakeSqs(*NO_ANSWERS))
        assert (result.published_count, result.retry_count, result.lost_dead_letters) == (2, 2, ())

    def test_record_is_lost_after_waiting(self) -> None:
        result = process(
            [GOOD, BAD, GOOD], FakeEventBridge(), FakeSqs(*NO_ANSWERS), age=stream_processor.MAX_QUEUE_WAIT_S
        )
        key = BAD["dynamodb"]["Keys"]
        reason = "malformed: operation; dead-letter queue: no answer"
        assert (result.published_count, result.retry_count) == (2, 0)
        assert result.lost_dead_letters == (LostDeadLetter(reason, key["pk"]["S"], key["sk"]["S"]),)

    @pytest.mark.parametrize("code", ["InvalidMessageContents", "InvalidParameterValue"])
    def test_rejected_dead_letter_is_reported_as_lost(self, code: str) -> None:
        queues = FakeSqs(code)
        result = process([BAD, GOOD, BAD], FakeEventBridge(), queues)
        assert (
            result.dead_letter_count,
            result.retry_count,
            [code in letter.reason for letter in result.lost_dead_letters],
        ) == (
            1,
            0,
            [True],
        )

    def test_invalid_dead_letter_does_not_fail_others(self) -> None:
        error = create_client_error("SendMessageBatch", "AWS.SimpleQueueService.BatchRequestTooLong")
        queues = FakeSqs(error, ACCEPTED, error, ACCEPTED)
        result = process([BAD, BAD, BAD], FakeEventBridge(), queues)
        assert (queues.calls, result.dead_letter_count, len(result.lost_dead_letters)) == ([3, 1, 1, 1], 2, 1)

    def test_dead_letter_is_ascii(self) -> None:
        queues = FakeSqs()
        record = build_stream_record(
            {**IMAGE, "userName": {"S": "zoë\ufffe\uffff\ud800"}, "operation": {"S": "zaphod"}}
        )
        process([record], FakeEventBridge(), queues)
        assert queues.entries[0]["MessageBody"].isascii()
        assert list(check_message(queues.entries[0])) == []
        assert queues.messages[0]["record"] == record

    def test_large_record_is_cut_to_its_keys(self) -> None:
        queues = FakeSqs()
        large = build_stream_record({**IMAGE, "userName": {"S": "ü" * 175_000}, "operation": {"S": "zaphod"}}, 5)
        process([large], FakeEventBridge(), queues)
        (letter,) = queues.messages
        assert len(queues.entries[0]["MessageBody"]) < 2_000
        assert list(check_message(queues.entries[0])) == []
        assert (letter["reason"], letter["isCut"]) == ("malformed: operation", True)
        assert letter["record"]["dynamodb"]["Keys"] == large["dynamodb"]["Keys"]
        assert letter["record"]["dynamodb"]["SequenceNumber"] == f"{5:021d}"


def build_numbered_records(count: int) -> list[dict[str, Any]]:
    """Return records whose events have the ids event-0, event-1, and so on."""
    return [build_stream_record({**IMAGE, "change": {"S": f"event-{number}"}}, number) for number in range(count)]


class TestAcceptedEvents:
    def test_accepted_event_is_recorded_with_its_request(self) -> None:
        recorder = FakeRecorder()
        process([GOOD], FakeEventBridge(), FakeSqs(), recorder=recorder)
        detail = build_event(parse_stream_record(GOOD)).detail
        assert recorder.recorded == [AcceptedEvent("acme", detail["requestId"], ID, detail["eventId"])]

    def test_rejected_event_is_not_recorded(self) -> None:
        recorder = FakeRecorder()
        process(build_numbered_records(3), FakeEventBridge(ACCEPTED, "MalformedDetail"), FakeSqs(), recorder=recorder)
        assert [event.event_id for event in recorder.recorded] == ["event-0", "event-2"]

    def test_event_without_response_is_not_recorded(self) -> None:
        """The eleventh event is in the second call, which the bus never answers."""
        recorder, events = FakeRecorder(), FakeEventBridge(*[ACCEPTED] * 10, *NO_ANSWERS)
        result = process(build_numbered_records(11), events, FakeSqs(), recorder=recorder)
        assert [event.event_id for event in recorder.recorded] == [f"event-{number}" for number in range(10)]
        assert (result.published_count, result.retry_count) == (10, 1)

    def test_event_of_waiting_link_task_is_not_recorded(self) -> None:
        recorder = FakeRecorder()
        process([build_linking_record()], FakeEventBridge(), FakeSqs(), FakeSqs(*NO_ANSWERS), recorder=recorder)
        assert recorder.recorded == []

    def test_event_without_request_is_not_recorded(self) -> None:
        recorder = FakeRecorder()
        process([build_stream_record({**IMAGE, "request": {"S": ""}})], FakeEventBridge(), FakeSqs(), recorder=recorder)
        assert recorder.recorded == []

    @pytest.mark.parametrize("fault", [Unavailable("late"), create_client_error("BatchWriteItem", "AccessDenied")])
    def test_failed_recording_publishes_nothing_twice(self, fault: Exception) -> None:
        events = FakeEventBridge()
        result = process([GOOD, GOOD], events, FakeSqs(), recorder=FakeRecorder(fault))
        assert (result.published_count, result.retry_count, len(events.accepted)) == (2, 0, 2)
        assert (result.unrecorded_count, result.recording_fault) == (2, fault)
