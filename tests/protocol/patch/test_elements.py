"""PATCH of multi-valued attributes: no duplicates, and at most one primary value."""

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol.errors import InvalidValue, Rule, ScimError
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.resource import parse_resource
from tests.cpu_time import check_cpu_units
from tests.protocol.patch.operations import (
    EXTENSION,
    HOME,
    TYPE,
    USER,
    WORK,
    Operation,
    add,
    apply,
    diff_after,
    in_extension,
    remove,
    replace,
)

WORK_ADDRESS = {"value": WORK["value"], "type": "work"}


class TestDuplicates:
    @pytest.mark.parametrize(
        ("operation", "after"),
        [
            (add("emails", [WORK_ADDRESS]), {}),
            (add("emails", WORK_ADDRESS), {}),
            (add("emails", [{"value": "BJensen@Example.com", "type": "Work"}]), {}),
            (add("emails", [WORK_ADDRESS, HOME, WORK_ADDRESS]), {}),
            (add("emails", [{**WORK_ADDRESS, "display": "B"}]), {"emails": [{**WORK, "display": "B"}, HOME]}),
            (add("emails", [{**WORK_ADDRESS, "primary": False}]), {"emails": [{**WORK, "primary": False}, HOME]}),
            (
                add("emails", [{**HOME, "primary": True}]),
                {"emails": [{**WORK, "primary": False}, {**HOME, "primary": True}]},
            ),
            (
                add("emails", [WORK_ADDRESS, {**HOME, "primary": True}]),
                {"emails": [{**WORK, "primary": False}, {**HOME, "primary": True}]},
            ),
            (replace("emails", [WORK, WORK_ADDRESS, HOME]), {}),
            (replace("emails", [HOME, HOME]), {"emails": [HOME]}),
            (replace('emails[type eq "home"]', WORK_ADDRESS), {"emails": [WORK]}),
            (
                replace("emails.value", "b@x.org"),
                {"emails": [{**WORK, "value": "b@x.org"}, {**HOME, "value": "b@x.org"}]},
            ),
            (add(f"{EXTENSION}:Tags", ["A", "c", "C"]), in_extension({"Tags": ["a", "b", "c"]})),
            (add(f"{EXTENSION}:Tags", ["a"]), {}),
            (replace(f"{EXTENSION}:Tags", ["a", "A", "b"]), {}),
        ],
    )
    @pytest.mark.parametrize("strict", [True, False])
    def test_value_is_stored_once(self, operation: Operation, after: dict[str, Any], strict: bool) -> None:
        assert diff_after(operation, strict=strict) == after

    @pytest.mark.parametrize(
        ("operation", "after"),
        [
            ({"op": "add", "value": {"emails": [WORK_ADDRESS], "nickName": "B"}}, {"nickName": "B"}),
            (
                add('emails[type eq "work" and display eq "B"].value', WORK["value"]),
                {"emails": [{**WORK, "display": "B"}, HOME]},
            ),
            (
                add('emails[type eq "work" and primary eq false].value', "c"),
                {"emails": [WORK, HOME, {"type": "work", "primary": False, "value": "c"}]},
            ),
        ],
    )
    def test_value_is_stored_once_with_leniencies(self, operation: Operation, after: dict[str, Any]) -> None:
        assert diff_after(operation) == after

    @pytest.mark.parametrize(
        ("emails", "operation", "after"),
        [
            (
                [WORK, {**WORK_ADDRESS, "type": "home"}],
                remove("emails.type"),
                [{"value": WORK["value"], "primary": True}],
            ),
            (
                [{**HOME, "display": "old"}, {**WORK, "display": "new"}],
                replace('emails[type eq "work"]', HOME),
                [{**HOME, "display": "new", "primary": True}],
            ),
            (
                [{**WORK, "display": "new"}, {**HOME, "display": "old", "primary": False}],
                replace('emails[type eq "work"]', HOME),
                [{**HOME, "display": "new", "primary": True}],
            ),
        ],
    )
    def test_written_value_is_merged_into_the_other_one(
        self, emails: list[Any], operation: Operation, after: list[Any]
    ) -> None:
        assert apply({**USER, "emails": emails}, operation)["emails"] == after

    def test_values_that_become_empty_are_removed(self) -> None:
        emails = [{"value": "a", "primary": True}, {"display": "x"}, {"value": "b"}]

        after = apply({**USER, "emails": emails}, remove("emails.value"))["emails"]

        assert after == [{"primary": True}, {"display": "x"}]

    def test_address_that_is_stored_as_primary(self) -> None:
        address = {"type": "work", "formatted": "1 Main St"}
        user = {**USER, "addresses": [{**address, "primary": True}]}

        assert apply(user, add("addresses", [address])) == user
        assert len(apply(user, add("addresses", [{**address, "locality": "X"}]))["addresses"]) == 2

    @pytest.mark.slow
    def test_adding_to_many_elements_is_fast(self) -> None:
        user = {**USER, "phoneNumbers": [{"value": str(number), "type": "work"} for number in range(500)]}
        operations = [add("phoneNumbers", [{"value": str(number % 500), "type": "work"}]) for number in range(1_000)]

        check_cpu_units(lambda: apply(user, *operations), 500)


