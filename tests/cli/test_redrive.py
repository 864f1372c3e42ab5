"""Test ``redrive`` with local queues, the real function behind a fake Invoke, and a fake stream."""

import io
import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from handlers.changes import ChangesHandler
from local.services.messaging import Messaging
from scim.events import dead_letter, link_message
from scim.service.references.link_task import LinkTask
from scim.settings import Settings
from scim.wiring.events import build_stream_processor_factory
from tests.cli import stack
from tests.cli.conftest import Muster
from tests.endpoint import LambdaContext
from tests.events.history import build_stream_record
from tests.events.test_stream_record import ID, IMAGE
from tests.handlers.conftest import Log

GOOD = build_stream_record(IMAGE, 1)
BAD = build_stream_record({**IMAGE, "operation": {"S": "unheard-of"}}, 2)
TASK = LinkTask("acme", ID, 7, True, frozenset({"aa"}), frozenset(), "r1")
NOTICE: dict[str, Any] = {
    "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 61},
    "version": "1.0",
    "DDBStreamBatchInfo": {
        "shardId": "shard-1",
        "startSequenceNumber": f"{1:021d}",
        "endSequenceNumber": f"{2:021d}",
        "batchSize": 2,
        "streamArn": "arn:aws:dynamodb:eu-west-1:000000000000:table/muster/stream/1",
    },
}


MALFORMED_LETTERS: list[Any] = [
    {"reason": "KeyError", "task": {"tenant": "acme"}},
    {"reason": "KeyError", "task": None},
    {"reason": "KeyError", "message": 7},
    {"reason": ["KeyError"], "record": None},
    {"reason": "KeyError", "record": {"dynamodb": ["NewImage"]}},
    {"reason": "KeyError", "record": {"dynamodb": {"Keys": {"pk": {"S": ""}, "sk": {"S": ""}}}}},
    {"DDBStreamBatchInfo": 7, "requestContext": 7},
    {"DDBStreamBatchInfo": {}},
    {"DDBStreamBatchInfo": {**NOTICE["DDBStreamBatchInfo"], "endSequenceNumber": "last"}},
    "[" * 100_000,
    "null",
]


class Lambda:
    """A fake of Lambda that invokes the function. If ``fails`` is true, the function times out."""

    def __init__(self) -> None:
        self.fails = False
        self.events: list[Any] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803  # AWS's names
        assert FunctionName == "muster-ChangesFunction"
        self.events.append(json.loads(Payload))
        if self.fails:
            error = {"errorType": "Sandbox.Timedout", "errorMessage": "zaphod"}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(error).encode())}
        handler: Any = ChangesHandler(lambda: build_stream_processor_factory(Settings.from_environment(os.environ)))
        response = handler(self.events[-1], LambdaContext())
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(response).encode())}


class Streams:
    """A fake of DynamoDB Streams: a shard with three records. The notice names the first two."""

    def __init__(self) -> None:
        self.is_trimmed = False

    def get_shard_iterator(self, **arguments: Any) -> dict[str, Any]:
        if self.is_trimmed:
            raise ClientError({"Error": {"Code": "TrimmedDataAccessException", "Message": ""}}, "GetShardIterator")
        assert (arguments["ShardIteratorType"], arguments["SequenceNumber"]) == ("AT_SEQUENCE_NUMBER", f"{1:021d}")
        return {"ShardIterator": "0"}

    def get_records(self, *, ShardIterator: str) -> dict[str, Any]:  # noqa: N803  # AWS's name
        number = int(ShardIterator) + 1
        image = {**IMAGE, "change": {"S": f"change-{number}"}}
        record = build_stream_record(image, number)
        record["dynamodb"]["ApproximateCreationDateTime"] = datetime.now(UTC)
        return {"Records": [record], "NextShardIterator": str(number)}


class Overridden:
    """A client of SQS with a fake ChangeMessageVisibility."""

    def __init__(self, client: Any, change_message_visibility: Any) -> None:
        self._client = client
        self.change_message_visibility = change_message_visibility

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.fixture
def lambdas() -> Lambda:
    return Lambda()


@pytest.fixture
def streams() -> Streams:
    return Streams()


@pytest.fixture
def muster(
    run: Muster, bus: Messaging, lambdas: Lambda, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Muster]:
    """Connect the command line to a stack with queues. The log lines of the function are redirected."""
    outputs = {
        f"{name}Url": bus.build_queue_url(name) for name in ("DeadLetterQueue", "LinksQueue", "LinksDeadLetterQueue")
    }
    for name, value in {**outputs, "ChangesFunctionName": "muster-ChangesFunction"}.items():
        monkeypatch.setitem(stack.OUTPUTS, name, value)
    monkeypatch.setitem(stack.FAKE_CLIENTS, "lambda", lambdas)
    monkeypatch.setitem(stack.FAKE_CLIENTS, "dynamodbstreams", streams)
    monkeypatch.setattr("cli.event_services._WAIT_TIME_S", 0)
    with Log().redirect():
        yield run


