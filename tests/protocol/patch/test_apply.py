"""PATCH operations (RFC 7644, section 3.5.2), and the variants that identity providers send."""

import copy
from typing import Any

import pytest

from scim.protocol.errors import (
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    MutabilityError,
    NoTarget,
    ScimError,
)
from tests.cpu_time import check_cpu_units
from tests.endpoint import CORE, ENTERPRISE
from tests.protocol.patch.operations import (
    EXTENSION,
    HOME,
    MANAGER,
    NAME,
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
    ("operation", "after"),
    [
        (add("nickName", "Babs"), {"nickName": "Babs"}),
        (add("title", "Tour Guide"), {"title": "Tour Guide"}),
        (add("title", "Guide"), {}),
        (add("name", {"middleName": "J"}), {"name": {**NAME, "middleName": "J"}}),
        (add("name.middleName", "J"), {"name": {**NAME, "middleName": "J"}}),
        (add("emails", [{"value": "b@x.org"}]), {"emails": [WORK, HOME, {"value": "b@x.org"}]}),
        (add("emails", {"value": "b@x.org"}), {"emails": [WORK, HOME, {"value": "b@x.org"}]}),
        (add("emails", [HOME]), {}),
        (add("emails", [{"value": "BABS@Jensen.org", "type": "Home"}]), {}),
        (add("emails", [{"value": "babs@jensen.org"}]), {"emails": [WORK, HOME, {"value": "babs@jensen.org"}]}),
        (add("emails", []), {}),
        (add("emails.display", "x"), {"emails": [{**WORK, "display": "x"}, {**HOME, "display": "x"}]}),
        (add('emails[type eq "home"].display', "x"), {"emails": [WORK, {**HOME, "display": "x"}]}),
        (add('emails[type eq "home"]', {"display": "x"}), {"emails": [WORK, {**HOME, "display": "x"}]}),
        (add("phoneNumbers", [{"value": "1"}]), {"phoneNumbers": [{"value": "1"}]}),
        (add(f"{ENTERPRISE}:division", "Theme Park"), in_enterprise(division="Theme Park")),
        (add(ENTERPRISE, {"division": "Theme Park"}), in_enterprise(division="Theme Park")),
        (add(f"{EXTENSION}:Level", 3), in_extension({"Level": 3})),
        (add(f"{EXTENSION}:Tags", ["b", "c", "A"]), in_extension({"Tags": ["a", "b", "c"]})),
        (add(f"{EXTENSION}:Seat", {"room": "101"}), in_extension({"Seat": {"room": "101"}})),
    ],
)
def test_add(operation: Operation, after: dict[str, Any]) -> None:
    assert diff_after(operation, strict=True) == after


def test_add_without_path() -> None:
    value = {"emails": [{"value": "b@x.org"}], "nickName": "Babs", ENTERPRISE: {"division": "Theme Park"}}

    assert diff_after({"op": "add", "value": value}) == {
        "emails": [WORK, HOME, {"value": "b@x.org"}],
        "nickName": "Babs",
        **in_enterprise(division="Theme Park"),
    }


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        (remove("title"), {"title": None}),
        (remove("nickName"), {}),
        (remove("name"), {"name": None}),
        (remove("name.givenName"), {"name": {"familyName": "Jensen"}}),
        (remove("name.middleName"), {}),
        (remove("emails"), {"emails": None}),
        (remove("emails.type"), {"emails": [{"value": WORK["value"], "primary": True}, {"value": HOME["value"]}]}),
        (remove('emails[type eq "work"]'), {"emails": [HOME]}),
        (remove("emails[type pr]"), {"emails": None}),
        (remove('emails[type eq "work" and value ew "example.com"]'), {"emails": [HOME]}),
        (remove('emails[type eq "work"].primary'), {"emails": [{"value": WORK["value"], "type": "work"}, HOME]}),
        (remove('emails[type eq "other"]'), {}),
        (remove('emails[type eq "other"].value'), {}),
        (remove("phoneNumbers.value"), {}),
        (remove(f"{ENTERPRISE}:department"), {ENTERPRISE: {"manager": USER[ENTERPRISE]["manager"]}}),
        (remove(f"{MANAGER}.$ref"), in_enterprise(manager={"value": "1"})),
        (remove(ENTERPRISE), {ENTERPRISE: None, "schemas": [CORE, EXTENSION]}),
        (remove(f"{EXTENSION}:Tags"), {EXTENSION: {"Business Unit": "Sales", "Badge": "7"}}),
        (remove("title", None), {"title": None}),
        (remove("emails", []), {"emails": None}),
    ],
)
def test_remove(operation: Operation, after: dict[str, Any]) -> None:
    assert diff_after(operation, strict=True) == after


