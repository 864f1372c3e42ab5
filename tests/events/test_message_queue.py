"""Send messages to SQS, which rejects single messages or the whole call."""

from typing import Any

import pytest

from scim.events.message_queue import MAX_MESSAGE_BYTES, QueueMessage
from tests.events.fakes import ACCEPTED, NO_ANSWER, FakeSqs, build_message_queue, create_client_error
from tests.service.fakes import Clock


def build_messages(count: int, body: str = "body") -> dict[int, QueueMessage]:
    return {number: QueueMessage(f"{body} {number}", "acme") for number in range(count)}


def test_message_has_its_group() -> None:
    queues = FakeSqs()
    build_message_queue(queues, Clock().deadline).send({7: QueueMessage("a", "acme"), 8: QueueMessage("b")})
    assert queues.entries == [
        {"Id": "0", "MessageBody": "a", "MessageGroupId": "acme"},
        {"Id": "1", "MessageBody": "b"},
    ]


def test_call_is_limited_by_number_and_size() -> None:
    """Ten messages and one mebibyte are the limits of SQS."""
    queues = FakeSqs()
    large = {number: QueueMessage("x" * (MAX_MESSAGE_BYTES // 3)) for number in range(4)}
    build_message_queue(queues, Clock().deadline).send(
        {**large, **{number + 4: message for number, message in build_messages(12).items()}}
    )
    assert queues.calls == [3, 10, 3]


@pytest.mark.parametrize("code", ["InternalError", "ServiceUnavailable", "KmsThrottled"])
def test_failed_message_is_sent_again(code: str) -> None:
    queues = FakeSqs(ACCEPTED, code, ACCEPTED)
    result = build_message_queue(queues, Clock().deadline).send(build_messages(3))
    assert (queues.calls, result.rejected, result.unsent) == ([3, 1], {}, frozenset())


@pytest.mark.parametrize(
    "error",
    [
        NO_ANSWER,
        create_client_error("SendMessageBatch", "InternalFailure", 500),
        create_client_error("SendMessageBatch", "RequestThrottled"),
        create_client_error("SendMessageBatch", "KmsThrottled"),
    ],
)
def test_call_is_repeated_after_a_temporary_error(error: Exception) -> None:
    queues = FakeSqs(error)
    assert build_message_queue(queues, Clock().deadline).send(build_messages(2)).unsent == frozenset()
    assert len(queues.entries) == 2


def test_rejected_message_has_key_and_code() -> None:
    queues = FakeSqs(ACCEPTED, "InvalidMessageContents")
    result = build_message_queue(queues, Clock().deadline).send(
        {5: QueueMessage("a"), 6: QueueMessage("b"), 7: QueueMessage("c")}
    )
    assert (result.rejected, result.unsent, queues.calls) == ({6: "InvalidMessageContents"}, frozenset(), [3])


@pytest.mark.parametrize("code", ["AWS.SimpleQueueService.BatchRequestTooLong", "InvalidParameterValue"])
def test_call_with_an_invalid_message_is_split(code: str) -> None:
    error = create_client_error("SendMessageBatch", code)
    queues = FakeSqs(error, ACCEPTED, error)
    result = build_message_queue(queues, Clock().deadline).send(build_messages(3))
    assert (list(result.rejected), result.unsent, queues.calls) == ([1], frozenset(), [3, 1, 1, 1])


@pytest.mark.parametrize("code", ["AccessDenied", "AWS.SimpleQueueService.NonExistentQueue"])
def test_permanent_error_is_returned_without_retry(code: str) -> None:
    queues = FakeSqs(choose_outcome=lambda: create_client_error("SendMessageBatch", code))
    result = build_message_queue(queues, Clock().deadline).send(build_messages(3))
    assert (result.rejected, result.unsent, queues.calls) == ({}, frozenset({0, 1, 2}), [3])
    assert set(result.error_codes.values()) == {code.rpartition(".")[2]}


def test_unsent_messages_are_returned() -> None:
    clock = Clock()
    queues: Any = FakeSqs(choose_outcome=lambda: "InternalError")
    assert build_message_queue(queues, clock.deadline).send(build_messages(2)).unsent == {0, 1}
    assert 3.0 < clock.left_s < 4.0  # enough time for one more call that does not return
