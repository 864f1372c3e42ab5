"""The order of ``sortBy``."""

from typing import Any

import pytest

from scim.protocol.errors import InvalidValue
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.schema import load_user_type
from scim.protocol.sort import compile_sort
from tests.endpoint import CORE, ENTERPRISE

LEVEL = {"id": "urn:example:User", "name": "Example", "attributes": [{"name": "Pay Level", "type": "integer"}]}
TYPE = load_user_type().with_extensions([LEVEL])


def sort(name: str, resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(resources, key=compile_sort(name, TYPE, LeniencyTracker()).key)


@pytest.mark.parametrize(
    ("name", "ascending"),
    [
        ("userName", [{"userName": "alice"}, {"userName": "Bob"}, {"userName": "carol"}]),
        ("externalId", [{"externalId": "B"}, {"externalId": "a"}]),
        ("name.familyName", [{"name": {"familyName": "Adams"}}, {"name": {"familyName": "jensen"}}, {"name": {}}]),
        ("title", [{"title": "e"}, {"title": "\u00e9"}, {}]),
        ("active", [{"active": False}, {"active": True}, {}]),
        (
            "meta.created",
            [
                {"meta": {"created": "0001-01-01T00:00:00Z"}},
                {"meta": {"created": "2026-01-01T01:00:00.5+01:00"}},
                {"meta": {"created": "2026-01-01T00:00:00.51Z"}},
                {"meta": {}},
            ],
        ),
        ("urn:example:User:Pay Level", [{"urn:example:User": {"Pay Level": level}} for level in (-1, 2, 10)]),
        (
            f"{ENTERPRISE}:manager",
            [{ENTERPRISE: {"manager": {"value": "1"}}}, {ENTERPRISE: {"manager": {"value": "2"}}}, {}],
        ),
        ("department", [{ENTERPRISE: {"department": "a"}}, {ENTERPRISE: {"department": "B"}}, {ENTERPRISE: {}}]),
    ],
)
def test_order(name: str, ascending: list[dict[str, Any]]) -> None:
    assert sort(name, ascending[::-1]) == ascending


@pytest.mark.parametrize("name", ["emails", "emails.value", "EMAILS.VALUE", f"{CORE}:emails"])
def test_multi_valued_attribute(name: str) -> None:
    ascending: list[dict[str, Any]] = [
        {"emails": [{"value": "z"}, {"value": "a", "primary": True}]},
        {"emails": [{"value": "b"}, {"value": "a", "primary": False}]},
        {"emails": [{"value": "c", "primary": True}, {"value": "a"}]},
        {"emails": [{"type": "work"}, {"value": "a"}]},
    ]

    assert sort(name, ascending[::-1]) == ascending


def test_primary_is_false_by_default() -> None:
    ascending: list[dict[str, Any]] = [
        {"emails": [{"value": "a", "primary": False}]},
        {"emails": [{"value": "b"}]},
        {"emails": [{"value": "d"}, {"value": "c", "primary": True}]},
        {},
    ]

    assert sort("emails.primary", [ascending[2], ascending[3], ascending[0], ascending[1]]) == ascending


def test_selection() -> None:
    ascending: list[dict[str, Any]] = [
        {"emails": [{"value": "z", "primary": True}, {"value": "a", "type": "home"}]},
        {"emails": [{"value": "b", "type": "home"}]},
        {"emails": [{"value": "a"}]},
    ]

    assert sort('emails[type eq "home"].value', ascending[::-1]) == ascending


def test_equal_values_keep_their_order() -> None:
    resources = [{"userName": name} for name in ("Bob", "bob", "BOB")]

    assert sort("userName", resources) == resources


@pytest.mark.parametrize(
    "name",
    [
        "unknown",
        "",
        "user name",
        "emails[",
        "name",
        "addresses",
        "meta",
        ENTERPRISE,
        CORE,
        "password",
        'userName eq "a"',
    ],
)
def test_attribute_without_an_order(name: str) -> None:
    with pytest.raises(InvalidValue):
        compile_sort(name, TYPE, LeniencyTracker())
