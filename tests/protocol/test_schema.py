"""Schema documents compiled into what the protocol asks of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from scim.protocol.schema import Attribute, Format, Mutability, ResourceType, Returned, Schema, Type, user_type

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
SURVEY = json.loads((Path(__file__).parents[2] / "examples/extensions/employee.json").read_text("utf-8"))


def characteristics(attribute: Attribute) -> dict[str, Any]:
    return {
        "type": attribute.type,
        "multi_valued": attribute.multi_valued,
        "required": attribute.required,
        "case_exact": attribute.case_exact,
        "mutability": attribute.mutability,
        "returned": attribute.returned,
        "unique": attribute.unique,
        "max_length": attribute.max_length,
        "format": attribute.format,
        "sub_attributes": list(attribute.sub_attributes),
    }


def with_attributes(*documents: dict[str, Any]) -> ResourceType:
    return user_type().extended([{"id": "urn:example:User", "name": "Example", "attributes": list(documents)}])


def test_attribute_has_the_defaults_of_rfc_7643_section_2_2() -> None:
    assert characteristics(Attribute.of({"name": "nickName", "type": "string"})) == {
        "type": Type.STRING,
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


def test_attribute_has_the_characteristics_of_its_document() -> None:
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

    assert characteristics(Attribute.of(document)) == {
        "type": Type.COMPLEX,
        "multi_valued": True,
        "required": True,
        "case_exact": True,
        "mutability": Mutability.IMMUTABLE,
        "returned": Returned.REQUEST,
        "unique": True,
        "max_length": 10,
        "format": Format.DATE,
        "sub_attributes": ["value"],
    }


@pytest.mark.parametrize("type_", ["reference", "binary"])
def test_references_and_binaries_are_case_exact_whatever_the_document_says(type_: str) -> None:
    assert Attribute.of({"name": "photo", "type": type_, "caseExact": False}).case_exact


@pytest.mark.parametrize(
    ("mutability", "flags"),
    [
        ("readOnly", (True, False, False)),
        ("readWrite", (False, False, False)),
        ("immutable", (False, True, False)),
        ("writeOnly", (False, False, True)),
    ],
)
def test_attribute_is_of_one_mutability(mutability: str, flags: tuple[bool, bool, bool]) -> None:
    attribute = Attribute.of({"name": "a", "type": "string", "mutability": mutability})

    assert (attribute.read_only, attribute.immutable, attribute.write_only) == flags


def test_names_and_urns_have_no_case() -> None:
    core, enterprise = user_type().schemas
    emails = core.attributes["emails"]

    assert core.attribute("EMAILS") is emails
    assert emails.sub_attribute("VALUE") is emails.sub_attributes["value"]
    assert core.attribute("unknown") is None
    assert emails.sub_attribute("unknown") is None
    assert user_type().extension(ENTERPRISE.upper()) is enterprise
    assert user_type().extension(core.id) is None


def test_core_of_a_type_has_the_common_attributes_and_those_that_are_not_kept() -> None:
    core = user_type().core

    assert set(core.attributes) - set(user_type().schema.attributes) == {
        "id",
        "externalid",
        "meta",
        "schemas",
        "password",
    }
    assert "password" not in json.dumps(core.document)


def test_password_is_write_only_and_never_returned() -> None:
    password = user_type().core.attributes["password"]

    assert (password.write_only, password.returned) == (True, Returned.NEVER)


def test_extended_type_has_further_extensions_and_leaves_the_other_as_it_is() -> None:
    extended = user_type().extended([SURVEY])

    assert [schema.id for schema in extended.schemas] == [user_type().core.id, ENTERPRISE, SURVEY["id"]]
    assert [schema.id for schema in user_type().schemas] == [user_type().core.id, ENTERPRISE]
    assert extended.core.attributes.keys() == user_type().core.attributes.keys()


def test_type_is_compiled_once() -> None:
    assert user_type() is user_type()


def test_schema_keeps_the_document_that_discovery_shows() -> None:
    assert Schema.of(SURVEY).document is SURVEY


def test_names_with_spaces_are_known_in_full_and_the_longer_ones_first() -> None:
    type_ = with_attributes(
        {"name": "Cost Center", "type": "string"},
        {"name": "Level", "type": "integer"},
        {"name": "Cost Center Code", "type": "string"},
    )

    assert type_.spaced_names == ("urn:example:user:cost center code", "urn:example:user:cost center")
