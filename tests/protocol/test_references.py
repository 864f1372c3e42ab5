"""The values of a resource that refer to other resources, as its schema defines."""

import json
from pathlib import Path
from typing import Any

import pytest

from scim.protocol.references import find_references
from scim.protocol.schema import Attribute, load_user_type
from tests.endpoint import CORE, ENTERPRISE, SURVEY

EXTENSION = json.loads((Path(__file__).parents[2] / "examples/extensions/employee.json").read_text())
TYPE = load_user_type().with_extensions([EXTENSION])


def list_pairs(**members: Any) -> list[tuple[str, str]]:
    return [
        (reference.attribute, reference.value)
        for reference in find_references({"schemas": [CORE], "userName": "a", **members}, TYPE)
    ]


def test_reference_attributes() -> None:
    names = [f"{schema.id}:{attribute.name}" for schema, attribute in TYPE.reference_attributes]
    assert names == [f"{ENTERPRISE}:manager", f"{SURVEY}:Mentor", f"{SURVEY}:Buddy"]


def test_references_are_in_order_of_schemas() -> None:
    members = {SURVEY: {"Buddy": {"value": "b"}, "Mentor": "m"}, ENTERPRISE: {"manager": {"value": "x"}}}
    assert list_pairs(**members) == [
        (f"{ENTERPRISE}:manager", "x"),
        (f"{SURVEY}:Mentor", "m"),
        (f"{SURVEY}:Buddy", "b"),
    ]


@pytest.mark.parametrize(
    "manager", [{"displayName": "Boss"}, {"value": ""}, {"value": "  "}, {"value": "x" * 513}, {"$ref": "../Users/1"}]
)
def test_empty_value_is_not_a_reference(manager: dict[str, str]) -> None:
    assert list_pairs(**{ENTERPRISE: {"manager": manager}}) == []


def test_number_of_references_is_limited() -> None:
    peers = {
        "id": "urn:example:peers",
        "attributes": [{"name": "peers", "type": "string", "multiValued": True, "format": "employee"}],
    }
    resource_type = load_user_type().with_extensions([peers])
    values = [f"peer{number}" for number in range(60)]
    references = find_references({"userName": "a", "urn:example:peers": {"peers": values}}, resource_type)
    assert [reference.value for reference in references] == values[:50]
    assert [reference.pointer for reference in references[:2]] == [
        ("urn:example:peers", "peers", 0),
        ("urn:example:peers", "peers", 1),
    ]


PEERS = "urn:example:peers"
SUB_ATTRIBUTES = [
    {"name": "value", "type": "string"},
    {"name": "$ref", "type": "reference", "referenceTypes": ["User"]},
]
COMPLEX = {"name": "peer", "type": "complex", "subAttributes": SUB_ATTRIBUTES}
PLAIN = {"name": "peer", "type": "string", "format": "employee"}
STORED_VALUES: list[Any] = [
    "boss",
    {"value": "boss"},
    ["boss"],
    [{"value": "boss"}],
    {"value": {"value": "boss"}},
    {"value": ["boss"]},
    {"value": "boss", "$ref": 7},
    {"value": "boss", "$ref": {"a": "b"}},
    7,
    True,
    [],
    {},
    [[{"value": "boss"}]],
    ["boss", 7, {"value": "boss"}, None],
]


@pytest.mark.parametrize("stored", STORED_VALUES)
@pytest.mark.parametrize("multi_valued", [False, True])
@pytest.mark.parametrize("attribute", [COMPLEX, PLAIN])
def test_stored_value_of_wrong_type(attribute: dict[str, Any], multi_valued: bool, stored: Any) -> None:
    """The schema may have changed since the value was stored."""
    resource_type = load_user_type().with_extensions(
        [{"id": PEERS, "attributes": [{**attribute, "multiValued": multi_valued}]}]
    )
    references = find_references({"userName": "a", PEERS: {"peer": stored}}, resource_type)
    elements: list[Any] = stored if multi_valued and isinstance(stored, list) else [] if multi_valued else [stored]
    if attribute is COMPLEX:
        elements = [element.get("value") for element in elements if isinstance(element, dict)]
    assert [reference.value for reference in references] == [value for value in elements if isinstance(value, str)]
    for reference in references:
        resource = {"userName": "a", PEERS: {"peer": stored}}
        if reference.can_add_ref:
            assert reference.replace_in(resource, lambda members: {**members, "$ref": None})
        assert reference.ref is None or isinstance(reference.ref, str)


@pytest.mark.parametrize("extension", ["boss", [], 7, None, True])
def test_stored_extension_of_wrong_type(extension: Any) -> None:
    resource_type = load_user_type().with_extensions([{"id": PEERS, "attributes": [COMPLEX]}])
    assert find_references({"userName": "a", PEERS: extension}, resource_type) == []


def test_replace_in_copies_changed_members() -> None:
    resource = {"userName": "a", ENTERPRISE: {"manager": {"value": "x"}, "department": "D"}}
    (reference,) = find_references(resource, TYPE)
    revised = reference.replace_in(resource, lambda members: {**members, "$ref": "y"})
    assert revised == {"userName": "a", ENTERPRISE: {"manager": {"value": "x", "$ref": "y"}, "department": "D"}}
    assert resource == {"userName": "a", ENTERPRISE: {"manager": {"value": "x"}, "department": "D"}}


@pytest.mark.parametrize(
    ("ref", "mutability", "expected"),
    [(True, "readWrite", True), (False, "readWrite", False), (True, "immutable", False)],
)
def test_can_add_ref(ref: bool, mutability: str, expected: bool) -> None:
    value = {"name": "value", "type": "string", "format": "employee"}
    refs = [{"name": "$ref", "type": "reference", "referenceTypes": ["User"]}] if ref else []
    peer = {"name": "peer", "type": "complex", "mutability": mutability, "subAttributes": [value, *refs]}
    resource_type = load_user_type().with_extensions([{"id": "urn:example:peers", "attributes": [peer]}])
    (reference,) = find_references({"userName": "a", "urn:example:peers": {"peer": {"value": "x"}}}, resource_type)
    assert reference.can_add_ref is expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"type": "string", "format": "employee"}, True),
        ({"type": "string"}, False),
        ({"type": "string", "format": "employee", "mutability": "readOnly"}, False),
        ({"type": "complex", "subAttributes": [{"name": "value", "type": "string", "format": "employee"}]}, True),
        (
            {
                "type": "complex",
                "subAttributes": [
                    {"name": "value", "type": "string"},
                    {"name": "$ref", "type": "reference", "referenceTypes": ["Group"]},
                ],
            },
            False,
        ),
    ],
)
def test_refers_to(document: dict[str, Any], expected: bool) -> None:
    assert Attribute.from_document({"name": "a", **document}).refers_to("User") is expected
