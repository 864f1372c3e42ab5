"""The attributes that a response contains."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol.errors import InvalidValue
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.projection import MAX_NAMES, parse_projection
from scim.protocol.schema import load_user_type
from tests.endpoint import CORE, ENTERPRISE

seeded = settings(derandomize=True, deadline=None, max_examples=300)

EXTENSION = "urn:example:2.0:User"

KINDS = ["always", "never", "default", "request"]
SUBS = [{"name": kind, "type": "string", "returned": kind} for kind in KINDS]
TYPE = load_user_type().with_extensions(
    [
        {
            "id": EXTENSION,
            "name": "Example",
            "attributes": [
                *[{"name": f"{kind} one", "type": "string", "returned": kind} for kind in KINDS],
                *[
                    {"name": f"{kind}Parts", "type": "complex", "returned": kind, "subAttributes": SUBS}
                    for kind in KINDS
                ],
                {"name": "elements", "type": "complex", "multiValued": True, "subAttributes": SUBS},
            ],
        }
    ]
)
PARTS = dict.fromkeys(KINDS, "x")
USER: dict[str, Any] = {
    "schemas": [CORE, ENTERPRISE, EXTENSION],
    "id": "2819c223",
    "userName": "bjensen",
    "name": {"familyName": "Jensen", "givenName": "Barbara"},
    "emails": [{"value": "bjensen@example.com", "type": "work"}, {"value": "babs@jensen.org"}],
    "meta": {"resourceType": "User", "version": '"1"'},
    ENTERPRISE: {"department": "Tours", "manager": {"value": "1", "$ref": "../Users/1"}},
    EXTENSION: {
        **{f"{kind} one": "x" for kind in KINDS},
        **{f"{kind}Parts": dict(PARTS) for kind in KINDS},
        "elements": [dict(PARTS), {"request": "x"}],
    },
}
ALWAYS = {"schemas": USER["schemas"], "id": USER["id"]}
ALWAYS_EXTENSION = {"always one": "x", "alwaysParts": {"always": "x", "default": "x"}}


def project(attributes: list[str], excluded: list[str] | None = None, user: dict[str, Any] = USER) -> dict[str, Any]:
    return parse_projection(attributes, excluded or [], TYPE, LeniencyTracker()).apply(user)


def project_core(attributes: list[str], excluded: list[str] | None = None) -> dict[str, Any]:
    """Return the projected user without the custom extension."""
    user = {name: value for name, value in USER.items() if name != EXTENSION}
    projected = project(attributes, excluded, user)
    assert {name: projected.pop(name) for name in ALWAYS} == ALWAYS
    return projected


def get_user_without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in USER.items() if name not in (EXTENSION, *ALWAYS, *names)}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ([], get_user_without()),
        (["", " "], get_user_without()),
        (["userName"], {"userName": "bjensen"}),
        ([" USERNAME ", f"{CORE}:name"], {"userName": "bjensen", "name": USER["name"]}),
        (["id"], {}),
        (["name.givenName"], {"name": {"givenName": "Barbara"}}),
        (["name.givenName", "name"], {"name": USER["name"]}),
        (["name", "name.givenName"], {"name": USER["name"]}),
        (["name.givenName", "name.familyName"], {"name": USER["name"]}),
        (["emails.type"], {"emails": [{"type": "work"}]}),
        (["emails.display"], {}),
        (['emails[type eq "work"]'], {"emails": USER["emails"]}),
        (['emails[type eq "work"].value'], {"emails": [{"value": email["value"]} for email in USER["emails"]]}),
        (["meta.version"], {"meta": {"version": '"1"'}}),
        ([ENTERPRISE], {ENTERPRISE: USER[ENTERPRISE]}),
        ([f"{ENTERPRISE}:department"], {ENTERPRISE: {"department": "Tours"}}),
        ([f"{ENTERPRISE}:manager.value", ENTERPRISE], {ENTERPRISE: USER[ENTERPRISE]}),
        (["manager.value"], {ENTERPRISE: {"manager": {"value": "1"}}}),
        ([f"{ENTERPRISE}:division"], {}),
        ([CORE], {name: USER[name] for name in ("userName", "name", "emails", "meta")}),
        (["unknown"], {}),
        (["unknown", "userName"], {"userName": "bjensen"}),
        (["password"], {}),
    ],
)
def test_attributes(attributes: list[str], expected: dict[str, Any]) -> None:
    assert project_core(attributes) == expected


@pytest.mark.parametrize(
    ("excluded", "expected"),
    [
        ([], get_user_without()),
        (["unknown"], get_user_without()),
        (["id", "schemas"], get_user_without()),
        (["EMAILS", "meta"], get_user_without("emails", "meta")),
        (["name.givenName"], {**get_user_without(), "name": {"familyName": "Jensen"}}),
        (["name.givenName", "name.familyName"], get_user_without("name")),
        (["emails.value"], {**get_user_without(), "emails": [{"type": "work"}]}),
        ([ENTERPRISE], get_user_without(ENTERPRISE)),
        (["department"], {**get_user_without(), ENTERPRISE: {"manager": USER[ENTERPRISE]["manager"]}}),
        ([f"{ENTERPRISE}:department", f"{ENTERPRISE}:manager"], get_user_without(ENTERPRISE)),
        ([CORE], {ENTERPRISE: USER[ENTERPRISE]}),
    ],
)
def test_excluded_attributes(excluded: list[str], expected: dict[str, Any]) -> None:
    assert project_core([], excluded) == expected


def test_excluded_attributes_have_precedence() -> None:
    assert project_core(["name", "emails"], ["name.givenName", "emails"]) == {"name": {"familyName": "Jensen"}}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            [],
            {
                **ALWAYS_EXTENSION,
                "default one": "x",
                "defaultParts": {"always": "x", "default": "x"},
                "elements": [{"always": "x", "default": "x"}],
            },
        ),
        (["userName"], ALWAYS_EXTENSION),
        ([f"{EXTENSION}:request one"], {**ALWAYS_EXTENSION, "request one": "x"}),
        ([f"{EXTENSION}:requestParts.request"], {**ALWAYS_EXTENSION, "requestParts": {"always": "x", "request": "x"}}),
        (
            [f"{EXTENSION}:elements.request"],
            {**ALWAYS_EXTENSION, "elements": [{"always": "x", "request": "x"}, {"request": "x"}]},
        ),
        (
            [f"{EXTENSION}:never one", f"{EXTENSION}:neverParts.always", f"{EXTENSION}:defaultParts.never"],
            {**ALWAYS_EXTENSION, "defaultParts": {"always": "x"}},
        ),
    ],
)
def test_characteristic_returned(attributes: list[str], expected: dict[str, Any]) -> None:
    assert project(attributes)[EXTENSION] == expected


@pytest.mark.parametrize("name", ["emails[", "a b", "userName eq", "1", "user/name", "a..b", "name[familyName pr]"])
def test_malformed_name(name: str) -> None:
    with pytest.raises(InvalidValue):
        project([name])
    with pytest.raises(InvalidValue):
        project([], [name])


def list_names() -> list[str]:
    """Return all names of the schemas, and one that no schema has."""
    names = ["unknown"]
    for schema in TYPE.schemas:
        names.append(schema.id)
        for attribute in schema.attributes.values():
            names.append(f"{schema.id}:{attribute.name}")
            names += [f"{schema.id}:{attribute.name}.{sub.name}" for sub in attribute.sub_attributes.values()]
    return names


NAMES = st.lists(st.sampled_from(list_names()), max_size=4)


@seeded
@given(NAMES, NAMES)
def test_returned_always_and_never(attributes: list[str], excluded: list[str]) -> None:
    projected = project(attributes, excluded)
    extension = projected[EXTENSION]

    assert {name: projected[name] for name in ALWAYS} == ALWAYS
    assert (extension["always one"], extension["alwaysParts"]["always"]) == ("x", "x")
    assert not {"never one", "neverParts"} & set(extension)
    parts = [
        extension.get("alwaysParts"),
        extension.get("defaultParts"),
        extension.get("requestParts"),
        *extension.get("elements", []),
    ]
    assert not any("never" in part for part in parts if part)


@seeded
@given(NAMES, NAMES)
def test_projection_adds_nothing(attributes: list[str], excluded: list[str]) -> None:
    user = copy.deepcopy(USER)
    projected = project(attributes, excluded, user)

    assert user == USER
    assert projected == project(attributes, excluded, projected)


@pytest.mark.parametrize(
    ("attributes", "excluded", "is_complete"),
    [([], [], True), (["userName"], [], False), ([], ["meta"], False), ([""], [""], True)],
)
def test_complete_projection(attributes: list[str], excluded: list[str], is_complete: bool) -> None:
    assert parse_projection(attributes, excluded, load_user_type(), LeniencyTracker()).is_complete is is_complete


def test_number_of_names_is_limited() -> None:
    names = ["userName", "userName ", "bogus"] * (MAX_NAMES // 3) + ["name"]

    assert project(names).keys() >= {"userName", "name"}
    assert "userName" not in project([], names)
    with pytest.raises(InvalidValue, match=r"attributes lists 1,001 names\. It can have at most 1,000\."):
        project([*names, "title"])
    with pytest.raises(InvalidValue, match=r"excludedAttributes lists 1,001 names"):
        project([], [*names, "title"])


def test_projection_without_hidden_attributes_is_incomplete() -> None:
    assert not parse_projection([], [], TYPE, LeniencyTracker()).is_complete
