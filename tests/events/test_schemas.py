"""The schema files are valid for the published events, and for nothing else; ``tests/engine`` validates real events."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from scim.events.event import build_event
from scim.events.stream_record import parse_stream_record
from tests.events.history import generated, stream_record
from tests.events.schemas import DOCS, SCHEMAS, validate, validator

KINDS = {"UserProvisioned", "UserUpdated", "UserActivated", "UserDeactivated", "UserDeprovisioned", "UserLinked"}


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
    assert set(SCHEMAS) == KINDS | {"detail"}
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


def test_documented_events_match_the_schemas(examples: list[Any]) -> None:
    assert [event["detail-type"] for event in examples] == ["UserDeactivated", "UserLinked"]
    for event in examples:
        validate(event)
    assert set(re.findall(r"^\| \[(\w+)\]", (DOCS / "README.md").read_text(), re.MULTILINE)) == KINDS


def test_every_event_of_a_history_fits_its_schema() -> None:
    events = [build_event(parse_stream_record(stream_record(image))) for image in generated(500).images]
    for event in events:
        time = event.time.strftime("%Y-%m-%dT%H:%M:%SZ")
        validate({"source": "muster", "detail-type": event.type, "time": time, "detail": json.loads(event.detail_json)})
    assert {event.type for event in events} == KINDS - {"UserLinked"}  # no client makes it: tests/engine/test_links.py


@pytest.mark.parametrize(
    ("name", "value"),
    [("sequence", "3"), ("participation", "joined"), ("active", True), ("userName", None), ("changed", ["title"])],
)
def test_a_schema_refuses_what_does_not_fit_its_kind(example: Any, name: str, value: Any) -> None:
    example["detail"][name] = value
    assert not validator("UserDeactivated").is_valid(example)
