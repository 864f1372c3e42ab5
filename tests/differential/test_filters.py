"""Filters match the same users as with scim2-models."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from scim.protocol.errors import ScimError
from scim.protocol.filter.evaluator import compile_filter
from scim.protocol.filter.parser import parse_filter
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.schema import load_user_type
from tests.differential import reference
from tests.differential.comparison import Case, Rejection, compare
from tests.differential.differences import DIFFERENCES, EXAMPLE
from tests.differential.generator import Generator

FILTERS_PER_SET = 500
"""The number of filters that are run on the same users."""

EXAMPLES = [
    (difference.name, example)
    for difference in DIFFERENCES
    for example in difference.examples
    if isinstance(example, str)
]


def run_ours(text: str, users: Sequence[dict[str, Any]], leniencies: LeniencyTracker) -> list[bool] | Rejection:
    try:
        matches = compile_filter(parse_filter(text, load_user_type(), leniencies), leniencies)
    except ScimError as error:
        return Rejection(error.scim_type)
    return [matches(user) for user in users]


def run_case(text: str, users: Sequence[dict[str, Any]], theirs: Sequence[reference.Model]) -> Case:
    leniencies = LeniencyTracker()
    matches = run_ours(text, users, leniencies)
    return Case(users, text, matches, reference.match(text, theirs), leniencies.used)


def generate_cases(size: int) -> Iterator[Case]:
    generator = Generator(7644_3422)
    for number in range(size):
        if number % FILTERS_PER_SET == 0:
            users = [generator.generate_stored_user() for _ in range(8)]
            theirs = [reference.parse_user(user) for user in users]
        yield run_case(generator.generate_filter(), users, theirs)


@pytest.mark.nightly
def test_filters_match_like_reference(size: int, record_property: Callable[[str, object], None]) -> None:
    tally = compare(generate_cases(5 * size), DIFFERENCES)
    record_property("summary", f"filters, compared with scim2-models\n{tally}")

    assert [case.request for case in tally.unexplained] == []


@pytest.mark.parametrize(("name", "text"), EXAMPLES)
def test_documented_difference_exists(name: str, text: str) -> None:
    tally = compare([run_case(text, [EXAMPLE], [reference.parse_user(EXAMPLE)])], DIFFERENCES)

    assert list(tally.different) == [name]