def test_remove_last_attribute_of_extension() -> None:
    assert diff_after(remove(f"{ENTERPRISE}:department"), remove(MANAGER)) == {
        ENTERPRISE: None,
        "schemas": [CORE, EXTENSION],
    }


def test_remove_last_sub_attribute() -> None:
    assert diff_after(remove("name.givenName"), remove("name.familyName")) == {"name": None}
    assert diff_after(remove("emails.value"), remove("emails.type")) == {"emails": [{"primary": True}]}


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        (replace("title", "Tour Guide"), {"title": "Tour Guide"}),
        (replace("nickName", "Babs"), {"nickName": "Babs"}),
        (replace("active", False), {"active": False}),
        (replace("name", {"givenName": "B"}), {"name": {"familyName": "Jensen", "givenName": "B"}}),
        (replace("name", {"givenName": None}), {"name": {"familyName": "Jensen"}}),
        (replace("name.givenName", "B"), {"name": {**NAME, "givenName": "B"}}),
        (replace("emails", [HOME]), {"emails": [HOME]}),
        (replace("emails", []), {"emails": None}),
        (replace("emails", None), {"emails": None}),
        (replace("emails.type", "other"), {"emails": [{**WORK, "type": "other"}, {**HOME, "type": "other"}]}),
        (replace('emails[type eq "home"]', {"value": "b@x.org"}), {"emails": [WORK, {**HOME, "value": "b@x.org"}]}),
        (replace('emails[type eq "home"].value', "b@x.org"), {"emails": [WORK, {**HOME, "value": "b@x.org"}]}),
        (replace('emails[type eq "home"]', None), {"emails": [WORK]}),
        (replace('emails[type eq "home"].type', "other"), {"emails": [WORK, {**HOME, "type": "other"}]}),
        (replace(f"{ENTERPRISE}:department", None), {ENTERPRISE: {"manager": USER[ENTERPRISE]["manager"]}}),
        (replace(MANAGER, {"value": "2"}), in_enterprise(manager={"value": "2", "$ref": "../Users/1"})),
        (
            replace(ENTERPRISE, {"division": "Theme Park", "department": None}),
            {ENTERPRISE: {"manager": USER[ENTERPRISE]["manager"], "division": "Theme Park"}},
        ),
        (replace(ENTERPRISE, None), {ENTERPRISE: None, "schemas": [CORE, EXTENSION]}),
        (replace(CORE, {"title": "Tour Guide"}), {"title": "Tour Guide"}),
        (replace("userName", "BJensen"), {"userName": "BJensen"}),
        (replace("title", "Guide"), {}),
    ],
)
def test_replace(operation: Operation, after: dict[str, Any]) -> None:
    assert diff_after(operation, strict=True) == after


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        ({"op": "Replace", "path": "DISPLAYNAME", "value": "B"}, {"displayName": "B"}),
        ({"OP": "ADD", "PATH": f"{ENTERPRISE}:Department", "Value": "Retail"}, in_enterprise(department="Retail")),
        *[(replace("active", word), {"active": False}) for word in ("False", "false", "FALSE")],
        (replace("active", "True"), {}),
        (replace('emails[primary eq "True"].value', "b@x.org"), {"emails": [{**WORK, "value": "b@x.org"}, HOME]}),
        (replace("emails", [{"value": "c", "primary": "True"}]), {"emails": [{"value": "c", "primary": True}]}),
        (replace("emails", {"value": "c"}), {"emails": [{"value": "c"}]}),
    ],
)
def test_tolerated_spellings(operation: Operation, after: dict[str, Any]) -> None:
    assert diff_after(operation) == after


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ({"displayName": "B", "name.givenName": "K"}, {"displayName": "B", "name": {**NAME, "givenName": "K"}}),
        (
            {"name": {"givenName": "K"}, "name.middleName": "J"},
            {"name": {"familyName": "Jensen", "givenName": "K", "middleName": "J"}},
        ),
        ({f"{ENTERPRISE}:employeeNumber": "A"}, in_enterprise(employeeNumber="A")),
        ({f"{ENTERPRISE}:manager.value": "2"}, in_enterprise(manager={"value": "2", "$ref": "../Users/1"})),
        ({f"{ENTERPRISE}.manager": "2"}, in_enterprise(manager={"value": "2", "$ref": "../Users/1"})),
        (
            {ENTERPRISE: {"division": "D", "manager": {"value": "2"}}},
            in_enterprise(division="D", manager={"value": "2", "$ref": "../Users/1"}),
        ),
        ({ENTERPRISE: {"division": "D"}, f"{ENTERPRISE}:costCenter": "C"}, in_enterprise(division="D", costCenter="C")),
        (
            {f"{EXTENSION}:Business Unit": "HR", EXTENSION.lower(): {"business unit": "IT"}},
            in_extension({"Business Unit": "IT"}),
        ),
        ({CORE: {"title": "T"}, f"{CORE}:nickName": "N"}, {"title": "T", "nickName": "N"}),
        ({'emails[type eq "home"].value': "c"}, {"emails": [WORK, {**HOME, "value": "c"}]}),
        ({"active": "False"}, {"active": False}),
        ({"title": None, "nickName": ""}, {"title": None}),
        ({"id": "2", "meta": {"version": "2"}, "groups": [], "schemas": []}, {}),
        ({"unknown": 1, "name.unknown": 1, "urn:example:1.0:User:a": 1}, {}),
        ({"password": "t1meMa$heen"}, {}),
        ({}, {}),
    ],
)
def test_names_in_value_without_path(value: dict[str, Any], after: dict[str, Any]) -> None:
    assert diff_after({"op": "replace", "value": value}) == after


