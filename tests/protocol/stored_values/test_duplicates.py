"""Duplicates and ``primary`` in the body of a POST or PUT."""

import copy
from typing import Any

import pytest

from scim.protocol.errors import InvalidValue, Rule
from scim.protocol.stored_values.duplicates import merge_sent_duplicates
from tests.protocol.patch.operations import EXTENSION, HOME, TYPE, USER, WORK


def merge(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(after)
    merge_sent_duplicates(before, merged, TYPE)
    return merged


@pytest.mark.parametrize("before", [{}, USER])
def test_duplicates_are_merged_in_all_schemas(before: dict[str, Any]) -> None:
    extension = USER[EXTENSION]
    sent = {**USER, "emails": [WORK, HOME, HOME], EXTENSION: {**extension, "Tags": ["a", "b", "A"]}}

    assert merge(before, sent) == USER


def test_stored_duplicates_are_kept() -> None:
    stored = {**USER, "emails": [HOME, HOME]}

    assert merge(stored, stored) == stored
    assert merge(USER, stored) == {**USER, "emails": [HOME]}


@pytest.mark.parametrize("before", [{}, USER])
def test_several_primaries_are_rejected(before: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as error:
        merge(before, {**USER, "emails": [WORK, {**HOME, "primary": True}]})

    assert (error.value.rule, error.value.attribute) == (Rule.PRIMARY, "emails")
    assert merge(before, {**USER, "emails": [WORK, WORK, HOME]}) == USER
