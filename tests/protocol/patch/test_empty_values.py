"""PATCH operations that remove ``active`` and required sub-attributes, or write an empty value to them."""

import pytest

from scim.protocol.errors import InvalidValue, MutabilityError
from scim.protocol.leniency import LeniencyTracker
from tests.endpoint import ENTERPRISE
from tests.protocol.patch.operations import (
    EXTENSION,
    USER,
    Operation,
    add,
    apply,
    catch_error,
    diff_after,
    remove,
    replace,
)


def test_required_sub_attribute_cannot_be_removed() -> None:
    user = {**USER, EXTENSION: {**USER[EXTENSION], "Seat": {"room": "101", "floor": 1}}}
    path = f"{EXTENSION}:Seat"
    operations: list[Operation] = [
        remove(f"{path}.room"),
        replace(f"{path}.room", None),
        replace(f"{path}.room", ""),
        replace(path, {"room": ""}),
        {"op": "add", "value": {f"{path}.room": ""}},
    ]
    for operation in operations:
        with pytest.raises(MutabilityError, match=r"Seat\.room is required and cannot be removed"):
            apply(user, operation)

    assert "Seat" not in apply(user, remove(path))[EXTENSION]
    assert "Seat" not in apply(user, replace(path, {"room": "", "floor": None}))[EXTENSION]


@pytest.mark.parametrize(
    "operation",
    [
        remove(ENTERPRISE),
        replace(ENTERPRISE, None),
        replace(ENTERPRISE, ""),
        {"op": "replace", "value": {ENTERPRISE: ""}},
        {"op": "add", "value": {ENTERPRISE: None}},
    ],
)
def test_empty_value_removes_an_extension(operation: Operation) -> None:
    patched = apply(USER, operation)
    assert ENTERPRISE in USER
    assert ENTERPRISE not in patched
    assert ENTERPRISE not in patched["schemas"]


def test_empty_string_for_an_extension_in_strict_mode() -> None:
    with pytest.raises(InvalidValue, match="needs an object with attributes"):
        apply(USER, replace(ENTERPRISE, ""), strict=True)


class TestActive:
    @pytest.mark.parametrize("active", [True, False, None])
    @pytest.mark.parametrize(
        "operation",
        [
            replace("active", ""),
            add("active", ""),
            replace("active", None),
            {"op": "replace", "value": {"active": ""}},
            {"op": "add", "value": {"Active": None}},
            replace("urn:ietf:params:scim:schemas:core:2.0:User:active", ""),
            replace("urn:ietf:params:scim:schemas:core:2.0:User.active", ""),
            replace("urn:ietf:params:scim:schemas:core:2.0:User", {"active": ""}),
        ],
        ids=str,
    )
    def test_empty_value_changes_nothing(self, active: bool | None, operation: Operation) -> None:
        """This holds within one PATCH and in a second one, whatever the user was before."""
        user = {name: value for name, value in USER.items() if name != "active"}
        first = remove("active") if active is None else replace("active", active)
        for before in (True, False):
            together = apply({**user, "active": before}, first, operation)
            one_by_one = apply(apply({**user, "active": before}, first), operation)

            assert (together.get("active"), one_by_one.get("active")) == (active, active)

    @pytest.mark.parametrize(
        "operation",
        [
            remove("active"),
            remove("active", ""),
            remove("active", True),
            remove("ACTIVE"),
            remove("urn:ietf:params:scim:schemas:core:2.0:User:active"),
            remove("urn:ietf:params:scim:schemas:core:2.0:User.active"),
        ],
        ids=str,
    )
    def test_remove_removes(self, operation: Operation) -> None:
        assert diff_after(operation) == {"active": None}

    def test_ignored_value_is_recorded(self) -> None:
        leniencies = LeniencyTracker()
        apply(USER, replace("active", ""), leniencies=leniencies)

        assert (leniencies.ignored, leniencies.used) == (["active"], ["empty-string"])

    def test_empty_string_in_strict_mode(self) -> None:
        assert isinstance(catch_error(replace("active", ""), strict=True), InvalidValue)
        assert diff_after(replace("active", None), strict=True) == {}
