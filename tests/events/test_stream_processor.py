"""A batch ends in events, in queues, or comes again: nothing is lost, and no record stops those behind it."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.validation.sqs import check_message
from scim.events import stream_processor
from scim.events.event import Event, build_event
from scim.events.stream_processor import BatchResult, LostDeadLetter
from tests.events.fakes import NO_ANSWER, TAKEN, Events, Queues, failed, processor
from tests.events.history import stream_record
from tests.events.test_stream_record import ID, IMAGE
from tests.service.fakes import Clock

CREATED = 1_795_000_000.0
GOOD = stream_record(IMAGE)
BAD = stream_record({**IMAGE, "operation": {"S": "zaphod"}})
OTHER = stream_record({**IMAGE, "sk": {"S": "U#1"}})
LOST = "InternalFailure"
SILENT = [NO_ANSWER] * 1_000


def linking(number: int = 1, **attributes: Any) -> dict[str, Any]:
    """A record of a change that may affect links."""
    return stream_record({**IMAGE, "mayAffectLinks": {"BOOL": True}, **attributes}, number)


def run(
    records: list[Any],
    events: Events,
    queues: Queues,
    links: Queues | None = None,
    *,
    seconds: float = 59.0,
    age: float = 1.0,
) -> BatchResult:
    return processor(events, queues, Clock(seconds).deadline, links, lambda: CREATED + age).process(records)


class TestRejectedRecords:
    def test_malformed_record_is_in_the_queue_whole(self) -> None:
        events, queues = Events(), Queues()
        assert run([GOOD, BAD, GOOD], events, queues) == BatchResult(published_count=2, dead_letter_count=1)
        assert queues.messages == [{"reason": "malformed: operation", "record": BAD}]

    def test_other_items_are_ignored(self) -> None:
        events, queues = Events(), Queues()
        assert run([OTHER, GOOD], events, queues) == BatchResult(published_count=1)
        assert (len(events.taken), queues.messages) == (1, [])

    def test_event_that_the_bus_rejects(self) -> None:
        queues = Queues()
        assert run([GOOD, GOOD], Events(TAKEN, "MalformedDetail"), queues) == BatchResult(
            published_count=1, dead_letter_count=1
        )
        assert queues.messages == [{"reason": "event bus: MalformedDetail", "record": GOOD}]

    @pytest.mark.parametrize("record", ["text", None, 7, [], {"dynamodb": 1}])
    def test_record_of_any_shape(self, record: Any) -> None:
        events, queues = Events(), Queues()
        assert run([GOOD, record, GOOD], events, queues).published_count == 2
        assert [message["record"] for message in queues.messages] == [record]

    @pytest.mark.parametrize(
        "attributes",
        [
            {"at": {"S": "0001-01-01T00:00:00+14:00"}},
            {"at": {"S": "9999-12-31T23:59:59-14:00"}},
            {"externalId": {"S": "\ud800"}},
        ],
    )
    def test_record_whose_event_no_call_can_hold(self, attributes: dict[str, Any]) -> None:
        """It raises for itself, not in the call that it shares with others."""
        culprit, queues = stream_record({**IMAGE, **attributes}), Queues()
        assert run([GOOD, culprit, GOOD], Events(), queues) == BatchResult(published_count=2, dead_letter_count=1)
        assert [message["record"] for message in queues.messages] == [culprit]

    def test_record_that_raises_does_not_stop_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of the same tenant and of others; the reason tells kind and place and no text, which may be personal."""

        def make(record: Any) -> Event:
            if record.user_name == "ford":
                raise TypeError("ford@example.com is no mapping")
            return build_event(record)

        monkeypatch.setattr("scim.events.stream_processor.build_event", make)
        culprit = stream_record({**IMAGE, "userName": {"S": "ford"}}, 2)
        other = stream_record({**IMAGE, "pk": {"S": "T#other"}}, 3)
        events, queues = Events(), Queues()
        assert run([GOOD, culprit, other, GOOD], events, queues) == BatchResult(published_count=3, dead_letter_count=1)
        (letter,) = queues.messages
        assert letter["record"] == culprit
        assert letter["reason"].startswith("TypeError at test_stream_processor.py:")
        assert "ford" not in letter["reason"]
        assert [detail["tenant"] for detail in events.details] == ["acme", "other", "acme"]