def send_message(bus: Messaging, letter: Mapping[str, Any] | str, queue: str = "DeadLetterQueue") -> str:
    return bus.queues.send(queue, letter if isinstance(letter, str) else json.dumps(letter))


def count_messages(bus: Messaging, queue: str = "DeadLetterQueue") -> int:
    return sum(bus.queues.count(queue))


class TestList:
    def test_messages_have_kind_and_reason(self, muster: Muster, bus: Messaging) -> None:
        first = send_message(bus, dead_letter.build_record_dead_letter(GOOD, "TypeError at links.py:1 made"))
        second = send_message(
            bus,
            dead_letter.build_message_dead_letter(link_message.build_message(TASK).body, "KeyError"),
            "LinksDeadLetterQueue",
        )
        assert [
            [message[name] for name in ("id", "queue", "kind", "tenant", "user_id", "sequence", "reason")]
            for message in muster.json_lines("redrive")
        ] == [
            [first, "changes", "record", "acme", ID, 12, "TypeError at links.py:1 made"],
            [second, "links", "task", "acme", ID, 7, "KeyError"],
        ]
        lines = muster("redrive").stdout.splitlines()
        assert lines[0].split() == ["ID", "QUEUE", "KIND", "SINCE", "TENANT", "USER", "SEQUENCE", "REASON"]
        assert lines[1].endswith("TypeError at links.py:1 made")

    def test_list_has_no_personal_data(self, muster: Muster, bus: Messaging) -> None:
        send_message(bus, dead_letter.build_record_dead_letter(GOOD, "TypeError"))
        send_message(bus, "zaphod")
        output = muster("redrive").stdout + muster("redrive", "--json").stdout
        assert "zaphod" not in output
        assert '"e1"' not in output

    def test_messages_stay_visible(self, muster: Muster, bus: Messaging) -> None:
        for number in range(25):
            send_message(bus, dead_letter.build_record_dead_letter(GOOD, f"reason {number}"))
        assert len(muster.json_lines("redrive")) == 25
        assert len(muster.json_lines("redrive", "-n", "12")) == 12
        assert bus.queues.count("DeadLetterQueue")[0] == 25

    def test_messages_without_a_reason(self, muster: Muster, bus: Messaging) -> None:
        send_message(bus, NOTICE)
        send_message(bus, link_message.build_message(TASK).body, "LinksDeadLetterQueue")
        send_message(bus, '{"some": "thing"}')
        output = {message["kind"]: message["reason"] for message in muster.json_lines("redrive")}
        assert output["notice"] == "Lambda discarded the batch: RetryAttemptsExhausted"
        assert output["task"].startswith("failed ")
        assert "unknown" in output

    @pytest.mark.parametrize("letter", MALFORMED_LETTERS)
    def test_malformed_message_does_not_hide_others(self, muster: Muster, bus: Messaging, letter: Any) -> None:
        send_message(bus, letter)
        good = send_message(bus, dead_letter.build_record_dead_letter(GOOD, "TypeError"), "LinksDeadLetterQueue")
        assert good in [message["id"] for message in muster.json_lines("redrive")]
        assert (bus.queues.count("DeadLetterQueue")[0], bus.queues.count("LinksDeadLetterQueue")[0]) == (1, 1)

    def test_empty_queues(self, muster: Muster) -> None:
        assert muster.json_lines("redrive") == []


