"""Immutable attributes and sub-attributes: PUT and PATCH cannot change them."""

from typing import Any

import pytest

from scim.protocol.errors import MutabilityError
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.messages import PatchOperation
from scim.protocol.patch.apply import apply_patch
from scim.protocol.schema import load_user_type
from scim.protocol.stored_values.immutability import check_attribute_unchanged, check_immutable
from tests.cpu_time import check_cpu_units
from tests.endpoint import CORE

URN = "urn:example:User"
SUBS = [
    {"name": "value", "type": "string"},
    {"name": "code", "type": "string", "mutability": "immutable"},
]
KEYS = [{"name": "value", "type": "string", "mutability": "immutable"}, {"name": "type", "type": "string"}]
TYPE = load_user_type().with_extensions(
    [
        {
            "id": URN,
            "attributes": [
                {"name": "desk", "type": "complex", "subAttributes": SUBS},
                {"name": "badges", "type": "complex", "multiValued": True, "subAttributes": SUBS},
                {"name": "keys", "type": "complex", "multiValued": True, "subAttributes": KEYS},
            ],
        }
    ]
)
BEFORE = {
    "desk": {"value": "x", "code": "1"},
    "badges": [{"value": "a", "code": "1"}, {"value": "b"}],
    "keys": [{"value": "k1", "type": "w"}, {"value": "k2"}],
}


def build_resource(members: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [CORE, URN], "userName": "alice", URN: members}


def put(**members: Any) -> None:
    check_immutable(build_resource(BEFORE), build_resource(BEFORE | members), TYPE)


def patch(op: str, path: str, value: Any = None) -> Any:
    members = {"op": op, "path": f"{URN}:{path}"} | ({} if op == "remove" else {"value": value})
    operation = PatchOperation.from_members(members)
    before = build_resource(BEFORE)
    patched = apply_patch(before, [operation], TYPE, LeniencyTracker())
    check_immutable(before, patched, TYPE)
    return patched[URN]


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"desk": {"value": "x", "code": "2"}}, "desk.code"),
        ({"desk": {"value": "x"}}, "desk.code"),
        ({"desk": None}, "desk.code"),
        ({"badges": [{"value": "a", "code": "2"}]}, "badges.code"),
        ({"badges": [{"value": "a"}]}, "badges.code"),
    ],
)
def test_put_cannot_change_sub_attribute(members: dict[str, Any], name: str) -> None:
    with pytest.raises(MutabilityError, match=f"^{name} is immutable"):
        put(**members)


@pytest.mark.parametrize(
    "members",
    [
        {"desk": {"value": "y", "code": "1"}},
        {"badges": [{"value": "a", "code": "1"}, {"value": "b", "code": "2"}, {"value": "c", "code": "3"}]},
        {"badges": []},
        {"badges": None},
        {"keys": [{"value": "k1"}, {"value": "k3", "type": "w"}]},
    ],
)
def test_put_can_assign_and_remove_elements(members: dict[str, Any]) -> None:
    put(**members)


@pytest.mark.parametrize(
    ("op", "path", "value"),
    [
        ("replace", "desk.code", "2"),
        ("add", "desk", {"code": "2"}),
        ("remove", "desk.code", None),
        ("remove", "desk", None),
        ("replace", 'badges[value eq "a"].code', "2"),
        ("replace", 'badges[value eq "a"]', {"code": "2"}),
        ("remove", 'badges[value eq "a"].code', None),
        ("replace", "badges", [{"value": "a", "code": "2"}]),
        ("replace", "badges.code", "2"),
        ("replace", 'keys[value eq "k1"].value', "k3"),
        ("add", 'keys[type eq "w"]', {"value": "k3"}),
        ("remove", "keys.value", None),
    ],
)
def test_patch_cannot_change_sub_attribute(op: str, path: str, value: Any) -> None:
    with pytest.raises(MutabilityError, match="is immutable"):
        patch(op, path, value)


@pytest.mark.parametrize(
    ("op", "path", "value"),
    [
        ("replace", "desk.value", "y"),
        ("replace", "desk.code", "1"),
        ("add", 'badges[value eq "b"].code', "2"),
        ("remove", 'badges[value eq "a"]', None),
        ("remove", "badges", None),
        ("add", "badges", [{"value": "c", "code": "3"}]),
        ("replace", 'keys[value eq "k1"].type', "h"),
        ("remove", 'keys[value eq "k1"]', None),
        ("add", "keys", [{"value": "k3"}]),
    ],
)
def test_patch_can_assign_and_remove_elements(op: str, path: str, value: Any) -> None:
    assert patch(op, path, value) is not None


@pytest.mark.parametrize("values", ["a", "different"])
def test_large_lists_are_fast(values: str) -> None:
    """Each write compares the elements of all attributes, and equal values are common."""
    stored = [{"value": values if values == "a" else str(n), "code": str(n)} for n in range(500)]
    attribute = TYPE.extensions_by_id[URN].attributes["badges"]

    def work() -> None:
        for _ in range(20):
            check_attribute_unchanged(attribute, stored, [dict(element) for element in reversed(stored)])

    check_cpu_units(work, 100)
    with pytest.raises(MutabilityError):
        check_attribute_unchanged(attribute, stored, [*stored[1:], stored[0] | {"code": "other"}])


def test_put_ignores_read_only_attribute() -> None:
    """The body never has values for it. Otherwise no PUT could replace the user."""
    desk = {"name": "desk", "type": "complex", "mutability": "readOnly", "subAttributes": SUBS}
    resource_type = load_user_type().with_extensions([{"id": URN, "attributes": [desk]}])
    check_immutable(build_resource({"desk": BEFORE["desk"]}), build_resource({}), resource_type)


@pytest.mark.parametrize("multi_valued", [False, True])
def test_put_ignores_read_only_sub_attributes(multi_valued: bool) -> None:
    """A client can send the values that it has read. The readOnly ones are ignored."""
    members = [{"name": "seal", "type": "string", "mutability": "readOnly"}, {"name": "code", "type": "string"}]
    desk = {"name": "desk", "type": "complex", "mutability": "immutable", "multiValued": multi_valued}
    resource_type = load_user_type().with_extensions([{"id": URN, "attributes": [desk | {"subAttributes": members}]}])

    def check(before: dict[str, Any], after: dict[str, Any]) -> None:
        old, new = ([before], [after]) if multi_valued else (before, after)
        check_immutable(build_resource({"desk": old}), build_resource({"desk": new} if after else {}), resource_type)

    check({"seal": "s", "code": "1"}, {"code": "1"})
    check({"seal": "s"}, {})
    check({"seal": "s"}, {"code": "1"})
    with pytest.raises(MutabilityError):
        check({"seal": "s", "code": "1"}, {"code": "2"})