@pytest.mark.parametrize(
    "path",
    [
        "unknown",
        "name.unknown",
        'unknown[type eq "a"].value',
        'emails[unknown eq "a"]',
        f"{ENTERPRISE}:unknown",
        "$ref",
    ],
)
@pytest.mark.parametrize("op", ["add", "replace", "remove"])
def test_unknown_attribute_is_ignored(op: str, path: str) -> None:
    assert diff_after({"op": op, "path": path, "value": "x"}, replace("title", "T")) == {"title": "T"}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ('emails[unknown eq "a"]', "emails.unknown"),
        ('emails[emails.type eq "work"]', "emails.emails.type"),
        (f'emails[type eq "work" and {CORE}:emails.type pr].value', f"emails.{CORE}:emails.type"),
    ],
)
def test_unknown_name_in_a_value_filter_is_in_the_error(path: str, name: str) -> None:
    with pytest.raises(InvalidPath) as raised:
        apply(USER, replace(path, "x"), strict=True)
    assert raised.value.detail == f"No schema has the attribute {name}. Remove its mapping."


@pytest.mark.parametrize("op", ["add", "replace"])
def test_password_is_discarded(op: str) -> None:
    assert diff_after({"op": op, "path": "password", "value": "t1meMa$heen"}) == {}
    assert isinstance(catch_error({"op": op, "path": "password", "value": 7}), InvalidValue)


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (replace("id", "2"), MutabilityError),
        (remove("meta"), MutabilityError),
        (replace("meta.created", "2026-01-01T00:00:00Z"), MutabilityError),
        (add("groups", [{"value": "1"}]), MutabilityError),
        (replace(f"{CORE}:schemas", []), MutabilityError),
        (replace(f"{MANAGER}.displayName", "Mandy"), MutabilityError),
        (replace(f"{EXTENSION}:Seat.house", "A"), MutabilityError),
        (remove("userName"), MutabilityError),
        (replace("userName", None), MutabilityError),
        (replace("userName", ""), MutabilityError),
        ({"op": "replace", "value": {"userName": None}}, MutabilityError),
        (replace(f"{EXTENSION}:Badge", "8"), MutabilityError),
        (remove(f"{EXTENSION}:Badge"), MutabilityError),
        (remove(EXTENSION), MutabilityError),
        (replace("active", "maybe"), InvalidValue),
        (replace("active", 0), InvalidValue),
        (replace("title", ["a"]), InvalidValue),
        (replace("name", "Barbara Jensen"), InvalidValue),
        (replace("emails", "c"), InvalidValue),
        (replace("emails", ["c"]), InvalidValue),
        (replace('emails[type eq "work"]', "c"), InvalidValue),
        (replace('emails[type eq "work"].value', {"value": "c"}), InvalidValue),
        (replace(f"{EXTENSION}:Level", "3"), InvalidValue),
        (replace(f"{EXTENSION}:Seat", {"floor": 1}), InvalidValue),
        (add(f"{EXTENSION}:Seat.floor", 1), InvalidValue),
        (replace("userName", "b\u200bjensen"), InvalidValue),
        (replace(ENTERPRISE, "Tours"), InvalidValue),
        (replace(CORE, None), InvalidValue),
        ({"op": "replace", "path": "title"}, InvalidValue),
        ({"op": "add", "path": "emails"}, InvalidValue),
        ({"op": "replace", "value": "x"}, InvalidValue),
        ({"op": "add"}, InvalidValue),
        ({"op": "remove"}, NoTarget),
        ({"op": "remove", "value": {"title": None}}, NoTarget),
        (replace("name", {"givenName": "a", "GIVENNAME": "b"}), InvalidSyntax),
        *[(replace(path, "x"), InvalidPath) for path in ("", "emails[", "a..b", "emails[type pr", "title pr")],
        (remove("name[familyName pr]"), InvalidPath),
        ({"op": "replace", "value": {"emails[": "x"}}, InvalidPath),
        (remove('emails[primary eq "yes"]'), InvalidFilter),
        (remove("emails[primary gt true]"), InvalidFilter),
    ],
)
def test_invalid_operation(operation: Operation, error: type[ScimError]) -> None:
    user = copy.deepcopy(USER)
    with pytest.raises(error):
        apply(user, replace("title", "T"), add("emails", [{"value": "c"}]), operation)

    assert user == USER


