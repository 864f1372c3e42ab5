"""Validate events by the schema files in the documentation."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

DOCS = Path(__file__).parents[2] / "docs/build/events"
SCHEMAS = {path.stem: json.loads(path.read_text()) for path in DOCS.glob("*.json")}
_REGISTRY: Registry[Any] = Registry().with_resource("detail.json", Resource.from_contents(SCHEMAS["detail"]))


def build_validator(kind: str) -> Any:
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(SCHEMAS[kind], registry=_REGISTRY, format_checker=checker)


def validate(event: Any) -> None:
    """Check an event against the schema of its type. Reject members that the schema does not document."""
    kind = event["detail-type"]
    build_validator(kind).validate(event)
    detail = SCHEMAS[kind]["properties"]["detail"]
    shared = SCHEMAS["detail"]["properties"] if "$ref" in detail else ()
    assert set(event["detail"]) == {*shared, *detail["properties"]}
