"""The function that processes the links queue, as Lambda invokes it."""

from typing import Any

import pytest

from handlers.links import LinksHandler
from scim.aws.errors import ErrorResponse
from scim.settings import Settings
from scim.wiring.events import build_link_processor_factory
from tests.endpoint import LambdaContext
from tests.events.fakes import FakeSqs, create_client_error
from tests.events.test_link_processor import (
    TASK,
    Run,
    build_link_processor,
    build_sqs_message,
    fail_with,
    write_two_links,
)
from tests.handlers.conftest import Log


def build_handler(run: Run) -> Any:
    return LinksHandler(lambda: lambda deadline: build_link_processor(run, deadline, FakeSqs(), FakeSqs()))


def test_response_has_the_messages_to_retry(log: Log) -> None:
    fault = create_client_error("Query", "AccessDeniedException")
    response = build_handler(fail_with(fault))(
        {"Records": [build_sqs_message(TASK), build_sqs_message(TASK, "m2")]}, LambdaContext()
    )
    assert response == {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}
    first, _, line = log.lines[-3:]
    assert (first["message"], first["kind"], first["code"]) == ("fault", "ErrorResponse", "AccessDeniedException")
    assert (line["message"], line["level"], line["retries"]) == ("links", "WARNING", 2)


def test_log_line_has_counts_without_personal_data(log: Log) -> None:
    assert build_handler(write_two_links)({"Records": [build_sqs_message(TASK)]}, LambdaContext()) == {
        "batchItemFailures": []
    }
    line = log.lines[-1]
    assert [line[name] for name in ("messages", "linked", "follow_up_tasks", "dead_letters", "retries")] == [
        1,
        2,
        0,
        0,
        0,
    ]


def test_aws_error_is_logged_by_its_code(log: Log) -> None:
    fault = ErrorResponse("Query", "ValidationException", "zaphod")
    build_handler(fail_with(fault))({"Records": [build_sqs_message(TASK)]}, LambdaContext())
    assert "zaphod" not in log.text


def test_links_function_requires_two_queues(settings: Settings) -> None:
    with pytest.raises(ValueError, match="LINKS_QUEUE_URL and LINKS_DEAD_LETTER_QUEUE_URL"):
        build_link_processor_factory(settings)
