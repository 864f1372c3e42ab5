"""Messages reach a queue of SQS, which answers for each message by itself, or for the whole call."""

from typing import Any

import pytest

from scim.events.message_queue import MAX_MESSAGE_BYTES, QueueMessage
from tests.events.fakes import NO_ANSWER, TAKEN, Queues, failed, queue
from tests.service.fakes import Clock


def messages(count: int, body: str = "body") -> dict[int, QueueMessage]:
    return {number: QueueMessage(f"{body} {number}", "acme") for number in range(count)}


def test_message_has_its_group() -> None:
    queues = Queues()
    queue(queues, Clock().deadline).send({7: QueueMessage("a", "acme"), 8: QueueMessage("b")})
    assert queues.entries == [
        {"Id": "0", "MessageBody": "a", "MessageGroupId": "acme"},
        {"Id": "1", "MessageBody": "b"},
    ]


def test_call_has_at_most_ten_messages_and_a_mebibyte() -> None:
    queues = Queues()
    large = {number: QueueMessage("x" * (MAX_MESSAGE_BYTES // 3)) for number in range(4)}
    queue(queues, Clock().deadline).send({**large, **{number + 4: message for number, message in messages(12).items()}})
    assert queues.calls == [3, 10, 3]


@pytest.mark.parametrize("code", ["InternalError", "ServiceUnavailable", "KmsThrottled"])
def test_failed_message_is_sent_again(code: str) -> None:
    queues = Queues(TAKEN, code, TAKEN)
    result = queue(queues, Clock().deadline).send(messages(3))
    assert (queues.calls, result.rejected, result.unsent) == ([3, 1], {}, frozenset())


@pytest.mark.parametrize(
    "error",
    [
        NO_ANSWER,
        failed("SendMessageBatch", "InternalFailure", 500),
        failed("SendMessageBatch", "RequestThrottled"),
        failed("SendMessageBatch", "KmsThrottled"),
    ],
)
def test_call_that_fails_for_a_moment_is_repeated(error: Exception) -> None:
    queues = Queues(error)
    assert queue(queues, Clock().deadline).send(messages(2)).unsent == frozenset()
    assert len(queues.entries) == 2


def test_rejected_message_has_number_and_code() -> None:
    queues = Queues(TAKEN, "InvalidMessageContents")
    result = queue(queues, Clock().deadline).send({5: QueueMessage("a"), 6: QueueMessage("b"), 7: QueueMessage("c")})
    assert (result.rejected, result.unsent, queues.calls) == ({6: "InvalidMessageContents"}, frozenset(), [3])


@pytest.mark.parametrize("code", ["AWS.SimpleQueueService.BatchRequestTooLong", "InvalidParameterValue"])
def test_call_that_is_rejected_for_one_message_is_split(code: str) -> None:
    error = failed("SendMessageBatch", code)
    queues = Queues(error, TAKEN, error)
    result = queue(queues, Clock().deadline).send(messages(3))
    assert (list(result.rejected), result.unsent, queues.calls) == ([1], frozenset(), [3, 1, 1, 1])


@pytest.mark.parametrize("code", ["AccessDenied", "AWS.SimpleQueueService.NonExistentQueue"])
def test_failure_that_lasts_is_told_and_not_repeated(code: str) -> None:
    queues = Queues(fate=lambda: failed("SendMessageBatch", code))
    result = queue(queues, Clock().deadline).send(messages(3))
    assert (result.rejected, result.unsent, queues.calls) == ({}, frozenset({0, 1, 2}), [3])
    assert set(result.error_codes.values()) == {code.rpartition(".")[2]}


def test_what_is_not_sent_in_time_is_told() -> None:
    clock = Clock()
    queues: Any = Queues(fate=lambda: "InternalError")
    assert queue(queues, clock.deadline).send(messages(2)).unsent == {0, 1}
    assert 3.0 < clock.left_s < 4.0  # time enough for one more call that hangs
