"""The schema documents that a tenant may bring."""

import json
from pathlib import Path
from typing import Any

import pytest

from scim.service.extensions import read_extensions

EXAMPLE = json.loads((Path(__file__).parents[2] / "examples/extensions/employee.json").read_text("utf-8"))


def extension(*attributes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "urn:example:User", "attributes": list(attributes)} | more


def test_the_example_is_kept_as_it_is() -> None:
    assert read_extensions([EXAMPLE]) == [EXAMPLE]


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({}, "id"),
        (extension(), "attributes"),
        (extension({"name": "a", "type": "string"}, id="no urn"), "id"),
        (extension({"type": "string"}), "attributes.0.name"),
        (extension({"name": "a.b", "type": "string"}), "attributes.0.name"),
        (extension({"name": "a[b]", "type": "string"}), "attributes.0.name"),
        (extension({"name": 'a"b', "type": "string"}), "attributes.0.name"),
        (extension({"name": "a:b", "type": "string"}), "attributes.0.name"),
        (extension({"name": "a", "type": "text"}), "attributes.0.type"),
        (extension({"name": "a", "type": "integer", "format": "date"}), "attributes.0"),
        (extension({"name": "a", "type": "boolean", "maxLength": 5}), "attributes.0"),
        (extension({"name": "a", "type": "string", "maxLength": 0}), "attributes.0.maxLength"),
        (extension({"name": "a", "type": "string", "uniqueness": "server"}), "attributes.0.uniqueness"),
        (extension({"name": "a", "type": "string", "mutability": "writeOnly"}), "attributes.0.mutability"),
        (extension({"name": "a", "type": "string", "returned": "never"}), "attributes.0.returned"),
        (extension({"name": "a", "type": "string", "nullable": True}), "attributes.0.nullable"),
        (extension({"name": "a", "type": "complex"}), "attributes.0"),
        (
            extension({"name": "a", "type": "string", "subAttributes": [{"name": "b", "type": "string"}]}),
            "attributes.0",
        ),
        (extension({"name": "a", "type": "string"}, {"name": "A", "type": "string"}), "its top"),
    ],
)
def test_a_wrong_document_is_refused_with_its_place(document: dict[str, Any], where: str) -> None:
    with pytest.raises(ValueError, match="wrong at") as raised:
        read_extensions([document])
    assert f"wrong at {where}: " in str(raised.value)


def test_complex_attributes_are_not_nested() -> None:
    inner = {"name": "b", "type": "complex", "subAttributes": [{"name": "c", "type": "string"}]}
    with pytest.raises(ValueError, match=r"wrong at attributes\.0\.subAttributes\.0"):
        read_extensions([extension({"name": "a", "type": "complex", "subAttributes": [inner]})])


@pytest.mark.parametrize(
    "ids",
    [
        ["urn:example:User", "URN:EXAMPLE:USER"],
        ["urn:ietf:params:scim:schemas:core:2.0:User"],
        ["urn:ietf:params:scim:schemas:extension:Enterprise:2.0:User"],
    ],
)
def test_an_id_that_is_taken_is_refused(ids: list[str]) -> None:
    with pytest.raises(ValueError, match="an id that no other one has"):
        read_extensions([extension({"name": "a", "type": "string"}, id=each) for each in ids])
