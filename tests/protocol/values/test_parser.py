"""Values that clients send: canonical values and errors."""

from typing import Any

import pytest

from scim.protocol.errors import InvalidSyntax, InvalidValue, ScimError
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.schema import Attribute, DataType, Mutability, StringFormat, load_user_type
from scim.protocol.values.conformance import select_conforming
from scim.protocol.values.parser import check_required, parse_value

CORE = load_user_type().core_schema.attributes
MANAGER = load_user_type().extensions[0].attributes["manager"]
UPDATED = Attribute("updated", DataType.DATE_TIME)
LEVEL = Attribute("level", DataType.INTEGER)
SHARE = Attribute("share", DataType.DECIMAL)
TAGS = Attribute("tags", DataType.STRING, is_multi_valued=True)
UNIT = Attribute("unit", DataType.STRING, max_length=256)
JOINED = Attribute("joined", DataType.STRING, format=StringFormat.DATE)
CERTIFICATE = CORE["x509certificates"].sub_attributes["value"]
BADGE = Attribute(
    "badge",
    DataType.COMPLEX,
    sub_attributes={
        "number": Attribute("number", DataType.STRING, is_required=True),
        "colour": Attribute("colour", DataType.STRING),
        "issuer": Attribute("issuer", DataType.STRING, mutability=Mutability.READ_ONLY),
    },
)


def pair_with(attribute: Attribute, *values: Any) -> list[tuple[Attribute, Any]]:
    return [(attribute, value) for value in values]


def parse(attribute: Attribute, value: Any) -> Any:
    return parse_value(attribute, value, LeniencyTracker())


def catch_error(attribute: Attribute, value: Any, *, strict: bool = False) -> ScimError:
    with pytest.raises(ScimError) as error:
        parse_value(attribute, value, LeniencyTracker(strict))
    return error.value


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (CORE["title"], "Tour Guide"),
        (CORE["title"], " \u00e9\u0301 "),
        (CORE["title"], "0"),
        (CORE["active"], True),
        (CORE["active"], False),
        (CORE["profileurl"], "BAPNQLJSRQGD"),
        (LEVEL, 0),
        (LEVEL, -(10**30)),
        (SHARE, 0.5),
        (SHARE, 1),
        (UPDATED, "2015-10-10T14:38:21.8617979-07:00"),
        (UNIT, "x" * 256),
        *pair_with(JOINED, "2024-02-29", "2024-02-29T00:00:00Z"),
        (CERTIFICATE, "MIIDQzCCAqygAwIBAgICEAAwDQ=="),
        (CERTIFICATE, "MIID\r\nQzCC"),
        (TAGS, ["a", "b"]),
        (CORE["name"], {"givenName": "Barbara", "familyName": "Jensen"}),
        (CORE["emails"], [{"value": "a@example.com", "primary": True}, {"value": "b@example.com", "primary": False}]),
        (CORE["emails"], [{"value": "a", "type": "work"}, {"value": "b", "type": "work"}]),
        (MANAGER, {"value": "26118915", "$ref": "../Users/26118915"}),
    ],
)
def test_value_of_the_right_type(attribute: Attribute, value: Any) -> None:
    assert parse(attribute, value) == value


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        *[(CORE[name], None) for name in ("title", "active", "name", "emails")],
        *[(CORE[name], "") for name in ("title", "active", "name", "emails")],
        *pair_with(CORE["emails"], [], [None], [{}], [""], [{"value": ""}, {"type": None}]),
        *pair_with(CORE["name"], {}, {"givenName": None}, {"givenName": ""}),
        *pair_with(MANAGER, {"value": ""}, [{"value": ""}], [""], {"displayName": "Mandy"}),
        (TAGS, []),
        (LEVEL, None),
    ],
)
def test_null_and_empty_values(attribute: Attribute, value: Any) -> None:
    assert parse(attribute, value) is None


