"""Schemas and attributes, which are compiled from schema documents."""

import json
from pathlib import Path
from typing import Any

import pytest

from scim.protocol.schema import (
    Attribute,
    DataType,
    Mutability,
    ResourceType,
    Returned,
    Schema,
    StringFormat,
    load_user_type,
)
from tests.endpoint import ENTERPRISE

SURVEY = json.loads((Path(__file__).parents[2] / "examples/extensions/employee.json").read_text("utf-8"))


def list_characteristics(attribute: Attribute) -> dict[str, Any]:
    return {
        "type": attribute.type,
        "multi_valued": attribute.is_multi_valued,
        "required": attribute.is_required,
        "case_exact": attribute.is_case_exact,
        "mutability": attribute.mutability,
        "returned": attribute.returned,
        "unique": attribute.is_unique,
        "max_length": attribute.max_length,
        "format": attribute.format,
        "sub_attributes": list(attribute.sub_attributes),
    }


def build_resource_type(*documents: dict[str, Any]) -> ResourceType:
    return load_user_type().with_extensions(
        [{"id": "urn:example:User", "name": "Example", "attributes": list(documents)}]
    )


def test_defaults_of_characteristics() -> None:
    assert list_characteristics(Attribute.from_document({"name": "nickName", "type": "string"})) == {
        "type": DataType.STRING,
        "multi_valued": False,
        "required": False,
        "case_exact": False,
        "mutability": Mutability.READ_WRITE,
        "returned": Returned.DEFAULT,
        "unique": False,
        "max_length": None,
        "format": None,
        "sub_attributes": [],
    }


def test_characteristics() -> None:
    document = {
        "name": "Badge",
        "type": "complex",
        "multiValued": True,
        "required": True,
        "caseExact": True,
        "mutability": "immutable",
        "returned": "request",
        "uniqueness": "global",
        "maxLength": 10,
        "format": "date",
        "subAttributes": [{"name": "Value", "type": "integer"}],
    }

    assert list_characteristics(Attribute.from_document(document)) == {
        "type": DataType.COMPLEX,
        "multi_valued": True,
        "required": True,
        "case_exact": True,
        "mutability": Mutability.IMMUTABLE,
        "returned": Returned.REQUEST,
        "unique": True,
        "max_length": 10,
        "format": StringFormat.DATE,
        "sub_attributes": ["value"],
    }


@pytest.mark.parametrize("type_", ["reference", "binary"])
def test_references_and_binaries_are_case_exact(type_: str) -> None:
    assert Attribute.from_document({"name": "photo", "type": type_, "caseExact": False}).is_case_exact


@pytest.mark.parametrize(
    ("mutability", "flags"),
    [
        ("readOnly", (True, False, False)),
        ("readWrite", (False, False, False)),
        ("immutable", (False, True, False)),
        ("writeOnly", (False, False, True)),
    ],
)
def test_mutability(mutability: str, flags: tuple[bool, bool, bool]) -> None:
    attribute = Attribute.from_document({"name": "a", "type": "string", "mutability": mutability})

    assert (attribute.is_read_only, attribute.is_immutable, attribute.is_write_only) == flags


def test_names_and_urns_are_case_insensitive() -> None:
    core, enterprise = load_user_type().schemas
    emails = core.attributes["emails"]

    assert core.find_attribute("EMAILS") is emails
    assert emails.find_sub_attribute("VALUE") is emails.sub_attributes["value"]
    assert core.find_attribute("unknown") is None
    assert emails.find_sub_attribute("unknown") is None
    assert load_user_type().find_extension(ENTERPRISE.upper()) is enterprise
    assert load_user_type().find_extension(core.id) is None


def test_core_has_common_and_discarded_attributes() -> None:
    core = load_user_type().core_schema

    assert set(core.attributes) - set(load_user_type().schema.attributes) == {
        "id",
        "externalid",
        "meta",
        "schemas",
        "password",
    }
    assert "password" not in json.dumps(core.document)


def test_password() -> None:
    password = load_user_type().core_schema.attributes["password"]

    assert (password.is_write_only, password.returned) == (True, Returned.NEVER)


def test_with_extensions() -> None:
    extended = load_user_type().with_extensions([SURVEY])

    assert [schema.id for schema in extended.schemas] == [load_user_type().core_schema.id, ENTERPRISE, SURVEY["id"]]
    assert [schema.id for schema in load_user_type().schemas] == [load_user_type().core_schema.id, ENTERPRISE]
    assert extended.core_schema.attributes.keys() == load_user_type().core_schema.attributes.keys()


def test_user_type_is_cached() -> None:
    assert load_user_type() is load_user_type()


def test_schema_has_its_document() -> None:
    assert Schema.from_document(SURVEY).document is SURVEY


def test_names_with_spaces() -> None:
    resource_type = build_resource_type(
        {"name": "Cost Center", "type": "string"},
        {"name": "Level", "type": "integer"},
        {"name": "Cost Center Code", "type": "string"},
    )

    assert resource_type.names_with_spaces == ("urn:example:user:cost center code", "urn:example:user:cost center")
