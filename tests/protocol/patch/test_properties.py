"""Properties of PATCH for random users and operations."""

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scim.protocol.errors import ScimError
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.resource import parse_resource
from tests.differential.generator import Generator
from tests.endpoint import ENTERPRISE
from tests.protocol.patch.operations import EXTENSION, MANAGER, TYPE, add, apply, remove, replace

seeded = settings(derandomize=True, deadline=None, max_examples=200)


@st.composite
def writes(draw: st.DrawFn) -> tuple[str, Any]:
    """Draw a path and a valid value for it."""
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
            st.sampled_from([("active", False), ("nickName", None), (f"{EXTENSION}:Business Unit", text)]),
            st.tuples(st.just("phoneNumbers"), elements),
        )
    )


USERS = st.builds(Generator, st.integers(0)).map(Generator.generate_user)


GENERATORS = st.builds(Generator, st.integers(0))


@seeded
@given(USERS, writes())
def test_replace_is_idempotent(user: dict[str, Any], write: tuple[str, Any]) -> None:
    patched = apply(user, replace(*write))

    assert apply(patched, replace(*write)) == patched


@seeded
@given(USERS, writes())
def test_add_is_idempotent(user: dict[str, Any], write: tuple[str, Any]) -> None:
    patched = apply(user, add(*write))

    assert apply(patched, add(*write)) == patched


@seeded
@given(USERS, st.sampled_from(["title", "nickName", "name.middleName", f"{ENTERPRISE}:division", f"{MANAGER}.value"]))
def test_remove_undoes_add(user: dict[str, Any], path: str) -> None:
    before = apply(user, remove(path))

    assert apply(before, add(path, "x"), remove(path)) == before


@seeded
@given(USERS)
def test_remove_undoes_add_of_element(user: dict[str, Any]) -> None:
    added = add("emails", [{"value": "new@example.com"}])

    assert apply(user, added, remove('emails[value eq "new@example.com"]')) == user
    assert apply(user, added, remove("emails", [{"value": "NEW@example.com"}])) == user


@pytest.mark.slow
@seeded
@given(USERS, writes(), writes(), st.sampled_from(["add", "replace"]))
def test_order_of_attributes_has_no_effect(
    user: dict[str, Any], one: tuple[str, Any], other: tuple[str, Any], op: str
) -> None:
    assume(one[0].split(".")[0].split("[")[0] != other[0].split(".")[0].split("[")[0])
    assume(not (one[0].startswith("urn:") and other[0].startswith("urn:")))
    first, second = ({"op": op, "path": path, "value": value} for path, value in (one, other))

    assert apply(user, first, second) == apply(user, second, first)


@seeded
@given(GENERATORS)
def test_arguments_are_not_changed(generator: Generator) -> None:
    user = generator.generate_user()
    before = copy.deepcopy(user)
    operations = generator.generate_operations()
    operations_before = copy.deepcopy(operations)
    with suppress(ScimError):
        apply(user, *operations)

    assert (user, operations) == (before, operations_before)


@seeded
@given(GENERATORS)
def test_result_is_canonical(generator: Generator) -> None:
    user = generator.generate_user()
    for operation in generator.generate_operations():
        try:
            user = apply(user, operation)
        except ScimError:
            continue

        assert parse_resource(copy.deepcopy(user), TYPE, LeniencyTracker(is_strict=True)) == user


@seeded
@given(GENERATORS)
def test_result_has_at_most_one_primary(generator: Generator) -> None:
    user = generator.generate_user()
    for operation in [operation for _ in range(5) for operation in generator.generate_operations()]:
        try:
            user = apply(user, operation)
        except ScimError:
            continue

        lists = [value for value in user.values() if isinstance(value, list) and isinstance(value[0], dict)]
        assert [sum(element.get("primary") is True for element in elements) > 1 for elements in lists] == [False] * len(
            lists
        )


@seeded
@given(GENERATORS)
def test_operations_in_one_or_several_requests(generator: Generator) -> None:
    user, operations = generator.generate_user(), generator.generate_operations()
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
