"""The custom schemas that are accepted and rejected."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scim.protocol.filter.parser import parse_filter, parse_path
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.schema import load_user_type
from scim.service.tenants.custom_schemas import parse_schemas
from tests.endpoint import ENTERPRISE

EXAMPLE = json.loads((Path(__file__).parents[3] / "examples/extensions/employee.json").read_text("utf-8"))


def build_schema(*attributes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "urn:example:User", "attributes": list(attributes)} | more


def test_example_is_unchanged() -> None:
    assert parse_schemas([EXAMPLE]) == [EXAMPLE]


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({}, "id"),
        (build_schema(), "attributes"),
        (build_schema({"name": "a", "type": "string"}, id="no urn"), "id"),
        (build_schema({"type": "string"}), "attributes.0.name"),
        (build_schema({"name": "a", "type": "text"}), "attributes.0.type"),
        (build_schema({"name": "a", "type": "integer", "format": "date"}), "attributes.0"),
        (build_schema({"name": "a", "type": "boolean", "maxLength": 5}), "attributes.0"),
        (build_schema({"name": "a", "type": "string", "maxLength": 0}), "attributes.0.maxLength"),
        (build_schema({"name": "a", "type": "string", "uniqueness": "server"}), "attributes.0.uniqueness"),
        (build_schema({"name": "a", "type": "string", "mutability": "writeOnly"}), "attributes.0.mutability"),
        (build_schema({"name": "a", "type": "string", "returned": "never"}), "attributes.0.returned"),
        (build_schema({"name": "a", "type": "string", "nullable": True}), "attributes.0.nullable"),
        (build_schema({"name": "a", "type": "complex"}), "attributes.0"),
        (
            build_schema({"name": "a", "type": "string", "subAttributes": [{"name": "b", "type": "string"}]}),
            "attributes.0",
        ),
        (build_schema({"name": "a", "type": "string"}, {"name": "A", "type": "string"}), "the top level"),
    ],
)
def test_error_has_the_place_in_the_document(document: dict[str, Any], where: str) -> None:
    with pytest.raises(ValueError, match="invalid at") as raised:
        parse_schemas([document])
    assert f"invalid at {where}: " in str(raised.value)


def test_complex_attributes_are_not_nested() -> None:
    inner = {"name": "b", "type": "complex", "subAttributes": [{"name": "c", "type": "string"}]}
    with pytest.raises(ValueError, match=r"invalid at attributes\.0\.subAttributes\.0"):
        parse_schemas([build_schema({"name": "a", "type": "complex", "subAttributes": [inner]})])


def build_schema_with_id(urn: str) -> dict[str, Any]:
    return build_schema({"name": "a", "type": "string"}, id=urn)


@pytest.mark.parametrize(
    "ids",
    [
        ["urn:example:User", "URN:EXAMPLE:USER"],
        ["urn:ietf:params:scim:schemas:extension:Enterprise:2.0:User"],
    ],
)
def test_id_must_be_unique(ids: list[str]) -> None:
    with pytest.raises(ValueError, match="a unique id"):
        parse_schemas(list(map(build_schema_with_id, ids)))


@pytest.mark.parametrize(
    "urn",
    [
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "URN:ietf:params:SCIM:schemas:core:2.0:User:more",
        "urn:ietf:params:scim:schemas:core:2.0:Group",
        "urn:ietf:params:scim:schemas:core",
        "urn:ietf:params:scim:api:messages:2.0:PatchOp",
        "urn:ietf:params:scim:schemas",
    ],
)
def test_reserved_id_is_rejected(urn: str) -> None:
    with pytest.raises(ValueError, match=r"invalid at id: .* is reserved for SCIM"):
        parse_schemas([build_schema_with_id(urn)])


@pytest.mark.parametrize(
    "ids",
    [
        [f"{ENTERPRISE}:manager"],
        [f"{ENTERPRISE.upper()}:more"],
        [f"{ENTERPRISE}.manager"],
        ["urn:ietf:params:scim:schemas:extension:enterprise:2.0"],
        ["urn:ietf:params:scim:schemas:extension:enterprise:2"],
        ["urn:a:b", "urn:a:b:c"],
        ["urn:a:b:c", "urn:A:B"],
        ["urn:a:b", "urn:a:b.c"],
    ],
)
def test_id_that_starts_with_another_is_rejected(ids: list[str]) -> None:
    """A path such as ``urn:a:b:c`` would be an attribute of ``urn:a:b`` and the schema ``urn:a:b:c``."""
    with pytest.raises(ValueError, match="starts with the id of another schema"):
        parse_schemas(list(map(build_schema_with_id, ids)))


def test_similar_ids_are_accepted() -> None:
    ids = ["urn:a:b", "urn:a:bc", "urn:a:b-c", f"{ENTERPRISE}s"]
    assert [schema["id"] for schema in parse_schemas(list(map(build_schema_with_id, ids)))] == ids


@pytest.mark.parametrize("name", ["id", "ID", "meta", "Schemas", "externalId"])
def test_common_attribute_is_rejected(name: str) -> None:
    """RFC 7643 section 3.1: they belong to every resource and have no URN."""
    with pytest.raises(ValueError, match=r"invalid at attributes\.0\.name: .* is an attribute of every SCIM resource"):
        parse_schemas([build_schema({"name": name, "type": "string"})])


@pytest.mark.parametrize("name", ["title", "userName", "displayName", "manager"])
def test_name_of_a_core_attribute_is_accepted(name: str) -> None:
    """Its URN distinguishes it. The name alone always means the attribute of the standard."""
    resource_type = load_user_type().with_extensions(parse_schemas([build_schema({"name": name, "type": "string"})]))
    assert str(parse_path(name, resource_type, LeniencyTracker())) in (name, f"{ENTERPRISE}:{name}")
    assert str(parse_path(f"urn:example:User:{name}", resource_type, LeniencyTracker())) == f"urn:example:User:{name}"


@pytest.mark.parametrize(
    "name",
    ["a ", " a", "a  b", "1a", "a.b", "a[b]", 'a"b', "a:b", "a$", "ä", "", "a\n", "a(b)", "a,b", "a/b", "a" * 101],
)
def test_invalid_name_is_rejected(name: str) -> None:
    with pytest.raises(ValueError, match=r"invalid at attributes\.0\.name"):
        parse_schemas([build_schema({"name": name, "type": "string"})])
    parent = {"name": "a", "type": "complex", "subAttributes": [{"name": name, "type": "string"}]}
    with pytest.raises(ValueError, match=r"invalid at attributes\.0\.subAttributes\.0\.name"):
        parse_schemas([build_schema(parent)])


def test_sub_attribute_with_space_is_rejected() -> None:
    """Neither the brackets of a filter nor a dot can be followed by such a name."""
    parent = {"name": "a", "type": "complex", "subAttributes": [{"name": "b c", "type": "string"}]}
    with pytest.raises(ValueError, match=r"is not a valid sub-attribute name"):
        parse_schemas([build_schema(parent)])


@pytest.mark.parametrize("name", ["Cost co", "Cost eq 5", "cost PR"])
def test_name_that_looks_like_comparison_is_rejected(name: str) -> None:
    attributes = [{"name": text, "type": "string"} for text in ("Cost", name)]
    with pytest.raises(ValueError, match=r"in a filter, .* cannot be distinguished"):
        parse_schemas([build_schema(*attributes)])
    assert parse_schemas([build_schema(attributes[1])])


def test_size_of_schemas_is_limited() -> None:
    """They are stored in one item with all other settings."""
    documents = [
        build_schema(
            *({"name": f"a{n}", "type": "string", "description": "x" * 1_000} for n in range(99)), id=f"urn:x:{m}"
        )
        for m in range(2)
    ]
    assert parse_schemas(documents[:1]) == documents[:1]
    with pytest.raises(ValueError, match=r"more than 200,000 bytes in total. Shorten"):
        parse_schemas(documents)


names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,6}( [A-Za-z0-9_-]{1,6}){0,3}", fullmatch=True)
sub_names = st.from_regex(r"\$ref|[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True)
operators = st.sampled_from(["eq", "Ne", "CO", "sw", "ew", "pr", "gt", "ge", "lt", "le", "and", "or", "not"])
any_name = names | operators | st.builds("{} {}".format, names, operators)


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(any_name, min_size=1, max_size=4), st.lists(sub_names | operators, min_size=1, max_size=3), st.data())
def test_accepted_names_can_be_parsed(
    attribute_names: list[str], sub_attribute_names: list[str], data: st.DataObject
) -> None:
    """It can be a path or part of a filter: alone, with a sub-attribute, and with a filter in brackets."""
    members = [{"name": name, "type": "string"} for name in sub_attribute_names]
    attributes = [
        {"name": name, "type": "complex", "multiValued": data.draw(st.booleans()), "subAttributes": members}
        for name in attribute_names
    ]
    try:
        resource_type = load_user_type().with_extensions(parse_schemas([build_schema(*attributes)]))
    except ValueError:
        assume(False)
    for attribute, sub in itertools.product(attributes, sub_attribute_names):
        path = f"urn:example:User:{attribute['name']}"
        texts = [path, f"{path}.{sub}"]
        if attribute["multiValued"]:
            texts += [f'{path}[{sub} eq "x"]', f'{path}[{sub} eq "x"].{sub}']
        for text in texts:
            assert str(parse_path(text, resource_type, LeniencyTracker(is_strict=True))) == text
            assert str(parse_filter(f"{text} pr", resource_type, LeniencyTracker())) == f"{text} pr"
        assert (
            str(parse_filter(f'{path}.{sub} co "x"', resource_type, LeniencyTracker(is_strict=True)))
            == f'{path}.{sub} co "x"'
        )