class TestRetries:
    def test_records_after_unsent_event_are_no_dead_letters(self) -> None:
        fates = iter([TAKEN, LOST, TAKEN])
        events, queues = Events(fate=lambda: next(fates, LOST)), Queues()
        result = run([BAD, GOOD, GOOD, BAD, GOOD], events, queues)
        assert (result.published_count, result.dead_letter_count, result.retry_count) == (2, 1, 3)
        assert result.retry_sequence_number == GOOD["dynamodb"]["SequenceNumber"]
        assert len(queues.messages) == 1

    def test_repeated_batch_sends_a_dead_letter_once(self) -> None:
        records, queues = [GOOD, BAD, GOOD], Queues()
        assert run(records, Events(fate=lambda: LOST), queues).retry_count == 3
        assert queues.messages == []
        assert run(records, Events(), queues).retry_count == 0
        assert len(queues.messages) == 1

    def test_dead_letter_is_sent_again(self) -> None:
        queues = Queues(NO_ANSWER, failed("SendMessageBatch", "RequestThrottled", 400))
        assert run([BAD], Events(), queues) == BatchResult(dead_letter_count=1)
        assert len(queues.messages) == 1

    def test_call_of_the_bus_that_fails_for_good_is_raised(self) -> None:
        with pytest.raises(ClientError):
            run([linking(), BAD], Events(failed("PutEvents", "AccessDenied")), Queues(), Queues())


class TestLinkTasks:
    def test_only_changes_that_may_affect_links_have_tasks(self) -> None:
        links = Queues()
        lost, dropped = {"handles": {"SS": ["aa"]}}, {"dropped": {"SS": ["bb"]}}
        created = linking(3, operation={"S": "create"}, pk={"S": "T#other"})
        result = run([GOOD, linking(2, **lost, **dropped), created], Events(), Queues(), links)
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

    def test_message_names_nobody(self) -> None:
        links = Queues()
        run([linking()], Events(), Queues(), links)
        assert not {"zaphod", "e1"} & set(json.dumps(links.messages).split('"'))

    def test_ten_messages_a_call(self) -> None:
        links = Queues()
        assert run([linking(number) for number in range(25)], Events(), Queues(), links).link_task_count == 25
        assert links.calls == [10, 10, 5]

    def test_failing_bus_publishes_nothing_twice(self) -> None:
        records, links = [linking(1), linking(2)], Queues()
        events = Events(fate=lambda: LOST)
        assert run(records, events, Queues(), links).retry_count == 2
        assert (len(events.taken), len(links.messages)) == (0, 2)

    @pytest.mark.parametrize("fate", [NO_ANSWER, "InternalError", failed("SendMessageBatch", "RequestThrottled")])
    def test_silent_queue_publishes_nothing_twice(self, fate: Any) -> None:
        """What is before the record is published and does not come again. The record and all behind it wait."""
        first, second = stream_record({**IMAGE, "change": {"S": "first"}}, 1), stream_record(IMAGE, 3)
        records, events = [first, linking(2), second], Events()
        for attempt in range(5):
            batch = records if attempt == 0 else records[1:]
            result = run(batch, events, Queues(), Queues(fate=lambda: fate))
            assert (result.retry_count, result.retry_sequence_number) == (2, f"{2:021d}")
        assert [detail["eventId"] for detail in events.details] == ["first"]
        run(records[1:], events, Queues(), Queues())
        assert len(events.taken) == 3

    def test_silent_links_queue_takes_ten_seconds(self) -> None:
        clock = Clock(59.0)
        processor(Events(), Queues(), clock.deadline, Queues(fate=lambda: "InternalError"), lambda: CREATED).process(
            [linking()]
        )
        assert 59.0 - clock.left_s <= stream_processor.LINK_TASKS_TIMEOUT_S

    def test_task_of_old_record_is_a_dead_letter(self) -> None:
        records, events, queues = [linking(1), GOOD], Events(), Queues()
        result = run(records, events, queues, Queues(*SILENT), age=stream_processor.MAX_QUEUE_WAIT_S)
        assert (result.published_count, result.dead_letter_count, result.retry_count) == (2, 1, 0)
        (letter,) = queues.messages
        assert (letter["reason"], letter["task"]["user_id"]) == ("links queue: no answer", ID)

    def test_missing_links_queue_delays_events(self) -> None:
        """It costs one call of a batch: a call that lacks a right or its queue is not repeated at once."""
        missing = failed("SendMessageBatch", "AWS.SimpleQueueService.NonExistentQueue")
        events, queues, links = Events(), Queues(), Queues(fate=lambda: missing)
        assert run([GOOD, linking(2), GOOD], events, queues, links).retry_count == 2
        assert (len(events.taken), links.calls) == (1, [1])

        result = run([linking(2), GOOD], events, queues, links, age=stream_processor.MAX_QUEUE_WAIT_S)
        assert (result.published_count, result.dead_letter_count, result.retry_count) == (2, 1, 0)
        assert queues.messages[0]["reason"] == "links queue: NonExistentQueue"

    def test_rejected_link_task_stops_nothing(self) -> None:
        events, queues = Events(), Queues()
        result = run([linking(1), linking(2)], events, queues, Queues("InvalidMessageContents"))
        assert (result.published_count, result.link_task_count, result.dead_letter_count, result.retry_count) == (
            2,
            1,
            1,
            0,
        )
        assert queues.messages[0]["reason"] == "links queue: InvalidMessageContents"


