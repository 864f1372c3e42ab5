"""PATCH: what the operations of RFC 7644 section 3.5.2 make of a user, and the dialects of it."""

import copy
from contextlib import suppress
from time import process_time
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scim.protocol.errors import (
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    MutabilityError,
    NoTarget,
    ScimError,
)
from scim.protocol.leniency import Dialect
from scim.protocol.messages import PatchRequest, parse_message
from scim.protocol.patch.apply import apply_patch
from scim.protocol.resource import parse_resource
from scim.protocol.schema import ResourceType, load_user_type
from tests.differential.generator import Generator

seeded = settings(derandomize=True, deadline=None, max_examples=200)

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
MANAGER = f"{ENTERPRISE}:manager"
SPACED = "urn:example:2.0:User"
TYPE = load_user_type().with_extensions(
    [
        {
            "id": SPACED,
            "name": "Example",
            "attributes": [
                {"name": "Business Unit", "type": "string"},
                {"name": "Level", "type": "integer"},
                {"name": "Tags", "type": "string", "multiValued": True},
                {"name": "Badge", "type": "string", "mutability": "immutable"},
                {
                    "name": "Seat",
                    "type": "complex",
                    "subAttributes": [
                        {"name": "room", "type": "string", "required": True},
                        {"name": "floor", "type": "integer"},
                        {"name": "house", "type": "string", "mutability": "readOnly"},
                    ],
                },
            ],
        }
    ]
)

WORK = {"value": "bjensen@example.com", "type": "work", "primary": True}
HOME = {"value": "babs@jensen.org", "type": "home"}
NAME = {"familyName": "Jensen", "givenName": "Barbara"}
USER: dict[str, Any] = {
    "schemas": [CORE, ENTERPRISE, SPACED],
    "userName": "bjensen",
    "title": "Guide",
    "active": True,
    "name": NAME,
    "emails": [WORK, HOME],
    ENTERPRISE: {"department": "Tours", "manager": {"value": "1", "$ref": "../Users/1"}},
    SPACED: {"Business Unit": "Sales", "Tags": ["a", "b"], "Badge": "7"},
}

Operation = dict[str, Any]


def apply(
    user: dict[str, Any], *operations: Operation, type_: ResourceType = TYPE, strict: bool = False
) -> dict[str, Any]:
    dialect = Dialect(strict)
    request = parse_message(PatchRequest, {"schemas": [PatchRequest.urn], "Operations": list(operations)}, dialect)
    return apply_patch(user, request.operations, type_, dialect)


def changed(*operations: Operation, user: dict[str, Any] = USER, strict: bool = False) -> dict[str, Any]:
    """The members that differ after the operations, ``None`` for those that are gone."""
    after = apply(user, *operations, strict=strict)
    return {name: after.get(name) for name in {**user, **after} if after.get(name) != user.get(name)}


def refusal(*operations: Operation, strict: bool = False) -> ScimError:
    with pytest.raises(ScimError) as refused:
        apply(USER, *operations, strict=strict)
    return refused.value


def add(path: str, value: Any) -> Operation:
    return {"op": "add", "path": path, "value": value}


def replace(path: str, value: Any) -> Operation:
    return {"op": "replace", "path": path, "value": value}


def remove(path: str, value: Any = ...) -> Operation:
    return {"op": "remove", "path": path} | ({} if value is ... else {"value": value})


def in_enterprise(**members: Any) -> dict[str, Any]:
    return {ENTERPRISE: {**USER[ENTERPRISE], **members}}


def in_spaced(members: dict[str, Any]) -> dict[str, Any]:
    return {SPACED: {**USER[SPACED], **members}}


# Section 3.5.2.1: add


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
        (add(f"{SPACED}:Level", 3), in_spaced({"Level": 3})),
        (add(f"{SPACED}:Tags", ["b", "c", "A"]), in_spaced({"Tags": ["a", "b", "c"]})),
        (add(f"{SPACED}:Seat", {"room": "101"}), in_spaced({"Seat": {"room": "101"}})),
    ],
)
def test_add_adds_what_is_not_there(operation: Operation, after: dict[str, Any]) -> None:
    assert changed(operation, strict=True) == after


