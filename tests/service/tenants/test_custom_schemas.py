"""The schema documents that a tenant may bring."""

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


def extension(*attributes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "urn:example:User", "attributes": list(attributes)} | more


def test_the_example_is_kept_as_it_is() -> None:
    assert parse_schemas([EXAMPLE]) == [EXAMPLE]


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({}, "id"),
        (extension(), "attributes"),
        (extension({"name": "a", "type": "string"}, id="no urn"), "id"),
        (extension({"type": "string"}), "attributes.0.name"),
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
        (extension({"name": "a", "type": "string"}, {"name": "A", "type": "string"}), "the top level"),
    ],
)
def test_a_wrong_document_is_refused_with_its_place(document: dict[str, Any], where: str) -> None:
    with pytest.raises(ValueError, match="invalid at") as raised:
        parse_schemas([document])
    assert f"invalid at {where}: " in str(raised.value)


def test_complex_attributes_are_not_nested() -> None:
    inner = {"name": "b", "type": "complex", "subAttributes": [{"name": "c", "type": "string"}]}
    with pytest.raises(ValueError, match=r"invalid at attributes\.0\.subAttributes\.0"):
        parse_schemas([extension({"name": "a", "type": "complex", "subAttributes": [inner]})])


def with_id(urn: str) -> dict[str, Any]:
    return extension({"name": "a", "type": "string"}, id=urn)


@pytest.mark.parametrize(
    "ids",
    [
        ["urn:example:User", "URN:EXAMPLE:USER"],
        ["urn:ietf:params:scim:schemas:extension:Enterprise:2.0:User"],
    ],
)
def test_an_id_that_is_taken_is_refused(ids: list[str]) -> None:
    with pytest.raises(ValueError, match="a unique id"):
        parse_schemas(list(map(with_id, ids)))


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
def test_scims_own_id_is_refused(urn: str) -> None:
    with pytest.raises(ValueError, match=r"invalid at id: .* is reserved for SCIM"):
        parse_schemas([with_id(urn)])


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
def test_id_below_another_is_refused(ids: list[str]) -> None:
    """A path such as ``urn:a:b:c`` would be an attribute of ``urn:a:b`` and the schema ``urn:a:b:c``."""
    with pytest.raises(ValueError, match="starts with the id of another schema"):
        parse_schemas(list(map(with_id, ids)))


def test_similar_ids_are_accepted() -> None:
    ids = ["urn:a:b", "urn:a:bc", "urn:a:b-c", f"{ENTERPRISE}s"]
    assert [each["id"] for each in parse_schemas(list(map(with_id, ids)))] == ids


@pytest.mark.parametrize("name", ["id", "ID", "meta", "Schemas", "externalId"])
def test_common_attribute_is_refused(name: str) -> None:
    """RFC 7643 section 3.1: they belong to every resource and have no URN of their own."""
    with pytest.raises(ValueError, match=r"invalid at attributes\.0\.name: .* is an attribute of every SCIM resource"):
        parse_schemas([extension({"name": name, "type": "string"})])


@pytest.mark.parametrize("name", ["title", "userName", "displayName", "manager"])
def test_name_of_a_core_attribute_is_accepted(name: str) -> None:
    """It is told apart by its URN; alone the name always means the attribute of the standard."""
    resource_type = load_user_type().with_extensions(parse_schemas([extension({"name": name, "type": "string"})]))
    assert str(parse_path(name, resource_type, LeniencyTracker())) in (name, f"{ENTERPRISE}:{name}")
    assert str(parse_path(f"urn:example:User:{name}", resource_type, LeniencyTracker())) == f"urn:example:User:{name}"


@pytest.mark.parametrize(
    "name",
    ["a ", " a", "a  b", "1a", "a.b", "a[b]", 'a"b', "a:b", "a$", "ä", "", "a\n", "a(b)", "a,b", "a/b", "a" * 101],
)
def test_name_that_no_path_can_hold_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"invalid at attributes\.0\.name"):
        parse_schemas([extension({"name": name, "type": "string"})])
    parent = {"name": "a", "type": "complex", "subAttributes": [{"name": name, "type": "string"}]}
    with pytest.raises(ValueError, match=r"invalid at attributes\.0\.subAttributes\.0\.name"):
        parse_schemas([extension(parent)])


def test_sub_attribute_with_a_space_is_refused() -> None:
    """Neither the brackets of a filter nor a dot can be followed by such a name."""
    parent = {"name": "a", "type": "complex", "subAttributes": [{"name": "b c", "type": "string"}]}
    with pytest.raises(ValueError, match=r"is not a valid sub-attribute name"):
        parse_schemas([extension(parent)])


@pytest.mark.parametrize("name", ["Cost co", "Cost eq 5", "cost PR"])
def test_name_that_reads_as_a_comparison_is_refused(name: str) -> None:
    attributes = [{"name": each, "type": "string"} for each in ("Cost", name)]
    with pytest.raises(ValueError, match=r"in a filter, .* cannot be distinguished"):
        parse_schemas([extension(*attributes)])
    assert parse_schemas([extension(attributes[1])])


def test_schemas_have_a_bounded_size() -> None:
    """They stand in one item with everything else that the settings hold."""
    documents = [
        extension(
            *({"name": f"a{n}", "type": "string", "description": "x" * 1_000} for n in range(99)), id=f"urn:x:{m}"
        )
        for m in range(2)
    ]
    assert parse_schemas(documents[:1]) == documents[:1]
    with pytest.raises(ValueError, match=r"more than 200000 bytes in total. Shorten"):
        parse_schemas(documents)


names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,6}( [A-Za-z0-9_-]{1,6}){0,3}", fullmatch=True)
sub_names = st.from_regex(r"\$ref|[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True)
operators = st.sampled_from(["eq", "Ne", "CO", "sw", "ew", "pr", "gt", "ge", "lt", "le", "and", "or", "not"])
any_name = names | operators | st.builds("{} {}".format, names, operators)


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(any_name, min_size=1, max_size=4), st.lists(sub_names | operators, min_size=1, max_size=3), st.data())
def test_every_accepted_name_can_be_written(found: list[str], subs: list[str], data: st.DataObject) -> None:
    """In a filter and as a path: alone, with a sub-attribute, and with one in brackets."""
    members = [{"name": name, "type": "string"} for name in subs]
    attributes = [
        {"name": name, "type": "complex", "multiValued": data.draw(st.booleans()), "subAttributes": members}
        for name in found
    ]
    try:
        resource_type = load_user_type().with_extensions(parse_schemas([extension(*attributes)]))
    except ValueError:
        assume(False)
    for attribute, sub in itertools.product(attributes, subs):
        path = f"urn:example:User:{attribute['name']}"
        written = [path, f"{path}.{sub}"]
        if attribute["multiValued"]:
            written += [f'{path}[{sub} eq "x"]', f'{path}[{sub} eq "x"].{sub}']
        for each in written:
            assert str(parse_path(each, resource_type, LeniencyTracker(is_strict=True))) == each
            assert str(parse_filter(f"{each} pr", resource_type, LeniencyTracker(is_strict=True))) == f"{each} pr"
        assert (
            str(parse_filter(f'{path}.{sub} co "x"', resource_type, LeniencyTracker(is_strict=True)))
            == f'{path}.{sub} co "x"'
        )
