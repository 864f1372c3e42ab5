"""A message of the links queue is processed, comes again, or is a dead letter with its reason."""

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
from tests.events.fakes import NO_ANSWER, Queues, failed, queue
from tests.service.fakes import Clock

TASK = LinkTask("acme", "0f6a1c52-7a34-4a55-9a43-5b0b8a1f3c11", 3, True, frozenset({"aa"}), frozenset({"bb"}), "r1")
REST = replace(TASK, position=ReferrerPosition(("aa", "cc"), "0f6a1c52-7a34-4a55-9a43-5b0b8a1f3c11"))

Run = Callable[[LinkTask], LinkResult]


def message(task: LinkTask, message_id: str = "m1") -> dict[str, Any]:
    return {"messageId": message_id, "body": link_message.build_message(task).body}


def linked(task: LinkTask) -> LinkResult:
    return LinkResult(2)


def process(
    run: Run,
    *messages: Any,
    links: Queues | None = None,
    dead_letters: Queues | None = None,
    clock: Clock | None = None,
) -> LinkBatchResult:
    deadline = Clock().deadline
    return processor(run, deadline, links or Queues(), dead_letters or Queues()).process(messages)


def processor(run: Run, deadline: Deadline, links: Queues, dead_letters: Queues) -> LinkProcessor:
    letters = DeadLetterQueue(queue(dead_letters, deadline))
    return LinkProcessor(lambda task, _: run(task), queue(links, deadline), letters, deadline)


def raising(fault: Exception, tenant: str = "acme") -> Run:
    def run(task: LinkTask) -> LinkResult:
        if task.tenant_id == tenant:
            raise copy(fault)  # a traceback would keep all that the test has in memory
        return LinkResult(1)

    return run


def test_message_of_the_version_before_is_read() -> None:
    """It may wait in the queue while a new version is deployed."""
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
def test_task_is_read_as_it_was_written(task: LinkTask) -> None:
    written = link_message.build_message(task)
    assert (parse_task(written.body), written.group) == (task, "acme")
    assert written.body.isascii()


def test_task_is_run() -> None:
    assert process(linked, message(TASK), message(TASK)) == LinkBatchResult(links_written=4)


def test_rest_of_a_task_is_sent_under_the_same_tenant() -> None:
    links = Queues()
    result = process(lambda _: LinkResult(100, REST), message(TASK), links=links)
    assert result == LinkBatchResult(links_written=100, follow_up_count=1)
    assert (links.messages, links.entries[0]["MessageGroupId"]) == (
        [json.loads(link_message.build_message(REST).body)],
        "acme",
    )


def test_message_with_unsent_follow_up_is_retried() -> None:
    result = process(lambda _: LinkResult(100, REST), message(TASK), links=Queues(*[NO_ANSWER] * 1_000))
    assert [retry.message_id for retry in result.failed_messages] == ["m1"]


@pytest.mark.parametrize("fault", [Unavailable("The time is up."), failed("Query", "AccessDeniedException"), NO_ANSWER])
def test_failure_of_aws_brings_only_its_message_again(fault: Exception) -> None:
    dead_letters = Queues()
    others = message(replace(TASK, tenant_id="other"), "m2")
    result = process(raising(fault), message(TASK), others, dead_letters=dead_letters)
    assert (result.links_written, [retry.message_id for retry in result.failed_messages], dead_letters.messages) == (
        1,
        ["m1"],
        [],
    )


def test_invalid_dynamodb_call_is_a_dead_letter() -> None:
    dead_letters = Queues()
    others = message(replace(TASK, tenant_id="other"), "m2")
    fault = failed("GetItem", "ValidationException")
    result = process(raising(fault), message(TASK), others, dead_letters=dead_letters)
    assert result == LinkBatchResult(links_written=1, dead_letter_count=1)
    assert dead_letters.messages[0]["reason"] == "DynamoDB: ValidationException of GetItem"


def test_other_error_is_a_dead_letter_with_location() -> None:
    dead_letters = Queues()
    others = message(replace(TASK, tenant_id="other"), "m2")
    result = process(raising(TypeError("ford@example.com")), message(TASK), others, dead_letters=dead_letters)
    assert result == LinkBatchResult(links_written=1, dead_letter_count=1)
    (letter,) = dead_letters.messages
    assert letter["reason"].startswith("TypeError at test_link_processor.py:")
    assert letter["message"] == message(TASK)["body"]
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
    dead_letters = Queues()
    assert process(linked, {"messageId": "m1", "body": body}, dead_letters=dead_letters).dead_letter_count == 1
    assert dead_letters.messages[0]["message"] == body


def test_dead_letter_that_cannot_be_sent_comes_again() -> None:
    result = process(raising(TypeError()), message(TASK), dead_letters=Queues("InvalidMessageContents"))
    assert [retry.message_id for retry in result.failed_messages] == ["m1"]


def test_messages_share_the_time() -> None:
    """A tenant whose partition throttles cannot take the time of the message behind its own."""
    clock, left = Clock(30.0), []

    def run(task: LinkTask, deadline: Deadline) -> LinkResult:
        left.append(deadline.remaining_s())
        clock.left_s -= max(deadline.remaining_s(), 0)
        return LinkResult(0)

    letters = DeadLetterQueue(queue(Queues(), clock.deadline))
    LinkProcessor(run, queue(Queues(), clock.deadline), letters, clock.deadline).process([message(TASK)] * 2)
    assert left == [11.0, 15.0]
