"""PATCH of complex and multi-valued attributes: elements, ``primary``, and limits."""

from typing import Any

import pytest

from scim.protocol.errors import InvalidPath, InvalidValue, NoTarget
from tests.endpoint import ENTERPRISE
from tests.protocol.patch.operations import (
    EXTENSION,
    HOME,
    MANAGER,
    USER,
    WORK,
    Operation,
    add,
    apply,
    catch_error,
    diff_after,
    in_enterprise,
    in_extension,
    remove,
    replace,
)


@pytest.mark.parametrize(
    ("operation", "primaries"),
    [
        (add("emails", [{"value": "c", "primary": True}]), [False, None, True]),
        (add("emails", [{"value": "c", "primary": False}]), [True, None, False]),
        (replace('emails[type eq "home"].primary', True), [False, True]),
        (replace('emails[type eq "home"]', {"primary": "True"}), [False, True]),
        (add('emails[type eq "other"]', {"primary": True}), [False, None, True]),
        (replace("emails", [{"value": "c"}, {"value": "d", "primary": True}]), [None, True]),
        (replace('emails[type eq "work"].primary', True), [True, None]),
        (replace('emails[type eq "work"].primary', False), [False, None]),
    ],
)
def test_new_primary_replaces_the_previous_one(operation: Operation, primaries: list[bool | None]) -> None:
    assert [email.get("primary") for email in apply(USER, operation)["emails"]] == primaries


@pytest.mark.parametrize(
    "operation",
    [
        add("emails", [{"value": "c", "primary": True}, {"value": "d", "primary": True}]),
        replace("emails", [{"value": "c", "primary": True}, {"value": "d", "primary": "true"}]),
        replace("phoneNumbers", [{"value": "1", "primary": True}, {"value": "2", "primary": True}]),
    ],
)
def test_several_primaries_in_one_operation(operation: Operation) -> None:
    assert isinstance(catch_error(operation), InvalidValue)


def test_primaries_in_several_operations() -> None:
    first, second = replace('emails[type eq "home"].primary', True), replace('emails[type eq "work"].primary', True)

    assert [email["primary"] for email in apply(USER, first, second)["emails"]] == [True, False]


@pytest.mark.parametrize("op", ["add", "Replace"])
@pytest.mark.parametrize(
    ("path", "value", "after"),
    [
        ('emails[type eq "other"].value', "c", {"emails": [WORK, HOME, {"type": "other", "value": "c"}]}),
        ('phoneNumbers[type eq "work"].value', "1", {"phoneNumbers": [{"type": "work", "value": "1"}]}),
        ('phoneNumbers[type eq "work"]', {"value": "1"}, {"phoneNumbers": [{"type": "work", "value": "1"}]}),
        ('addresses[type eq "work"].formatted', "18/2111", {"addresses": [{"type": "work", "formatted": "18/2111"}]}),
        ('roles[primary eq "True"].value', "a", {"roles": [{"primary": True, "value": "a"}]}),
        ("emails[type eq 'work'].value", "c", {"emails": [{**WORK, "value": "c"}, HOME]}),
        ("phoneNumbers[type eq 'work'].value", "1", {"phoneNumbers": [{"type": "work", "value": "1"}]}),
        ("phoneNumbers[type eq \u201cwork\u201d].value", "1", {"phoneNumbers": [{"type": "work", "value": "1"}]}),
        (
            'emails[type eq "other" and display eq "x"].value',
            "c",
            {"emails": [WORK, HOME, {"type": "other", "display": "x", "value": "c"}]},
        ),
    ],
)
def test_element_in_path_is_created(op: str, path: str, value: Any, after: dict[str, Any]) -> None:
    assert diff_after({"op": op, "path": path, "value": value}) == after


@pytest.mark.parametrize(
    "path",
    [
        *('ims[type ne "work"].value', 'ims[type eq "a" or type eq "b"].value', 'ims[not (type eq "a")].value'),
        *(
            "ims[type pr].value",
            'ims[type co "a"].value',
            'ims[type eq "a" and (display eq "x" or display eq "y")].value',
        ),
        *("ims.value", "phoneNumbers.type"),
    ],
)
def test_path_that_describes_no_element(path: str) -> None:
    assert isinstance(catch_error(add(path, "x")), NoTarget)


@pytest.mark.parametrize("literal", ["'work", "work'", "\u201cwork", "\u201cwork'", "%22work%22", '\\"work\\"'])
def test_unbalanced_quotes_create_no_element(literal: str) -> None:
    assert isinstance(catch_error(add(f"phoneNumbers[type eq {literal}].value", "1")), InvalidPath)


@pytest.mark.parametrize(
    "operation",
    [replace('ims[type eq "aim"].type', "xmpp"), add('ims[type eq "aim"]', {"type": "xmpp", "value": "a"})],
)
def test_value_contradicts_path(operation: Operation) -> None:
    assert isinstance(catch_error(operation), InvalidValue)


