"""The constraints of custom attributes, ``maxLength``, ``format`` and ``required``, hold for values that change."""

from typing import Any

import pytest

from scim.protocol.errors import InvalidValue
from scim.protocol.schema import load_user_type
from scim.protocol.stored_values.constraints import check_constraints

URN = "urn:example:params:User"
SUB_ATTRIBUTES = [
    {"name": "value", "type": "string", "maxLength": 3},
    {"name": "type", "type": "string", "required": True},
    {"name": "since", "type": "string", "format": "date"},
    {"name": "primary", "type": "boolean"},
]
TYPE = load_user_type().with_extensions(
    [
        {
            "id": URN,
            "attributes": [
                {"name": "badge", "type": "string", "required": True},
                {"name": "unit", "type": "string", "maxLength": 3},
                {"name": "joined", "type": "string", "format": "date"},
                {"name": "level", "type": "integer"},
                {"name": "tags", "type": "string", "multiValued": True, "maxLength": 3},
                {"name": "seat", "type": "complex", "subAttributes": SUB_ATTRIBUTES},
                {"name": "seats", "type": "complex", "multiValued": True, "subAttributes": SUB_ATTRIBUTES},
            ],
        }
    ]
)


def check(before: dict[str, Any] | None, after: dict[str, Any]) -> None:
    check_constraints({} if before is None else {URN: before}, {URN: {"badge": "7"} | after}, TYPE)


INVALID = [
    ({"unit": "long"}, "unit can have at most 3 characters"),
    ({"joined": "31.01.2026"}, "joined is a date"),
    ({"joined": "2026-02-29"}, "joined is a date"),
    ({"joined": "2026-02-29T00:00:00Z"}, "joined is a date"),
    ({"tags": ["abc", "long"]}, "tags can have at most 3 characters"),
    ({"seat": {"type": "desk", "value": "long"}}, "value can have at most 3 characters"),
    ({"seat": {"value": "abc"}}, r"seat\.type is required"),
    ({"seats": [{"type": "desk"}, {"type": "desk", "since": "today"}]}, "since is a date"),
    ({"seats": [{"type": "desk"}, {"value": "abc", "primary": True}]}, r"seats\.type is required"),
]


@pytest.mark.parametrize(("members", "message"), INVALID)
@pytest.mark.parametrize("before", [None, {}, {"unit": "abc", "seats": [{"type": "other"}]}])
def test_new_value_that_violates_a_constraint_is_rejected(
    before: dict[str, Any] | None, members: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidValue, match=message):
        check(before, members)


@pytest.mark.parametrize(("members", "message"), INVALID)
def test_stored_value_that_violates_a_constraint_is_accepted(members: dict[str, Any], message: str) -> None:
    check(members, members)
    check(members, members | {"level": 3})
    with pytest.raises(InvalidValue, match=message):
        check({}, members)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"tags": ["long"]}, {"tags": ["abc", "long"]}),
        ({"seat": {"type": "desk", "value": "long"}}, {"seat": {"type": "sofa", "value": "long"}}),
        ({"seats": [{"type": "desk", "value": "long"}]}, {"seats": [{"type": "sofa", "value": "long"}]}),
        ({"seats": [{"value": "abc"}]}, {"seats": [{"type": "desk"}, {"value": "abc"}]}),
        (None, {"unit": "abc", "joined": "2026-01-31", "tags": ["a"], "seats": [{"type": "desk", "value": "abc"}]}),
        (None, {"joined": "2026-01-31T09:30:00Z", "level": 1_000}),
    ],
)
def test_other_values_may_change(before: dict[str, Any] | None, after: dict[str, Any]) -> None:
    check(before, after)


def test_required_attribute() -> None:
    """A user that lacks it may stay without it: the attribute can have become required after the last write."""
    for before in ({}, {URN: {"badge": "7"}}):
        with pytest.raises(InvalidValue, match=r"badge is required\."):
            check_constraints(before, {URN: {"level": 1}}, TYPE)
    check_constraints({URN: {"level": 1}}, {URN: {"level": 2}}, TYPE)
    check_constraints({URN: {"badge": "7"}}, {}, TYPE)