@pytest.mark.parametrize("operation", [replace("userName", ""), {"op": "replace", "path": "userName", "value": None}])
def test_user_name_is_required_in_strict_mode(operation: Operation) -> None:
    assert isinstance(catch_error(operation, strict=True), MutabilityError)


def test_immutable_attribute_with_the_same_value() -> None:
    assert diff_after(replace(f"{EXTENSION}:Badge", "7")) == {}


def test_operations_are_applied_in_order() -> None:
    assert diff_after(
        add("nickName", "a"),
        replace("nickName", "b"),
        remove('emails[type eq "work"]'),
        add('emails[type eq "work"].value', "c"),
        replace('emails[type eq "work"].display', "d"),
    ) == {"nickName": "b", "emails": [HOME, {"type": "work", "value": "c", "display": "d"}]}


def test_required_attributes_are_checked_at_the_end() -> None:
    assert diff_after(remove("userName"), add("userName", "babs")) == {"userName": "babs"}


def test_number_of_writes_is_limited() -> None:
    keys = {f'phoneNumbers[value eq "{number % 400}"].type': "w" for number in range(1_001)}
    keys |= {f'emails[value eq "{number}"].type': "w" for number in range(400)}
    keys |= {f'ims[value eq "{number}"].type': "w" for number in range(400)}
    with pytest.raises(InvalidValue, match="at most 1,000 attributes"):
        apply(USER, {"op": "add", "value": keys})


@pytest.mark.slow
def test_largest_patch_is_fast() -> None:
    selection = " or ".join(f'display eq "{number}"' for number in range(10))
    operation = replace(f'phoneNumbers[{selection} or value eq "0"].type', "w")
    with pytest.raises(InvalidPath, match="More than 10 comparisons"):
        apply(USER, operation)
    operation = remove(f"phoneNumbers[{selection}]")

    user = {**USER, "phoneNumbers": [{"value": "1", "display": "x"}] * 500}
    check_cpu_units(lambda: apply(user, *[operation] * 1_000), 2_000)