def test_add_without_a_path_adds_to_the_user() -> None:
    value = {"emails": [{"value": "b@x.org"}], "nickName": "Babs", ENTERPRISE: {"division": "Theme Park"}}

    assert changed({"op": "add", "value": value}) == {
        "emails": [WORK, HOME, {"value": "b@x.org"}],
        "nickName": "Babs",
        **in_enterprise(division="Theme Park"),
    }


# Section 3.5.2.2: remove


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
        (remove(ENTERPRISE), {ENTERPRISE: None, "schemas": [CORE, SPACED]}),
        (remove(f"{SPACED}:Tags"), {SPACED: {"Business Unit": "Sales", "Badge": "7"}}),
        (remove("title", None), {"title": None}),
        (remove("emails", []), {"emails": None}),
    ],
)
def test_remove_removes_what_is_there(operation: Operation, after: dict[str, Any]) -> None:
    assert changed(operation, strict=True) == after


def test_removing_the_last_attribute_of_an_extension_removes_the_extension_and_its_urn() -> None:
    assert changed(remove(f"{ENTERPRISE}:department"), remove(MANAGER)) == {ENTERPRISE: None, "schemas": [CORE, SPACED]}


def test_removing_the_last_sub_attribute_removes_the_value() -> None:
    assert changed(remove("name.givenName"), remove("name.familyName")) == {"name": None}
    assert changed(remove("emails.value"), remove("emails.type")) == {"emails": [{"primary": True}]}


# Section 3.5.2.3: replace


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
        (replace(ENTERPRISE, None), {ENTERPRISE: None, "schemas": [CORE, SPACED]}),
        (replace(CORE, {"title": "Tour Guide"}), {"title": "Tour Guide"}),
        (replace("userName", "BJensen"), {"userName": "BJensen"}),
        (replace("title", "Guide"), {}),
    ],
)
def test_replace_writes_what_is_named_and_keeps_the_rest(operation: Operation, after: dict[str, Any]) -> None:
    assert changed(operation, strict=True) == after


# One primary


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
def test_element_that_becomes_primary_makes_the_others_not_so(
    operation: Operation, primaries: list[bool | None]
) -> None:
    assert [email.get("primary") for email in apply(USER, operation)["emails"]] == primaries


@pytest.mark.parametrize(
    "operation",
    [
        add("emails", [{"value": "c", "primary": True}, {"value": "d", "primary": True}]),
        replace("emails", [{"value": "c", "primary": True}, {"value": "d", "primary": "true"}]),
        replace("phoneNumbers", [{"value": "1", "primary": True}, {"value": "2", "primary": True}]),
    ],
)
def test_one_operation_marks_one_element_as_primary(operation: Operation) -> None:
    assert isinstance(refusal(operation), InvalidValue)


def test_sub_attribute_of_several_elements_can_not_make_them_all_primary() -> None:
    user = {**USER, "emails": [{"value": "a"}, {"value": "b"}]}

    with pytest.raises(InvalidValue, match="Only one of emails may be primary"):
        apply(user, replace("emails.primary", True))


def test_several_operations_may_mark_one_after_the_other() -> None:
    first, second = replace('emails[type eq "home"].primary', True), replace('emails[type eq "work"].primary', True)

    assert [email["primary"] for email in apply(USER, first, second)["emails"]] == [True, False]


# The dialects of identity providers


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
def test_names_operators_and_booleans_are_taken_in_any_case(operation: Operation, after: dict[str, Any]) -> None:
    assert changed(operation) == after


@pytest.mark.parametrize("op", ["add", "Replace"])
@pytest.mark.parametrize(
    ("path", "value", "after"),
    [
        ('emails[type eq "other"].value', "c", {"emails": [WORK, HOME, {"type": "other", "value": "c"}]}),
        ('phoneNumbers[type eq "work"].value', "1", {"phoneNumbers": [{"type": "work", "value": "1"}]}),
        ('phoneNumbers[type eq "work"]', {"value": "1"}, {"phoneNumbers": [{"type": "work", "value": "1"}]}),
        ('addresses[type eq "work"].formatted', "18/2111", {"addresses": [{"type": "work", "formatted": "18/2111"}]}),
        ('roles[primary eq "True"].value', "a", {"roles": [{"primary": True, "value": "a"}]}),
        (
            'emails[type eq "other" and display eq "x"].value',
            "c",
            {"emails": [WORK, HOME, {"type": "other", "display": "x", "value": "c"}]},
        ),
    ],
)
def test_element_that_the_path_describes_is_created(op: str, path: str, value: Any, after: dict[str, Any]) -> None:
    assert changed({"op": op, "path": path, "value": value}) == after


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
def test_path_that_describes_no_element_has_no_target(path: str) -> None:
    assert isinstance(refusal(add(path, "x")), NoTarget)