class TestDeadLetterQueue:
    """The queue may refuse a message for good, or not answer: neither stops the shard."""

    def test_forbidden_dead_letter_queue_delays_events(self) -> None:
        denied = Queues(fate=lambda: failed("SendMessageBatch", "AccessDenied"))
        assert run([GOOD, BAD, GOOD], Events(), denied).retry_count == 2

        events = Events()
        result = run([GOOD, BAD, GOOD], events, denied, age=stream_processor.MAX_QUEUE_WAIT_S)
        assert (result.retry_count, len(events.taken), len(denied.messages)) == (0, 2, 0)
        (lost,) = result.lost_dead_letters
        assert lost.reason.endswith("; dead-letter queue: AccessDenied")

    def test_new_record_waits_for_a_silent_queue(self) -> None:
        result = run([GOOD, BAD, GOOD], Events(), Queues(*SILENT))
        assert (result.published_count, result.retry_count, result.lost_dead_letters) == (2, 2, ())

    def test_record_is_lost_after_waiting(self) -> None:
        result = run([GOOD, BAD, GOOD], Events(), Queues(*SILENT), age=stream_processor.MAX_QUEUE_WAIT_S)
        key = BAD["dynamodb"]["Keys"]
        reason = "malformed: operation; dead-letter queue: no answer"
        assert (result.published_count, result.retry_count) == (2, 0)
        assert result.lost_dead_letters == (LostDeadLetter(reason, key["pk"]["S"], key["sk"]["S"]),)

    @pytest.mark.parametrize("code", ["InvalidMessageContents", "InvalidParameterValue"])
    def test_letter_that_is_refused_is_told_and_passed(self, code: str) -> None:
        queues = Queues(code)
        result = run([BAD, GOOD, BAD], Events(), queues)
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
        refused = failed("SendMessageBatch", "AWS.SimpleQueueService.BatchRequestTooLong")
        queues = Queues(refused, TAKEN, refused, TAKEN)
        result = run([BAD, BAD, BAD], Events(), queues)
        assert (queues.calls, result.dead_letter_count, len(result.lost_dead_letters)) == ([3, 1, 1, 1], 2, 1)

    def test_letter_is_ascii_whatever_a_user_name_holds(self) -> None:
        queues = Queues()
        odd = stream_record({**IMAGE, "userName": {"S": "zoë\ufffe\uffff\ud800"}, "operation": {"S": "zaphod"}})
        run([odd], Events(), queues)
        assert queues.entries[0]["MessageBody"].isascii()
        assert list(check_message(queues.entries[0])) == []
        assert queues.messages[0]["record"] == odd

    def test_large_record_is_cut_to_its_keys(self) -> None:
        queues = Queues()
        large = stream_record({**IMAGE, "userName": {"S": "ü" * 175_000}, "operation": {"S": "zaphod"}}, 5)
        run([large], Events(), queues)
        (letter,) = queues.messages
        assert len(queues.entries[0]["MessageBody"]) < 2_000
        assert list(check_message(queues.entries[0])) == []
        assert (letter["reason"], letter["isCut"]) == ("malformed: operation", True)
        assert letter["record"]["dynamodb"]["Keys"] == large["dynamodb"]["Keys"]
        assert letter["record"]["dynamodb"]["SequenceNumber"] == f"{5:021d}"
