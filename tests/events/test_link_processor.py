"""A message of the links queue is processed, is retried, or becomes a dead letter with a reason."""

import json
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any

import pytest

from scim.events import link_message
from scim.events.dead_letter import DeadLetterQueue
from scim.events.link_message import MalformedTask, parse_task
from scim.events.link_processor import LinkBatchResult, LinkProcessor
from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline
from scim.service.references.link_task import LinkResult, LinkTask, ReferrerPosition
from tests.events.fakes import NO_ANSWER, FakeSqs, build_message_queue, create_client_error
from tests.service.fakes import Clock

TASK = LinkTask("acme", "0f6a1c52-7a34-4a55-9a43-5b0b8a1f3c11", 3, True, frozenset({"aa"}), frozenset({"bb"}), "r1")
REST = replace(TASK, position=ReferrerPosition(("aa", "cc"), "0f6a1c52-7a34-4a55-9a43-5b0b8a1f3c11"))

Run = Callable[[LinkTask], LinkResult]


def build_sqs_message(task: LinkTask, message_id: str = "m1") -> dict[str, Any]:
    return {"messageId": message_id, "body": link_message.build_message(task).body}


def write_two_links(task: LinkTask) -> LinkResult:
    return LinkResult(2)


def process(
    run: Run,
    *messages: Any,
    links: FakeSqs | None = None,
    dead_letters: FakeSqs | None = None,
    clock: Clock | None = None,
) -> LinkBatchResult:
    deadline = Clock().deadline
    return build_link_processor(run, deadline, links or FakeSqs(), dead_letters or FakeSqs()).process(messages)


def build_link_processor(run: Run, deadline: Deadline, links: FakeSqs, dead_letters: FakeSqs) -> LinkProcessor:
    letters = DeadLetterQueue(build_message_queue(dead_letters, deadline))
    return LinkProcessor(lambda task, _: run(task), build_message_queue(links, deadline), letters, deadline)


def fail_with(fault: Exception, tenant: str = "acme") -> Run:
    def run(task: LinkTask) -> LinkResult:
        if task.tenant_id == tenant:
            raise copy(fault)  # a copy: its traceback keeps the objects of the test in memory
        return LinkResult(1)

    return run


def test_message_of_the_previous_version_is_read() -> None:
    """It may be in the queue while a new version is deployed."""
    members = {
        "tenant": "acme",
        "user_id": TASK.user_id,
        "sequence": 3,
        "has_new_handles": True,
        "former_handles": ["aa"],
        "removed_references": ["bb"],
        "request_id": "r1",
        "position": {"handles": ["aa", "cc"], "after": TASK.user_id},
    }
    assert parse_task(json.dumps(members)) == REST


@pytest.mark.parametrize("task", [TASK, REST])
def test_written_task_is_read_unchanged(task: LinkTask) -> None:
    message = link_message.build_message(task)
    assert (parse_task(message.body), message.group) == (task, "acme")
    assert message.body.isascii()


def test_task_is_run() -> None:
    assert process(write_two_links, build_sqs_message(TASK), build_sqs_message(TASK)) == LinkBatchResult(
        links_written=4
    )


def test_follow_up_task_has_the_same_tenant() -> None:
    links = FakeSqs()
    result = process(lambda _: LinkResult(100, REST), build_sqs_message(TASK), links=links)
    assert result == LinkBatchResult(links_written=100, follow_up_count=1)
    assert (links.messages, links.entries[0]["MessageGroupId"]) == (
        [json.loads(link_message.build_message(REST).body)],
        "acme",
    )


def test_message_with_unsent_follow_up_is_retried() -> None:
    result = process(lambda _: LinkResult(100, REST), build_sqs_message(TASK), links=FakeSqs(*[NO_ANSWER] * 1_000))
    assert [retry.message_id for retry in result.failed_messages] == ["m1"]


@pytest.mark.parametrize(
    "fault", [Unavailable("The time is up."), create_client_error("Query", "AccessDeniedException"), NO_ANSWER]
)
def test_aws_error_retries_only_its_message(fault: Exception) -> None:
    dead_letters = FakeSqs()
    others = build_sqs_message(replace(TASK, tenant_id="other"), "m2")
    result = process(fail_with(fault), build_sqs_message(TASK), others, dead_letters=dead_letters)
    assert (result.links_written, [retry.message_id for retry in result.failed_messages], dead_letters.messages) == (
        1,
        ["m1"],
        [],
    )


def test_invalid_dynamodb_call_is_a_dead_letter() -> None:
    dead_letters = FakeSqs()
    others = build_sqs_message(replace(TASK, tenant_id="other"), "m2")
    fault = create_client_error("GetItem", "ValidationException")
    result = process(fail_with(fault), build_sqs_message(TASK), others, dead_letters=dead_letters)
    assert result == LinkBatchResult(links_written=1, dead_letter_count=1)
    assert dead_letters.messages[0]["reason"] == "DynamoDB: ValidationException of GetItem"


def test_other_error_is_a_dead_letter_with_location() -> None:
    dead_letters = FakeSqs()
    others = build_sqs_message(replace(TASK, tenant_id="other"), "m2")
    result = process(
        fail_with(TypeError("ford@example.com")), build_sqs_message(TASK), others, dead_letters=dead_letters
    )
    assert result == LinkBatchResult(links_written=1, dead_letter_count=1)
    (letter,) = dead_letters.messages
    assert letter["reason"].startswith("TypeError at test_link_processor.py:")
    assert letter["message"] == build_sqs_message(TASK)["body"]
    assert "ford" not in letter["reason"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [("zaphod", "body"), ("{}", "tenant_id"), ('{"tenant": "zaphod", "user_id": 7}', "user_id"), ("[]", "body")],
)
def test_malformed_message_is_a_dead_letter(body: str, wrong: str) -> None:
    with pytest.raises(MalformedTask) as caught:
        parse_task(body)
    assert wrong in str(caught.value)
    assert "zaphod" not in str(caught.value)
    dead_letters = FakeSqs()
    assert process(write_two_links, {"messageId": "m1", "body": body}, dead_letters=dead_letters).dead_letter_count == 1
    assert dead_letters.messages[0]["message"] == body


def test_message_is_retried_if_dead_letter_fails() -> None:
    result = process(fail_with(TypeError()), build_sqs_message(TASK), dead_letters=FakeSqs("InvalidMessageContents"))
    assert [retry.message_id for retry in result.failed_messages] == ["m1"]


def test_messages_share_the_time() -> None:
    """A tenant with a throttled partition does not use up the time of the next message."""
    clock, times_left = Clock(30.0), []

    def run(task: LinkTask, deadline: Deadline) -> LinkResult:
        times_left.append(deadline.remaining_s())
        clock.left_s -= max(deadline.remaining_s(), 0)
        return LinkResult(0)

    letters = DeadLetterQueue(build_message_queue(FakeSqs(), clock.deadline))
    LinkProcessor(run, build_message_queue(FakeSqs(), clock.deadline), letters, clock.deadline).process(
        [build_sqs_message(TASK)] * 2
    )
    assert times_left == [11.0, 15.0]