@pytest.mark.parametrize(
    "operation",
    [replace('ims[type eq "aim"].type', "xmpp"), add('ims[type eq "aim"]', {"type": "xmpp", "value": "a"})],
)
def test_created_element_does_not_contradict_the_path_that_describes_it(operation: Operation) -> None:
    assert isinstance(refusal(operation), InvalidValue)


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
def test_manager_is_written_in_any_form(path: str, value: Any, manager: dict[str, Any]) -> None:
    assert changed(replace(path, value)) == in_enterprise(manager=manager)


@pytest.mark.parametrize("value", ["", None, {"value": ""}, [{"value": ""}], [""]])
def test_manager_is_unassigned_by_what_is_empty(value: Any) -> None:
    assert changed(replace(MANAGER, value)) == {ENTERPRISE: {"department": "Tours"}}
    assert changed({"op": "replace", "value": {MANAGER: value}}) == {ENTERPRISE: {"department": "Tours"}}


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
def test_empty_string_unassigns(operation: Operation, after: dict[str, Any]) -> None:
    assert changed(operation) == after


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
            {f"{SPACED}:Business Unit": "HR", SPACED.lower(): {"business unit": "IT"}},
            in_spaced({"Business Unit": "IT"}),
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
def test_keys_of_a_value_without_path_are_attributes_extensions_and_paths(
    value: dict[str, Any], after: dict[str, Any]
) -> None:
    assert changed({"op": "replace", "value": value}) == after


@pytest.mark.parametrize(
    ("operation", "after"),
    [
        (remove("emails", [{"value": "babs@jensen.org"}]), {"emails": [WORK]}),
        (remove("emails", [{"value": "BABS@jensen.org"}]), {"emails": [WORK]}),
        (remove("emails", {"value": "babs@jensen.org", "type": "home"}), {"emails": [WORK]}),
        (remove("emails", [{"value": "babs@jensen.org", "type": "work"}]), {}),
        (remove("emails", [{"type": "home"}, {"primary": "True"}]), {"emails": None}),
        (remove("emails", [{"value": "x"}, None, {}]), {}),
        (remove(f"{SPACED}:Tags", ["A", "x"]), in_spaced({"Tags": ["b"]})),
        (remove(f"{SPACED}:Tags", ["a", "b"]), {SPACED: {"Business Unit": "Sales", "Badge": "7"}}),
        (remove("title", "x"), {"title": None}),
        (remove('emails[type eq "home"]', [{"type": "work"}]), {"emails": [WORK]}),
    ],
)
def test_remove_with_a_list_removes_the_listed_elements_only(operation: Operation, after: dict[str, Any]) -> None:
    assert changed(operation) == after


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
def test_operation_on_an_attribute_that_no_schema_knows_is_skipped(op: str, path: str) -> None:
    assert changed({"op": op, "path": path, "value": "x"}, replace("title", "T")) == {"title": "T"}


@pytest.mark.parametrize("op", ["add", "replace"])
def test_password_is_taken_and_not_kept(op: str) -> None:
    assert changed({"op": op, "path": "password", "value": "t1meMa$heen"}) == {}
    assert isinstance(refusal({"op": op, "path": "password", "value": 7}), InvalidValue)