PLAIN = [{"value": "a"}, {"value": "b"}, {"value": "c"}]
"""Emails none of which is primary."""

MARKED = [PLAIN[0], {"value": "b", "primary": True}, PLAIN[2]]
"""Emails one of which is primary."""


class TestPrimary:
    @pytest.mark.parametrize("emails", [PLAIN, MARKED, PLAIN[:2], MARKED[:2]], ids=str)
    @pytest.mark.parametrize(
        "operation",
        [
            replace("emails.primary", True),
            add("emails.primary", True),
            replace("emails.primary", "True"),
            replace("emails[value pr].primary", True),
            replace('emails[value eq "a" or value eq "b"].primary', True),
            replace('emails[value eq "a" or value eq "b"]', {"primary": True}),
            add("emails", [{"value": "d", "primary": True}, {"value": "a", "primary": True}]),
            replace("emails", [{"value": "d", "primary": True}, {"value": "b", "primary": True}]),
            {"op": "add", "value": {"emails": [{"value": "d", "primary": True}, {"value": "e", "primary": True}]}},
            {"op": "replace", "value": {"emails.primary": True}},
        ],
        ids=str,
    )
    def test_operation_that_marks_several_values_is_rejected(self, emails: list[Any], operation: Operation) -> None:
        with pytest.raises(InvalidValue, match="Only one value of emails can be primary") as error:
            apply({**USER, "emails": emails}, operation)

        assert (error.value.rule, error.value.attribute) == (Rule.PRIMARY, "emails")

    @pytest.mark.parametrize("emails", [PLAIN, MARKED], ids=str)
    @pytest.mark.parametrize(
        "operation",
        [
            replace('emails[value eq "a"].primary', True),
            add('emails[value eq "a"]', {"primary": True}),
            add("emails", [{"value": "A", "primary": True}]),
            add("emails", [{"value": "a", "primary": True}, {"value": "b"}]),
            {"op": "replace", "value": {'emails[value eq "a"].primary': "True"}},
        ],
        ids=str,
    )
    def test_operation_that_marks_one_value_unmarks_the_others(self, emails: list[Any], operation: Operation) -> None:
        after = apply({**USER, "emails": emails}, operation)["emails"]

        assert [email.get("primary", False) for email in after] == [True, False, False]

    @pytest.mark.parametrize(
        "operation",
        [
            replace("emails.display", "x"),
            replace("emails[value pr].type", "work"),
            add("emails", [{"value": "b"}]),
            remove('emails[value eq "a"].display'),
            replace('emails[value eq "b"].primary', True),
        ],
        ids=str,
    )
    def test_other_operations_keep_the_primary_value(self, operation: Operation) -> None:
        after = apply({**USER, "emails": MARKED}, operation)["emails"]

        assert [email.get("primary") for email in after] == [None, True, None]

    def test_all_of_one_value_can_be_marked(self) -> None:
        assert apply({**USER, "emails": PLAIN[:1]}, replace("emails.primary", True))["emails"] == [
            {"value": "a", "primary": True}
        ]


VALUES = st.sampled_from(["a@x.org", "A@x.org", "b@x.org"])
ELEMENTS = st.fixed_dictionaries(
    {"value": VALUES}, optional={"type": st.sampled_from(["work", "Work", "home"]), "primary": st.booleans()}
)
PATHS = st.sampled_from(
    ["emails", 'emails[type eq "work"]', "emails[value pr]", "emails[primary eq true]", 'emails[value eq "b@x.org"]']
)
SUB_ATTRIBUTE_OPERATIONS = st.one_of(
    st.tuples(st.just("primary"), st.sampled_from([True, False, None, ""])),
    st.tuples(st.just("value"), VALUES),
    st.tuples(st.just("type"), st.sampled_from(["work", "home", "WORK", None])),
)


@st.composite
def operations_on_emails(draw: st.DrawFn) -> Operation:
    op, path = draw(st.sampled_from(["add", "replace", "remove"])), draw(PATHS)
    kind = draw(st.sampled_from(["sub-attribute", "element", "list"]))
    if kind == "sub-attribute":
        name, value = draw(SUB_ATTRIBUTE_OPERATIONS)
        return {"op": op, "path": f"{path}.{name}"} | ({} if op == "remove" else {"value": value})
    if op == "remove":
        return remove(path)
    return {"op": op, "path": path, "value": draw(ELEMENTS if kind == "element" else st.lists(ELEMENTS, max_size=3))}


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(operations_on_emails(), max_size=12))
def test_any_sequence_leaves_at_most_one_primary_and_no_duplicates(operations: list[Operation]) -> None:
    """The properties hold after each operation, and a PUT of the result changes nothing."""
    user = USER
    for operation in operations:
        with suppress(ScimError):
            user = apply(user, operation)
        emails = user.get("emails") or []
        pairs = [(str(email.get("type")).lower(), str(email["value"]).lower()) for email in emails if "value" in email]

        assert len(set(pairs)) == len(pairs)
        assert sum(email.get("primary") is True for email in emails) <= 1
        assert parse_resource(copy.deepcopy(user), TYPE, LeniencyTracker()) == user
