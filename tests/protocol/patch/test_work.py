"""The work of a PATCH is bounded, and ends when the time has run out."""

from itertools import combinations
from typing import Any

import pytest

from scim.protocol.errors import InvalidValue, Unavailable
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.messages import MAX_PATCH_OPERATIONS, PatchRequest, parse_message
from scim.protocol.patch.apply import apply_patch
from scim.protocol.values.parser import MAX_ELEMENTS
from tests.cpu_time import check_cpu_units
from tests.endpoint import CORE
from tests.protocol.patch.operations import TYPE, USER, Operation, add, apply, diff_after, remove, replace

EMAILS = [
    {"value": f"user{number}@example.com", "type": "work", "display": f"User {number}"}
    for number in range(MAX_ELEMENTS)
]
LONG_EMAILS = [{"value": f"{number}@" + "u\u0308" * 150, "type": "work"} for number in range(MAX_ELEMENTS)]
ADDRESSES = [
    {name: f"{name} {number}" for name in ("streetAddress", "locality", "region", "postalCode", "country", "type")}
    for number in range(MAX_ELEMENTS)
]
MEMBERS = {"value": "x", "type": "y", "display": "z", "primary": True}
PARTS = [dict(part) for size in (1, 2, 3, 4) for part in combinations(MEMBERS.items(), size)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("operation", "limit"),
    [
        (remove("emails", [{"value": "x"}]), 120),
        (remove("emails", [{"value": "x"}, {"type": "y", "display": "z"}]), 240),
        (remove('emails[value eq "x"]'), 120),
        (remove("emails[" + " or ".join(f'value eq "{number}"' for number in range(10)) + "]"), 900),
        (add("emails", [EMAILS[7]]), 300),
        (replace("emails.type", "home"), 500),
        (replace("emails[type pr]", {"type": "home"}), 600),
    ],
    ids=["remove", "remove two", "value filter", "ten comparisons", "add", "sub-attribute", "elements"],
)
def test_operations_on_many_values_take_bounded_time(operation: Operation, limit: float) -> None:
    """The limits are about three times the usual CPU time, for the maximum of operations and of values."""
    user = {"schemas": [CORE], "userName": "bjensen", "emails": EMAILS}
    patched = check_cpu_units(lambda: apply(user, *[operation] * MAX_PATCH_OPERATIONS), limit)
    assert len(patched["emails"]) == MAX_ELEMENTS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("operations", "limit"),
    [
        ([remove('emails[value eq "x"]')], 120),
        ([remove("emails[" + " or ".join(f'value co "\u00fc{number}"' for number in range(10)) + "]")], 2_000),
        ([replace("emails.type", "home"), replace("emails.type", "work")], 600),
        ([replace("addresses.region", "east"), replace("addresses.region", "west")], 2_000),
    ],
    ids=["value filter", "ten comparisons", "sub-attribute", "addresses"],
)
def test_long_values_are_normalized_once(operations: list[Operation], limit: float) -> None:
    """Values that are not in NFC are not normalized again by each operation."""
    user = {"schemas": [CORE], "userName": "bjensen", "emails": LONG_EMAILS, "addresses": ADDRESSES}
    patched = check_cpu_units(lambda: apply(user, *operations * (MAX_PATCH_OPERATIONS // len(operations))), limit)
    assert len(patched["emails"]) == len(patched["addresses"]) == MAX_ELEMENTS


@pytest.mark.slow
def test_removal_of_values_with_different_members_takes_linear_time() -> None:
    user = {"schemas": [CORE], "userName": "bjensen", "emails": EMAILS}
    operation = remove("emails", PARTS)
    patched = check_cpu_units(lambda: apply(user, *[operation] * 50), 150)
    assert patched["emails"] == EMAILS


def test_values_to_remove_are_limited() -> None:
    assert diff_after(remove("emails", [{"value": f"{number}"} for number in range(MAX_ELEMENTS)])) == {}
    with pytest.raises(InvalidValue, match="at most 500 values"):
        apply(USER, remove("emails", [{"value": f"{number}"} for number in range(MAX_ELEMENTS + 1)]))


@pytest.mark.parametrize(
    ("operations", "checks"),
    [
        ([replace("title", "Chef")], 1),
        ([replace("title", "Chef"), remove("nickName"), add("emails", [EMAILS[0]])], 3),
        ([remove("emails", [EMAILS[0]])], 1),
        ([{"op": "replace", "value": {"title": "Chef", "nickName": "Babs", "name.givenName": "Barbara"}}], 3),
        ([{"op": "replace", "path": CORE, "value": {"title": "Chef", "nickName": "Babs"}}], 3),
    ],
    ids=["one", "several", "values", "without path", "URN as path"],
)
def test_time_is_checked_before_each_write(operations: list[dict[str, Any]], checks: int) -> None:
    """When it has run out, nothing more is written, and the stored user is unchanged."""
    request = parse_message(PatchRequest, {"schemas": [PatchRequest.urn], "Operations": operations}, LeniencyTracker())
    for successful_checks in range(checks + 1):
        remaining = iter([True] * successful_checks)

        def require_time(remaining: Any = remaining) -> None:
            if not next(remaining, False):
                raise Unavailable("")

        if successful_checks < checks:
            with pytest.raises(Unavailable):
                apply_patch(USER, request.operations, TYPE, LeniencyTracker(), require_time)
        else:
            apply_patch(USER, request.operations, TYPE, LeniencyTracker(), require_time)
