"""The function that processes the table's stream, as Lambda invokes it."""

import importlib
import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from handlers.changes import AwsCallError, ChangesHandler
from scim.settings import Settings
from scim.wiring.events import build_stream_processor_factory
from tests.endpoint import TIMEOUT_S, LambdaContext
from tests.events.fakes import FakeEventBridge, FakeSqs, build_stream_processor, create_client_error
from tests.events.history import build_stream_record
from tests.events.test_stream_record import IMAGE
from tests.handlers.conftest import Log

GOOD = build_stream_record(IMAGE, 1)
BAD = build_stream_record({**IMAGE, "userName": {"S": ""}}, 2)


def build_handler(events: FakeEventBridge, queues: FakeSqs) -> ChangesHandler:
    return ChangesHandler(lambda: lambda deadline: build_stream_processor(events, queues, deadline))


def invoke(handler: Any, *records: Any, seconds: float = 29.0) -> Any:
    context = LambdaContext()
    return handler({"Records": records}, LambdaContext(context.deadline - TIMEOUT_S + seconds))


def test_processed_batch_has_no_retries() -> None:
    events, queues = FakeEventBridge(), FakeSqs()
    assert invoke(build_handler(events, queues), GOOD, BAD) == {"batchItemFailures": []}
    assert (len(events.accepted), len(queues.messages)) == (1, 1)


def test_response_has_the_first_record_to_retry() -> None:
    outcomes = iter([None])
    events = FakeEventBridge(choose_outcome=lambda: next(outcomes, "InternalFailure"))
    records = [GOOD, build_stream_record(IMAGE, 2), build_stream_record(IMAGE, 3)]
    response = invoke(build_handler(events, FakeSqs()), *records, seconds=14.05)
    assert response == {"batchItemFailures": [{"itemIdentifier": f"{2:021d}"}]}


def test_adapters_are_built_once() -> None:
    builds: list[int] = []

    def build() -> Any:
        builds.append(1)
        return lambda deadline: build_stream_processor(FakeEventBridge(), FakeSqs(), deadline)

    handler = ChangesHandler(build)
    invoke(handler, GOOD)
    invoke(handler, GOOD)
    assert builds == [1]


def test_log_line_has_counts_without_personal_data(log: Log) -> None:
    invoke(build_handler(FakeEventBridge(), FakeSqs()), GOOD, BAD)
    line = log.lines[-1]
    assert (line["message"], line["level"]) == ("changes", "WARNING")
    assert [line[name] for name in ("records", "published", "dead_letters", "retries", "lost")] == [2, 1, 1, 0, 0]
    assert "zaphod" not in log.text


def test_failed_call_fails_the_batch_without_message() -> None:
    handler = build_handler(FakeEventBridge(create_client_error("PutEvents", "AccessDeniedException")), FakeSqs())
    with pytest.raises(AwsCallError) as caught:
        invoke(handler, GOOD)
    assert str(caught.value) == "PutEvents: AccessDeniedException"
    assert caught.value.__suppress_context__


def test_lost_dead_letter_is_logged_with_its_keys(log: Log) -> None:
    invoke(build_handler(FakeEventBridge(), FakeSqs("InvalidMessageContents")), GOOD, BAD)
    fault, line = log.lines[-2:]
    assert (fault["message"], fault["level"], line["lost"]) == ("fault", "ERROR", 1)
    assert (fault["pk"], fault["sk"]) == (IMAGE["pk"]["S"], IMAGE["sk"]["S"])
    assert fault["reason"] == "malformed: userName; dead-letter queue: InvalidMessageContents"
    assert "zaphod" not in log.text


def test_stream_function_requires_bus_and_queues(settings: Settings) -> None:
    with pytest.raises(ValueError, match="EVENT_BUS_NAME, LINKS_QUEUE_URL and DEAD_LETTER_QUEUE_URL"):
        build_stream_processor_factory(settings)


def test_entry_point_publishes_to_the_configured_bus(table: Any, events: Callable[[], list[dict[str, Any]]]) -> None:
    handler = importlib.import_module("handlers.changes")
    processing = ChangesHandler(lambda: build_stream_processor_factory(Settings.from_environment(os.environ)))
    assert handler.handler.__class__ is ChangesHandler
    assert invoke(processing, GOOD) == {"batchItemFailures": []}
    assert [event["detail-type"] for event in events()] == ["UserDeactivated"]
    assert json.dumps(events()[0]["detail"]["userName"]) == '"zaphod"'