class TestSend:
    def test_record_becomes_an_event(self, muster: Muster, bus: Messaging, events: Any) -> None:
        message = send_message(bus, dead_letter.build_record_dead_letter(GOOD, "TypeError"))
        assert muster("redrive", "--send").stdout == f"{message}  done\n"
        assert [event["detail"]["sequence"] for event in events()] == [12]
        assert count_messages(bus) == 0

    def test_record_counts_as_new(self, muster: Muster, bus: Messaging, lambdas: Lambda) -> None:
        """The function then retries a queue that does not answer."""
        send_message(bus, dead_letter.build_record_dead_letter(GOOD, "TypeError"))
        muster("redrive", "--send")
        (record,) = lambdas.events[0]["Records"]
        created = record["dynamodb"]["ApproximateCreationDateTime"]
        assert abs(created - datetime.now(UTC).timestamp()) < 60

    def test_record_is_rejected_again(self, muster: Muster, bus: Messaging, events: Any) -> None:
        send_message(bus, dead_letter.build_record_dead_letter(BAD, "malformed: operation"))
        send_message(bus, dead_letter.build_record_dead_letter(GOOD, "TypeError"))
        output = muster("redrive", "--send", code=1)
        assert "rejected again" in output.stdout
        assert "1 of 2 messages failed and are still in a dead-letter queue" in output.stderr
        assert (len(events()), count_messages(bus)) == (1, 1)

    def test_cut_record_is_read_from_the_table(self, muster: Muster, bus: Messaging, events: Any) -> None:
        boto3.client("dynamodb").put_item(TableName="muster", Item=IMAGE)
        cut = {name: value for name, value in GOOD["dynamodb"].items() if name != "NewImage"}
        send_message(bus, {"reason": "TypeError", "isCut": True, "record": {**GOOD, "dynamodb": cut}})
        muster("redrive", "--send")
        assert [event["detail"]["userName"] for event in events()] == ["zaphod"]

    def test_cut_record_missing_in_the_table_stays(self, muster: Muster, bus: Messaging) -> None:
        cut = {name: value for name, value in GOOD["dynamodb"].items() if name != "NewImage"}
        send_message(bus, {"reason": "TypeError", "isCut": True, "record": {**GOOD, "dynamodb": cut}})
        assert "the record is not in the table" in muster("redrive", "--send", code=1).stdout
        assert count_messages(bus) == 1

    @pytest.mark.parametrize("is_moved_by_sqs", [True, False])
    def test_task_is_sent_to_the_links_queue(self, muster: Muster, bus: Messaging, is_moved_by_sqs: bool) -> None:
        body = link_message.build_message(TASK).body
        send_message(
            bus,
            body if is_moved_by_sqs else dead_letter.build_message_dead_letter(body, "KeyError"),
            "LinksDeadLetterQueue",
        )
        send_message(bus, dead_letter.build_task_dead_letter(link_message.task_to_json(TASK), "links queue: no answer"))
        muster("redrive", "--send")
        messages = bus.queues.receive("LinksQueue", 10)
        assert [link_message.parse_task(message.body) for message in messages] == [TASK, TASK]
        assert [message.group for message in messages] == ["acme", "acme"]
        assert count_messages(bus) == count_messages(bus, "LinksDeadLetterQueue") == 0

    def test_noticed_records_are_read_from_the_stream(self, muster: Muster, bus: Messaging, events: Any) -> None:
        send_message(bus, NOTICE)
        muster("redrive", "--send")
        assert [event["detail"]["eventId"] for event in events()] == ["change-1", "change-2"]
        assert count_messages(bus) == 0

    def test_notice_of_old_records_stays(self, muster: Muster, bus: Messaging, streams: Streams) -> None:
        streams.is_trimmed = True
        send_message(bus, NOTICE)
        assert "older than 24 hours" in muster("redrive", "--send", code=1).stdout
        assert count_messages(bus) == 1

    def test_message_stays_if_the_function_fails(self, muster: Muster, bus: Messaging, lambdas: Lambda) -> None:
        lambdas.fails = True
        send_message(bus, dead_letter.build_record_dead_letter(GOOD, "TypeError"))
        output = muster("redrive", "--send", code=1)
        assert "the function failed (Sandbox.Timedout)" in output.stdout
        assert "zaphod" not in output.output
        assert bus.queues.count("DeadLetterQueue")[0] == 1

    def test_unknown_message_stays(self, muster: Muster, bus: Messaging) -> None:
        send_message(bus, "zaphod")
        assert "--delete" in muster("redrive", "--send", code=1).stdout
        assert count_messages(bus) == 1

    @pytest.mark.parametrize("letter", MALFORMED_LETTERS)
    def test_malformed_message_does_not_stop_others(
        self, muster: Muster, bus: Messaging, events: Any, letter: Any
    ) -> None:
        message = send_message(bus, letter)
        send_message(bus, dead_letter.build_record_dead_letter(GOOD, "TypeError"), "LinksDeadLetterQueue")
        output = muster("redrive", "--send", code=1)
        assert f"{message}  not sent: " in output.stdout
        assert (len(events()), bus.queues.count("DeadLetterQueue")[0]) == (1, 1)

    def test_rejected_message_does_not_stop_others(
        self, muster: Muster, bus: Messaging, lambdas: Lambda, events: Any
    ) -> None:
        must_reject, invoke = True, lambdas.invoke

        def reject_first(**arguments: Any) -> dict[str, Any]:
            nonlocal must_reject
            if must_reject:
                must_reject = False
                raise ClientError({"Error": {"Code": "RequestTooLarge", "Message": "zaphod"}}, "Invoke")
            return invoke(**arguments)

        setattr(lambdas, "invoke", reject_first)  # noqa: B010  # mypy rejects an assignment to a method
        for _ in range(2):
            send_message(bus, dead_letter.build_record_dead_letter(GOOD, "TypeError"))
        output = muster("redrive", "--send", code=1)
        assert "not sent: AWS rejected Invoke: RequestTooLarge" in output.stdout
        assert "zaphod" not in output.output
        assert (len(events()), bus.queues.count("DeadLetterQueue")[0]) == (1, 1)

    def test_message_that_is_already_visible(
        self, muster: Muster, bus: Messaging, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """SQS has several error codes for it. The other messages are still made visible."""
        for _ in range(2):
            send_message(bus, dead_letter.build_record_dead_letter(GOOD, "TypeError"))
        released = []

        def change_message_visibility(**arguments: Any) -> None:
            released.append(arguments["ReceiptHandle"])
            raise ClientError({"Error": {"Code": "InvalidParameterValue", "Message": ""}}, "ChangeMessageVisibility")

        monkeypatch.setitem(stack.FAKE_CLIENTS, "sqs", Overridden(boto3.client("sqs"), change_message_visibility))
        muster("redrive")
        assert len(released) == 2

    def test_remaining_messages_are_mentioned(self, muster: Muster, bus: Messaging) -> None:
        for _ in range(3):
            send_message(bus, dead_letter.build_record_dead_letter(GOOD, "TypeError"))
        assert "repeat the command" in muster("redrive", "--send", "-n", "2").stderr
        assert "repeat the command" not in muster("redrive", "--send", "-n", "2").stderr
        assert count_messages(bus) == 0

    def test_only_the_chosen_message(self, muster: Muster, bus: Messaging, events: Any) -> None:
        send_message(bus, dead_letter.build_record_dead_letter(GOOD, "TypeError"))
        chosen = send_message(bus, dead_letter.build_record_dead_letter(GOOD, "TypeError"))
        assert [message["outcome"] for message in muster.json_lines("redrive", "--send", "--id", chosen)] == ["done"]
        assert (len(events()), count_messages(bus)) == (1, 1)


class TestRecord:
    """Test ``--record``, for a record whose dead letter was lost."""

    KEYS = (IMAGE["pk"]["S"], IMAGE["sk"]["S"])

    def test_becomes_an_event(self, muster: Muster, events: Any) -> None:
        boto3.client("dynamodb").put_item(TableName="muster", Item=IMAGE)
        assert muster("redrive", "--record", *self.KEYS).stdout == "done\n"
        assert [event["detail"]["sequence"] for event in events()] == [12]

    @pytest.mark.usefixtures("events")
    def test_outcome_as_json(self, muster: Muster) -> None:
        boto3.client("dynamodb").put_item(TableName="muster", Item=IMAGE)
        partition, sort = self.KEYS
        document = {"pk": partition, "sk": sort, "outcome": "done"}
        assert muster.json("redrive", "--record", *self.KEYS) == document

    def test_is_not_in_the_table(self, muster: Muster) -> None:
        assert "the record is not in the table" in muster("redrive", "--record", *self.KEYS, code=1).stderr

    def test_is_rejected_again(self, muster: Muster, bus: Messaging) -> None:
        image = {**IMAGE, "operation": {"S": "unheard-of"}}
        boto3.client("dynamodb").put_item(TableName="muster", Item=image)
        assert "rejected again" in muster("redrive", "--record", *self.KEYS, code=1).stderr
        assert count_messages(bus) == 1


class TestDelete:
    def test_chosen_message(self, muster: Muster, bus: Messaging) -> None:
        send_message(bus, "keep me")
        message = send_message(bus, "zaphod")
        muster("redrive", "--delete", "--id", message)
        assert [message["id"] for message in muster.json_lines("redrive")] != [message]
        assert count_messages(bus) == 1

    @pytest.mark.parametrize("options", [["--delete"], ["--delete", "--send", "--id", "x"]])
    def test_delete_requires_id(self, muster: Muster, options: list[str]) -> None:
        muster("redrive", *options, code=2)

    def test_unknown_message_is_an_error(self, muster: Muster) -> None:
        assert "There is no message x" in muster("redrive", "--send", "--id", "x", code=3).stderr


def test_stack_without_queues_is_an_error(run: Muster) -> None:
    assert "has no output 'DeadLetterQueueUrl'" in run("redrive", code=3).stderr