# What is refused


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (replace("id", "2"), MutabilityError),
        (remove("meta"), MutabilityError),
        (replace("meta.created", "2026-01-01T00:00:00Z"), MutabilityError),
        (add("groups", [{"value": "1"}]), MutabilityError),
        (replace(f"{CORE}:schemas", []), MutabilityError),
        (replace(f"{MANAGER}.displayName", "Mandy"), MutabilityError),
        (replace(f"{SPACED}:Seat.house", "A"), MutabilityError),
        (remove("userName"), MutabilityError),
        (replace("userName", None), MutabilityError),
        (replace("userName", ""), MutabilityError),
        ({"op": "replace", "value": {"userName": None}}, MutabilityError),
        (replace(f"{SPACED}:Badge", "8"), MutabilityError),
        (remove(f"{SPACED}:Badge"), MutabilityError),
        (remove(SPACED), MutabilityError),
        (replace("active", "maybe"), InvalidValue),
        (replace("active", 0), InvalidValue),
        (replace("title", ["a"]), InvalidValue),
        (replace("name", "Barbara Jensen"), InvalidValue),
        (replace("emails", "c"), InvalidValue),
        (replace("emails", ["c"]), InvalidValue),
        (replace('emails[type eq "work"]', "c"), InvalidValue),
        (replace('emails[type eq "work"].value', {"value": "c"}), InvalidValue),
        (replace(f"{SPACED}:Level", "3"), InvalidValue),
        (replace(f"{SPACED}:Seat", {"floor": 1}), InvalidValue),
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
def test_operation_is_refused_as_the_rfc_says_and_those_before_it_too(
    operation: Operation, error: type[ScimError]
) -> None:
    user = copy.deepcopy(USER)
    with pytest.raises(error):
        apply(user, replace("title", "T"), add("emails", [{"value": "c"}]), operation)

    assert user == USER


@pytest.mark.parametrize("operation", [replace("userName", ""), {"op": "replace", "path": "userName", "value": None}])
def test_strict_mode_keeps_a_user_name_too(operation: Operation) -> None:
    assert isinstance(refusal(operation, strict=True), MutabilityError)


def test_immutable_attribute_may_be_written_as_it_is() -> None:
    assert changed(replace(f"{SPACED}:Badge", "7")) == {}


def test_operations_are_applied_one_after_the_other() -> None:
    assert changed(
        add("nickName", "a"),
        replace("nickName", "b"),
        remove('emails[type eq "work"]'),
        add('emails[type eq "work"].value', "c"),
        replace('emails[type eq "work"].display', "d"),
    ) == {"nickName": "b", "emails": [HOME, {"type": "work", "value": "c", "display": "d"}]}


def test_required_attribute_may_be_missing_between_operations() -> None:
    assert changed(remove("userName"), add("userName", "babs")) == {"userName": "babs"}


# Laws


@st.composite
def writes(draw: st.DrawFn) -> tuple[str, Any]:
    """A path, and a value that may be written there."""
    text = draw(st.text(min_size=1, max_size=5))
    elements = st.lists(
        st.fixed_dictionaries({"value": st.sampled_from("abc")}, optional={"type": st.sampled_from("abc")})
    )
    return draw(
        st.one_of(
            st.sampled_from(
                [("title", text), ("name.givenName", text), ("name", {"givenName": text, "middleName": "J"})]
            ),
            st.sampled_from([('emails[type eq "work"].value', text), ('ims[type eq "aim"]', {"value": text})]),
            st.sampled_from([(f"{ENTERPRISE}:division", text), (MANAGER, text), (ENTERPRISE, {"costCenter": text})]),
            st.sampled_from([("active", False), ("nickName", None), (f"{SPACED}:Business Unit", text)]),
            st.tuples(st.just("phoneNumbers"), elements),
        )
    )


USERS = st.builds(Generator, st.integers(0)).map(Generator.user)
CHANCES = st.builds(Generator, st.integers(0))


@seeded
@given(USERS, writes())
def test_replace_is_idempotent(user: dict[str, Any], write: tuple[str, Any]) -> None:
    once = apply(user, replace(*write))

    assert apply(once, replace(*write)) == once


@seeded
@given(USERS, writes())
def test_add_is_idempotent(user: dict[str, Any], write: tuple[str, Any]) -> None:
    once = apply(user, add(*write))

    assert apply(once, add(*write)) == once


@seeded
@given(USERS, st.sampled_from(["title", "nickName", "name.middleName", f"{ENTERPRISE}:division", f"{MANAGER}.value"]))
def test_what_is_added_and_then_removed_was_never_there(user: dict[str, Any], path: str) -> None:
    before = apply(user, remove(path))

    assert apply(before, add(path, "x"), remove(path)) == before


