"""The schema files accept the published events and reject others. ``tests/engine`` validates real events."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from scim.events.event import build_event
from scim.events.stream_record import parse_stream_record
from tests.events.history import build_stream_record, generate_history
from tests.events.schemas import DOCS, SCHEMAS, build_validator, validate

CHANGE_TYPES = {"UserProvisioned", "UserUpdated", "UserActivated", "UserDeactivated", "UserDeprovisioned", "UserLinked"}
EVENT_TYPES = CHANGE_TYPES | {"UserErased", "UserResynced", "ResyncCompleted"}


@pytest.fixture
def examples() -> list[Any]:
    """Return the events that the documentation shows."""
    texts = re.findall(r"```json\n(.*?)```", (DOCS / "README.md").read_text(), re.DOTALL)
    return [json.loads(text) for text in texts]


@pytest.fixture
def example(examples: list[Any]) -> Any:
    """Return the first event that the documentation shows."""
    return examples[0]


def test_each_event_type_has_a_valid_schema() -> None:
    assert set(SCHEMAS) == EVENT_TYPES | {"detail"}
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


def test_documented_events_match_the_schemas(examples: list[Any]) -> None:
    assert [event["detail-type"] for event in examples] == [
        "UserDeactivated",
        "ResyncCompleted",
        "UserLinked",
        "UserErased",
    ]
    for event in examples:
        validate(event)
    assert set(re.findall(r"^\| \[(\w+)\]", (DOCS / "README.md").read_text(), re.MULTILINE)) == EVENT_TYPES


def test_generated_events_match_their_schemas() -> None:
    events = [build_event(parse_stream_record(build_stream_record(image))) for image in generate_history(500).images]
    for event in events:
        time = event.time.strftime("%Y-%m-%dT%H:%M:%SZ")
        validate({"source": "muster", "detail-type": event.type, "time": time, "detail": json.loads(event.detail_json)})
    # UserLinked is made by the link processor: tests/engine/test_links.py
    assert {event.type for event in events} == CHANGE_TYPES - {"UserLinked"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("sequence", "3"), ("participation", "joined"), ("active", True), ("userName", None), ("changed", ["title"])],
)
def test_schema_rejects_invalid_event(example: Any, name: str, value: Any) -> None:
    example["detail"][name] = value
    assert not build_validator("UserDeactivated").is_valid(example)