@pytest.mark.parametrize(
    ("attribute", "sent", "canonical"),
    [
        *[(CORE["active"], word, True) for word in ("True", "true", "TRUE")],
        *[(CORE["active"], word, False) for word in ("False", "false")],
        (CORE["roles"], [{"value": "a", "primary": "True"}], [{"value": "a", "primary": True}]),
        (CORE["emails"], [None, {"value": "a", "type": ""}, {}], [{"value": "a"}]),
        (CORE["emails"], [{"VALUE": "a", "Primary": "false"}], [{"value": "a", "primary": False}]),
        (CORE["name"], {"GIVENNAME": "Barbara"}, {"givenName": "Barbara"}),
        (CORE["name"], {"givenName": "Barbara", "firstName": "B"}, {"givenName": "Barbara"}),
        (LEVEL, 3.0, 3),
        (MANAGER, "26118915", {"value": "26118915"}),
        (MANAGER, ["26118915"], {"value": "26118915"}),
        (MANAGER, [{"value": "26118915"}], {"value": "26118915"}),
        (MANAGER, {"value": "26118915", "displayName": "Mandy"}, {"value": "26118915"}),
        (BADGE, {"number": "1", "issuer": "x"}, {"number": "1"}),
    ],
)
def test_canonical_form(attribute: Attribute, sent: Any, canonical: Any) -> None:
    assert parse(attribute, sent) == canonical


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        *pair_with(CORE["title"], 1, True, [], ["a"], {}, {"value": "a"}),
        *pair_with(CORE["active"], "yes", "1", 1, 0, " true", [], {}),
        *pair_with(LEVEL, "1", 1.5, True, []),
        *pair_with(SHARE, "0.5", False, []),
        *pair_with(UPDATED, "2026-01-31", "yesterday", 1769849400),
        *pair_with(CERTIFICATE, "M=I", "\u00e9", 1),
        *pair_with(TAGS, "a", {"value": "a"}, [1], [["a"]]),
        *pair_with(CORE["emails"], "a@example.com", {"value": "a"}, ["a@example.com"], [1], [[]]),
        *pair_with(CORE["emails"], [{"value": 1}], [{"value": ["a"]}], [{"value": {"value": "a"}}]),
        *pair_with(CORE["name"], "Barbara Jensen", ["Barbara"], [{"givenName": "Barbara"}], 1),
        *pair_with(MANAGER, 1, [1], ["a", "b"], [["a", "b"]], {"value": 1}),
    ],
)
def test_value_of_the_wrong_type(attribute: Attribute, value: Any) -> None:
    assert isinstance(catch_error(attribute, value), InvalidValue)


@pytest.mark.parametrize("name", ["active", "name", "emails"])
def test_error_names_attribute_without_value(name: str) -> None:
    detail = catch_error(CORE[name], "4711").detail

    assert name in detail
    assert "4711" not in detail


def test_duplicate_member() -> None:
    error = catch_error(CORE["name"], {"givenName": "Barbara", "givenname": "Babs"})

    assert isinstance(error, InvalidSyntax)


@pytest.mark.parametrize("missing", [{}, {"colour": "red"}, {"number": None}, {"number": ""}])
def test_required_attribute(missing: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match=r"badge\.number is required"):
        check_required(BADGE.required_sub_attributes, missing, "badge.")


def test_empty_string_in_strict_mode() -> None:
    assert parse_value(CORE["title"], "", LeniencyTracker(is_strict=True)) == ""
    assert isinstance(catch_error(CORE["active"], "", strict=True), InvalidValue)


SAMPLES: dict[DataType, Any] = {
    DataType.STRING: "a",
    DataType.BOOLEAN: True,
    DataType.DECIMAL: 1.5,
    DataType.INTEGER: 1,
    DataType.DATE_TIME: "2026-01-31T09:30:00Z",
    DataType.BINARY: "YQ==",
    DataType.REFERENCE: "https://example.com",
    DataType.COMPLEX: {"value": "a"},
}


@pytest.mark.parametrize("data_type", DataType)
def test_data_types_are_parsed_and_conform(data_type: DataType) -> None:
    members = {"value": Attribute("value", DataType.STRING)} if data_type is DataType.COMPLEX else {}
    attribute = Attribute("a", data_type, sub_attributes=members)

    assert parse_value(attribute, SAMPLES[data_type], LeniencyTracker()) == SAMPLES[data_type]
    assert select_conforming(attribute, SAMPLES[data_type]) == SAMPLES[data_type]
