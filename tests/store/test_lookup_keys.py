"""The keys of the attribute values of users."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.errors import InvalidValue
from scim.protocol.filter.ast import AttributePath
from scim.protocol.filter.path import resolve_path
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.schema import load_user_type
from scim.store.lookup_keys import (
    MAX_INDEX_ENTRIES,
    check_index_entry_count,
    index_entry_keys,
    index_prefix,
    unique_key,
)

USER_ID = "0f6a1c52-7a34-4a55-9a43-5b0b8a1f3c11"
LONGEST_SORT_KEY = 1_024


def resolve_paths(*names: str) -> dict[str, AttributePath]:
    return {name: resolve_path(name, load_user_type(), LeniencyTracker()) for name in names}


def test_unique_key_is_normalized() -> None:
    assert unique_key("Zoe\u0301@Example.com", is_case_exact=False) == unique_key(
        "zo\u00e9@EXAMPLE.com", is_case_exact=False
    )


def build_entry_prefix(name: str, value: str) -> str:
    return index_prefix(name, resolve_paths(name)[name], value)


def test_unique_key_of_case_exact_attribute_keeps_case() -> None:
    assert unique_key("A", is_case_exact=True) != unique_key("a", is_case_exact=True)


def test_separator_in_a_value_is_escaped() -> None:
    assert not build_entry_prefix("externalId", "a#b").startswith(build_entry_prefix("externalId", "a"))


def test_escaped_values_stay_different() -> None:
    assert build_entry_prefix("externalId", "a%23") != build_entry_prefix("externalId", "a#")


@given(st.text(min_size=1, max_size=3_000))
def test_any_value_fits_into_a_sort_key(value: str) -> None:
    value = value.encode("utf-8", "ignore").decode()
    for sort in (
        unique_key(value, is_case_exact=False),
        build_entry_prefix("externalId", "#" + value) + USER_ID,
    ):
        assert len(sort.encode()) <= LONGEST_SORT_KEY


def test_escaped_separators_fit_into_a_sort_key() -> None:
    assert len((build_entry_prefix("emails.value", "#" * 900) + USER_ID).encode()) <= LONGEST_SORT_KEY


@given(
    st.text(min_size=901, max_size=1_200, alphabet="ab"),
    st.text(min_size=901, max_size=1_200, alphabet="ab"),
)
def test_different_long_values_have_different_keys(one: str, other: str) -> None:
    assert (unique_key(one, is_case_exact=True) == unique_key(other, is_case_exact=True)) == (one == other)


def test_keys_of_long_values_are_ordered() -> None:
    assert unique_key("b" + "x" * 2_000, is_case_exact=True) > unique_key("a" + "z" * 2_000, is_case_exact=True)


def test_equal_values_have_one_entry() -> None:
    resource = {"emails": [{"value": "A@example.com"}, {"value": "a@example.com", "type": "home"}, {"type": "work"}]}
    assert index_entry_keys(resource, USER_ID, resolve_paths("emails.value")) == {
        f"I#emails.value#a@example.com#{USER_ID}"
    }


def test_extension_attribute_is_indexed_by_its_full_name() -> None:
    name = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber"
    resource = {name.rpartition(":")[0]: {"employeeNumber": "42"}}
    assert index_entry_keys(resource, USER_ID, resolve_paths(name)) == {f"I#{name}#42#{USER_ID}"}


def test_number_of_indexed_values_is_limited() -> None:
    emails = [{"value": f"{number}@example.com"} for number in range(MAX_INDEX_ENTRIES)]
    paths = resolve_paths("externalId", "emails.value")
    check_index_entry_count(index_entry_keys({"emails": emails}, USER_ID, paths), paths)
    with pytest.raises(InvalidValue, match=r"40 values of externalId, emails.value"):
        check_index_entry_count(index_entry_keys({"emails": emails, "externalId": "one more"}, USER_ID, paths), paths)
