"""PATCH requests have the same results as with scim2-models."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scim.protocol.errors import ScimError
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.messages import PatchRequest, parse_message
from scim.protocol.patch.apply import apply_patch
from scim.protocol.schema import load_user_type
from tests.differential import reference
from tests.differential.comparison import Case, Rejection, compare
from tests.differential.differences import DIFFERENCES, EXAMPLE
from tests.differential.generator import Generator

EXAMPLES = [
    (difference.name, example)
    for difference in DIFFERENCES
    for example in difference.examples
    if isinstance(example, list)
]


def run_ours(
    user: dict[str, Any], operations: list[dict[str, Any]], leniencies: LeniencyTracker
) -> dict[str, Any] | Rejection:
    try:
        request = parse_message(PatchRequest, {"schemas": [PatchRequest.urn], "Operations": operations}, leniencies)
        return apply_patch(user, request.operations, load_user_type(), leniencies)
    except ScimError as error:
        return Rejection(error.scim_type)


def run_case(user: dict[str, Any], operations: list[dict[str, Any]]) -> Case:
    leniencies = LeniencyTracker()
    after = run_ours(user, operations, leniencies)
    return Case([user], operations, after, reference.patch(reference.parse_user(user), operations), leniencies.used)


def generate_cases(size: int) -> Iterator[Case]:
    generator = Generator(7644_352)
    for _ in range(size):
        yield run_case(generator.generate_user(), generator.generate_operations())


@pytest.mark.nightly
def test_patches_result_in_same_user(size: int, record_property: Callable[[str, object], None]) -> None:
    tally = compare(generate_cases(size), DIFFERENCES)
    record_property("summary", f"PATCH requests, compared with scim2-models\n{tally}")

    assert [case.request for case in tally.unexplained] == []


@pytest.mark.parametrize(("name", "operations"), EXAMPLES)
def test_documented_difference_exists(name: str, operations: list[dict[str, Any]]) -> None:
    tally = compare([run_case(EXAMPLE, operations)], DIFFERENCES)

    assert list(tally.different) == [name]
