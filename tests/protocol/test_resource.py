"""Bodies of POST and PUT: canonical resources and errors."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol.errors import InvalidSyntax, InvalidValue, MutabilityError, ScimError
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.resource import list_changed_attributes, parse_resource, set_schemas
from scim.protocol.schema import load_user_type
from scim.protocol.stored_values.immutability import check_immutable
from tests.differential.generator import Generator
from tests.endpoint import CORE, ENTERPRISE

seeded = settings(derandomize=True, deadline=None, max_examples=100)

EXAMPLE = "urn:example:2.0:User"
TYPE = load_user_type().with_extensions(
    [
        {
            "id": EXAMPLE,
            "name": "Example",
            "attributes": [
                {"name": "Badge", "type": "string", "required": True, "mutability": "immutable"},
                {"name": "Level", "type": "integer"},
            ],
        }
    ]
)


def parse(members: dict[str, Any]) -> dict[str, Any]:
    """Parse a user and return it without ``userName`` and ``schemas``."""
    resource = parse_resource({"schemas": [CORE], "userName": "bjensen"} | members, TYPE, LeniencyTracker())
    assert resource.pop("userName") == "bjensen"
    resource.pop("schemas")
    return resource


def catch_error(body: Any, *, strict: bool = False) -> ScimError:
    with pytest.raises(ScimError) as error:
        parse_resource(body, TYPE, LeniencyTracker(strict))
    return error.value


def test_full_user() -> None:
    user = {
        "schemas": [CORE, ENTERPRISE],
        "externalId": "701984",
        "userName": "bjensen@example.com",
        "name": {"formatted": "Ms. Barbara J Jensen, III", "familyName": "Jensen"},
        "active": True,
        "emails": [{"value": "bjensen@example.com", "type": "work", "primary": True}, {"value": "babs@jensen.org"}],
        "x509Certificates": [{"value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UEBhMC"}],
        ENTERPRISE: {"employeeNumber": "701984", "manager": {"value": "26118915", "$ref": "../Users/26118915"}},
    }

    assert parse_resource(copy.deepcopy(user), TYPE, LeniencyTracker()) == user


@seeded
@given(st.builds(Generator, st.integers(0)))
def test_canonical_user_is_unchanged(generator: Generator) -> None:
    user = generator.generate_user()

    assert parse_resource(copy.deepcopy(user), load_user_type(), LeniencyTracker(is_strict=True)) == user


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ({"TITLE": "Guide", "Name": {"GivenName": "B"}}, {"title": "Guide", "name": {"givenName": "B"}}),
        ({"id": "1", "meta": {"version": "2"}, "groups": [{"value": "1"}]}, {}),
        ({"id": None, "addresses": None, "department": None, "manager": None}, {}),
        ({"title": "", "emails": [], "name": {}, "roles": [{"value": ""}]}, {}),
        ({"password": "t1meMa$heen"}, {}),
        ({"favouriteColour": "red", "urn:example:1.0:User": {"a": 1}, f"{ENTERPRISE[:-5]}User": {"a": 1}}, {}),
        ({ENTERPRISE: {"department": "Tours"}}, {ENTERPRISE: {"department": "Tours"}}),
        ({ENTERPRISE.upper(): {"Department": "Tours"}}, {ENTERPRISE: {"department": "Tours"}}),
        ({ENTERPRISE: {}, EXAMPLE: None}, {}),
        ({ENTERPRISE: ""}, {}),
        ({ENTERPRISE: {"department": "", "manager": {"value": ""}}}, {}),
        ({f"{ENTERPRISE}:department": "Tours"}, {ENTERPRISE: {"department": "Tours"}}),
        ({f"{ENTERPRISE}:manager.value": "1"}, {ENTERPRISE: {"manager": {"value": "1"}}}),
        (
            {f"{ENTERPRISE}:manager": "1", ENTERPRISE: {"division": "D"}},
            {ENTERPRISE: {"manager": {"value": "1"}, "division": "D"}},
        ),
        ({f"{CORE}:title": "Guide"}, {"title": "Guide"}),
        ({CORE: {"title": "Guide"}}, {"title": "Guide"}),
        ({EXAMPLE: {"Badge": "7"}}, {EXAMPLE: {"Badge": "7"}}),
    ],
)
def test_canonical_form(sent: dict[str, Any], canonical: dict[str, Any]) -> None:
    assert parse(sent) == canonical


@pytest.mark.parametrize(
    ("members", "schemas"),
    [
        ({}, [CORE]),
        ({"schemas": [CORE, ENTERPRISE]}, [CORE]),
        ({"schemas": [CORE.upper()]}, [CORE]),
        ({"schemas": ["urn:scim:schemas:core:1.0", CORE]}, [CORE]),
        ({ENTERPRISE: {"department": "Tours"}}, [CORE, ENTERPRISE]),
        ({EXAMPLE: {"Badge": "7"}, ENTERPRISE: {"department": "Tours"}}, [CORE, ENTERPRISE, EXAMPLE]),
        ({"schemas": None}, [CORE]),
    ],
)
def test_schemas(members: dict[str, Any], schemas: list[str]) -> None:
    body = {"schemas": [CORE], "userName": "bjensen"} | members

    assert parse_resource(body, TYPE, LeniencyTracker())["schemas"] == schemas


@pytest.mark.parametrize("body", [None, [], [{}], "bjensen", 1, True])
def test_body_is_not_an_object(body: Any) -> None:
    assert isinstance(catch_error(body), InvalidSyntax)


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"userName": None}, InvalidValue),
        ({"userName": ""}, InvalidValue),
        ({"userName": 7}, InvalidValue),
        ({"schemas": CORE}, InvalidValue),
        ({"schemas": [1]}, InvalidValue),
        ({"Schemas": [CORE]}, InvalidSyntax),
        ({"title": "a", "TITLE": "b"}, InvalidSyntax),
        ({"password": 7}, InvalidValue),
        ({ENTERPRISE: "Tours"}, InvalidValue),
        ({ENTERPRISE: ["Tours"]}, InvalidValue),
        ({EXAMPLE: {"Badge": "1", "Level": "1"}}, InvalidValue),
        *[({"userName": f"b{invisible}jensen"}, InvalidValue) for invisible in ("\u200b", "\x00", "\n", "\u00ad")],
    ],
)
def test_invalid_user(members: dict[str, Any], error: type[ScimError]) -> None:
    assert isinstance(catch_error({"schemas": [CORE], "userName": "bjensen"} | members), error)


def test_missing_user_name() -> None:
    assert catch_error({"schemas": [CORE]}).detail.startswith("userName is required")


@pytest.mark.parametrize("user_name", [None, ""])
def test_missing_user_name_in_strict_mode(user_name: str | None) -> None:
    assert isinstance(catch_error({"schemas": [CORE], "userName": user_name}, strict=True), InvalidValue)


def test_body_is_not_changed() -> None:
    body = {"Schemas": [CORE], "userName": "bjensen", "emails": [{"VALUE": "a", "type": None}], ENTERPRISE: {"a": 1}}
    before = copy.deepcopy(body)
    parse_resource(body, TYPE, LeniencyTracker())

    assert body == before


def test_schemas_follow_from_values() -> None:
    user = {"userName": "bjensen", "schemas": [CORE, ENTERPRISE], EXAMPLE: {"Badge": "7"}}

    assert set_schemas(user, TYPE) == {"schemas": [CORE, EXAMPLE], "userName": "bjensen", EXAMPLE: {"Badge": "7"}}


@pytest.mark.parametrize("after", [{EXAMPLE: {"Badge": "8"}}, {EXAMPLE: {"Level": 1}}, {}])
def test_immutable_attribute_cannot_change(after: dict[str, Any]) -> None:
    with pytest.raises(MutabilityError, match="Badge is immutable"):
        check_immutable({EXAMPLE: {"Badge": "7"}}, after, TYPE)


@pytest.mark.parametrize("before", [{EXAMPLE: {"Badge": "7", "Level": 1}}, {EXAMPLE: {"Level": 1}}, {}])
def test_immutable_attribute_can_be_assigned(before: dict[str, Any]) -> None:
    check_immutable(before, {EXAMPLE: {"Badge": "7", "Level": 2}}, TYPE)


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({"title": "a"}, {"title": "a"}, []),
        ({"title": "a"}, {"title": "A"}, ["title"]),
        ({"title": "a"}, {}, ["title"]),
        ({"meta": {"version": "1"}, "id": "1"}, {"meta": {"version": "2"}, "schemas": [CORE]}, []),
        ({}, {ENTERPRISE: {"department": "Tours"}, "emails": [{"value": "a"}]}, ["emails", f"{ENTERPRISE}:department"]),
        ({EXAMPLE: {"Badge": "7", "Level": 1}}, {EXAMPLE: {"Badge": "7", "Level": 2}}, [f"{EXAMPLE}:Level"]),
    ],
)
def test_changed_attributes(before: dict[str, Any], after: dict[str, Any], changed: list[str]) -> None:
    assert list_changed_attributes(before, after, TYPE) == changed


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"name": {"familyName": "F"}, "urn:ietf:params:scim:schemas:core:2.0:User:name.givenName": "G"},
            {"name": {"familyName": "F", "givenName": "G"}},
        ),
        (
            {f"{ENTERPRISE}:manager.value": "1", f"{ENTERPRISE}:manager.$ref": "../Users/1"},
            {ENTERPRISE: {"manager": {"value": "1", "$ref": "../Users/1"}}},
        ),
        (
            {ENTERPRISE: {"department": "D"}, ENTERPRISE.upper(): {"division": "V"}},
            {ENTERPRISE: {"department": "D", "division": "V"}},
        ),
    ],
)
def test_members_of_one_attribute_are_merged(body: Any, expected: Any) -> None:
    resource = parse_resource({"userName": "bob"} | body, load_user_type(), LeniencyTracker())
    assert {name: resource[name] for name in expected} == expected


@pytest.mark.parametrize(
    "body",
    [
        {"urn:ietf:params:scim:schemas:core:2.0:User:userName": "rob"},
        {"name": {"givenName": "G"}, "urn:ietf:params:scim:schemas:core:2.0:User:name.GIVENNAME": "H"},
    ],
)
def test_duplicate_member(body: Any) -> None:
    with pytest.raises(InvalidSyntax, match="occurs twice"):
        parse_resource({"userName": "bob"} | body, load_user_type(), LeniencyTracker())
