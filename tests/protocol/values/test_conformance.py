"""Stored values that conform to their attribute, and values that do not."""

from typing import Any

import pytest

from scim.protocol.schema import Attribute, Schema
from scim.protocol.values.conformance import select_conforming, select_conforming_members

SUBS = [{"name": "value", "type": "string"}, {"name": "level", "type": "integer"}]


@pytest.mark.parametrize(
    ("type_", "value", "is_conforming"),
    [
        ("string", "x", True),
        ("string", 1, False),
        ("string", {"value": "x"}, False),
        ("reference", "x", True),
        ("binary", "eA==", True),
        ("binary", 1, False),
        ("boolean", False, True),
        ("boolean", 0, False),
        ("boolean", "false", False),
        ("integer", 0, True),
        ("integer", True, False),
        ("integer", 1.0, False),
        ("decimal", 1.5, True),
        ("decimal", 1, True),
        ("decimal", True, False),
        ("decimal", "1.5", False),
        ("dateTime", "2026-01-31T09:30:00Z", True),
        ("dateTime", "2026-13-31T09:30:00Z", False),
        ("dateTime", 5, False),
    ],
)
def test_simple_value(type_: str, value: Any, is_conforming: bool) -> None:
    single = Attribute.from_document({"name": "a", "type": type_})
    several = Attribute.from_document({"name": "a", "type": type_, "multiValued": True})
    assert select_conforming(single, value) == (value if is_conforming else None)
    assert select_conforming(several, value) is None
    assert select_conforming(several, [value]) == ([value] if is_conforming else None)


@pytest.mark.parametrize(
    ("value", "conforming"),
    [
        ("x", None),
        ([], None),
        ({}, None),
        ({"value": 1}, None),
        ({"value": "x", "level": 2, "removed": 3}, {"value": "x", "level": 2}),
        ({"value": "x", "level": "2"}, {"value": "x"}),
        ({"Value": "x", "level": 2}, {"level": 2}),
        ({"value": {"value": "x"}, "level": 2}, {"level": 2}),
    ],
)
def test_complex_value(value: Any, conforming: Any) -> None:
    single = Attribute.from_document({"name": "a", "type": "complex", "subAttributes": SUBS})
    several = Attribute.from_document({"name": "a", "type": "complex", "multiValued": True, "subAttributes": SUBS})
    assert select_conforming(single, value) == conforming
    assert select_conforming(several, ["x", value, None]) == (None if conforming is None else [conforming])


@pytest.mark.parametrize("members", ["x", 1, ["a"], None, {}])
def test_value_is_not_an_object(members: Any) -> None:
    schema = Schema.from_document({"id": "urn:x:y", "attributes": [{"name": "a", "type": "string"}]})
    assert select_conforming_members(schema.attributes, members) == {}