@pytest.mark.parametrize(
    ("value", "manager"),
    [
        ("2", {"value": "2", "$ref": "../Users/1"}),
        ({"value": "2"}, {"value": "2", "$ref": "../Users/1"}),
        ([{"$ref": "../Users/2", "value": "2"}], {"value": "2", "$ref": "../Users/2"}),
        (["2"], {"value": "2", "$ref": "../Users/1"}),
        ({"VALUE": "2", "$REF": "../Users/2", "displayName": "Mandy"}, {"value": "2", "$ref": "../Users/2"}),
    ],
)
@pytest.mark.parametrize("path", [MANAGER, "manager", "Manager", f"{ENTERPRISE}.manager", MANAGER.upper()])
def test_variants_of_manager(path: str, value: Any, manager: dict[str, Any]) -> None:
    assert diff_after(replace(path, value)) == in_enterprise(manager=manager)


@pytest.mark.parametrize("value", ["", None, {"value": ""}, [{"value": ""}], [""]])
def test_empty_manager(value: Any) -> None:
    assert diff_after(replace(MANAGER, value)) == {ENTERPRISE: {"department": "Tours"}}
    assert diff_after({"op": "replace", "value": {MANAGER: value}}) == {ENTERPRISE: {"department": "Tours"}}


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        (replace("title", ""), {"title": None}),
        (add("title", ""), {"title": None}),
        (add("title", None), {"title": None}),
        (replace("name", ""), {"name": None}),
        (replace("name.givenName", ""), {"name": {"familyName": "Jensen"}}),
        (replace("name", {"givenName": ""}), {"name": {"familyName": "Jensen"}}),
        (replace("name", {"value": ""}), {}),
        (replace("emails", ""), {"emails": None}),
        (replace('emails[type eq "work"].value', ""), {"emails": [{"type": "work", "primary": True}, HOME]}),
        (replace('emails[type eq "work"]', ""), {"emails": [HOME]}),
        (replace('emails[type eq "other"].value', ""), {}),
        (replace("phoneNumbers.value", ""), {}),
        (remove("title", ""), {"title": None}),
    ],
)
def test_empty_string_removes(operation: Operation, after: dict[str, Any]) -> None:
    assert diff_after(operation) == after


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        (remove("emails", [{"value": "babs@jensen.org"}]), {"emails": [WORK]}),
        (remove("emails", [{"value": "BABS@jensen.org"}]), {"emails": [WORK]}),
        (remove("emails", {"value": "babs@jensen.org", "type": "home"}), {"emails": [WORK]}),
        (remove("emails", [{"value": "babs@jensen.org", "type": "work"}]), {}),
        (remove("emails", [{"type": "home"}, {"primary": "True"}]), {"emails": None}),
        (remove("emails", [{"primary": False}]), {"emails": [WORK]}),
        (remove("emails", [{"value": "babs@jensen.org", "primary": "False"}]), {"emails": [WORK]}),
        (remove("emails", [{"value": "babs@jensen.org", "primary": True}]), {}),
        (remove("emails", [{"value": "x"}, None, {}]), {}),
        (remove(f"{EXTENSION}:Tags", ["A", "x"]), in_extension({"Tags": ["b"]})),
        (remove(f"{EXTENSION}:Tags", "A"), in_extension({"Tags": ["b"]})),
        (remove(f"{EXTENSION}:Tags", ["a", "b"]), {EXTENSION: {"Business Unit": "Sales", "Badge": "7"}}),
        (remove("title", "x"), {"title": None}),
        (remove('emails[type eq "home"]', [{"type": "work"}]), {"emails": [WORK]}),
    ],
)
def test_remove_with_value(operation: Operation, after: dict[str, Any]) -> None:
    assert diff_after(operation) == after


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        (add(f"{EXTENSION}:Tags", "c"), in_extension({"Tags": ["a", "b", "c"]})),
        (add(f"{EXTENSION}:Tags", "A"), {}),
        (replace(f"{EXTENSION}:Tags", "c"), in_extension({"Tags": ["c"]})),
        (add("emails", {"value": "c"}), {"emails": [WORK, HOME, {"value": "c"}]}),
        (replace("emails", {"value": "c"}), {"emails": [{"value": "c"}]}),
    ],
)
def test_one_element_without_a_list(operation: Operation, after: dict[str, Any]) -> None:
    """RFC 7644 section 3.5.2.1: *a new value* is added. This is no leniency."""
    assert diff_after(operation, strict=True) == after


@pytest.mark.parametrize(
    "operation", [add("emails", "c"), add(f"{EXTENSION}:Tags", {"value": "c"}), add(f"{EXTENSION}:Tags", 7)]
)
def test_element_of_another_type(operation: Operation) -> None:
    assert isinstance(catch_error(operation), InvalidValue)


MANY = [{"value": str(number)} for number in range(500)]


def test_number_of_elements_is_limited() -> None:
    full = apply({**USER, "phoneNumbers": MANY}, add("phoneNumbers", MANY))
    assert full["phoneNumbers"] == MANY
    for operation in (add("phoneNumbers", [{"value": "one more"}]), replace("emails", [*MANY, {"value": "one more"}])):
        with pytest.raises(InvalidValue, match="at most 500 values"):
            apply(full, operation)