@seeded
@given(USERS)
def test_element_that_is_added_and_then_removed_was_never_there(user: dict[str, Any]) -> None:
    added = add("emails", [{"value": "new@example.com"}])

    assert apply(user, added, remove('emails[value eq "new@example.com"]')) == user
    assert apply(user, added, remove("emails", [{"value": "NEW@example.com"}])) == user


@seeded
@given(USERS, writes(), writes(), st.sampled_from(["add", "replace"]))
def test_operations_on_different_attributes_have_no_order(
    user: dict[str, Any], one: tuple[str, Any], other: tuple[str, Any], op: str
) -> None:
    assume(one[0].split(".")[0].split("[")[0] != other[0].split(".")[0].split("[")[0])
    assume(not (one[0].startswith("urn:") and other[0].startswith("urn:")))
    first, second = ({"op": op, "path": path, "value": value} for path, value in (one, other))

    assert apply(user, first, second) == apply(user, second, first)


@seeded
@given(CHANCES)
def test_user_that_is_given_is_left_as_it_is(generator: Generator) -> None:
    user = generator.user()
    before = copy.deepcopy(user)
    operations = generator.operations()
    sent = copy.deepcopy(operations)
    with suppress(ScimError):
        apply(user, *operations)

    assert (user, operations) == (before, sent)


@seeded
@given(CHANCES)
def test_patched_user_is_canonical(generator: Generator) -> None:
    user = generator.user()
    for operation in generator.operations():
        try:
            user = apply(user, operation)
        except ScimError:
            continue

        assert parse_resource(copy.deepcopy(user), TYPE, Dialect(strict=True)) == user


@seeded
@given(CHANCES)
def test_patched_user_has_one_primary_at_most(generator: Generator) -> None:
    user = generator.user()
    for operation in [operation for _ in range(5) for operation in generator.operations()]:
        try:
            user = apply(user, operation)
        except ScimError:
            continue

        lists = [value for value in user.values() if isinstance(value, list) and isinstance(value[0], dict)]
        assert [sum(each.get("primary") is True for each in elements) > 1 for elements in lists] == [False] * len(lists)


@seeded
@given(CHANCES)
def test_operations_together_do_what_they_do_one_by_one(generator: Generator) -> None:
    user, operations = generator.user(), generator.operations()
    try:
        together = apply(user, *operations)
    except ScimError:
        together = None
    one_by_one: dict[str, Any] | None = user
    try:
        for operation in operations:
            one_by_one = apply(one_by_one or {}, operation)
    except ScimError:
        one_by_one = None

    assert together == one_by_one or (together is not None and one_by_one is None)


MANY = [{"value": str(number)} for number in range(500)]


def test_a_multi_valued_attribute_has_at_most_500_values() -> None:
    full = apply({**USER, "phoneNumbers": MANY}, add("phoneNumbers", MANY))
    assert full["phoneNumbers"] == MANY
    for operation in (add("phoneNumbers", [{"value": "one more"}]), replace("emails", [*MANY, {"value": "one more"}])):
        with pytest.raises(InvalidValue, match="at most 500 values"):
            apply(full, operation)


def test_a_value_without_path_counts_by_what_it_writes() -> None:
    keys = {f'phoneNumbers[value eq "{number % 400}"].type': "w" for number in range(1_001)}
    keys |= {f'emails[value eq "{number}"].type': "w" for number in range(400)}
    keys |= {f'ims[value eq "{number}"].type': "w" for number in range(400)}
    with pytest.raises(InvalidValue, match="at most 1000 attributes"):
        apply(USER, {"op": "add", "value": keys})


def test_the_most_work_that_a_patch_can_ask_for_is_done_in_seconds() -> None:
    selection = " or ".join(f'display eq "{number}"' for number in range(10))
    operation = replace(f'phoneNumbers[{selection} or value eq "0"].type', "w")
    with pytest.raises(InvalidPath, match="At most 10 comparisons"):
        apply(USER, operation)
    operation = remove(f"phoneNumbers[{selection}]")
    started = process_time()
    apply({**USER, "phoneNumbers": [{"value": "1", "display": "x"}] * 500}, *[operation] * 1_000)

    assert process_time() - started < 20
