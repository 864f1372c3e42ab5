"""Elements of multi-valued attributes: duplicates and ``primary``."""

import copy
from typing import Any

import pytest

from scim.protocol.errors import InvalidValue
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.schema import Attribute, DataType, load_user_type
from scim.protocol.values.elements import check_primary, merge_duplicates
from scim.protocol.values.parser import parse_value
from tests.cpu_time import check_cpu_units

CORE = load_user_type().core_schema.attributes
EMAILS, ADDRESSES, PHOTOS = CORE["emails"], CORE["addresses"], CORE["photos"]
TAGS = Attribute("tags", DataType.STRING, is_multi_valued=True)
CODES = Attribute("codes", DataType.STRING, is_multi_valued=True, is_case_exact=True)
LEVELS = Attribute("levels", DataType.INTEGER, is_multi_valued=True)
SITES = Attribute(
    "sites",
    DataType.COMPLEX,
    is_multi_valued=True,
    sub_attributes={
        "value": Attribute("Value", DataType.STRING),
        "type": Attribute("Type", DataType.STRING),
        "primary": Attribute("Primary", DataType.BOOLEAN),
        "floor": Attribute("floor", DataType.INTEGER),
    },
)
WORK, HOME = {"value": "a@example.com", "type": "work"}, {"value": "a@example.com", "type": "home"}
ADDRESS = {"type": "work", "formatted": "1 Main St"}


@pytest.mark.parametrize(
    ("attribute", "sent", "stored"),
    [
        (EMAILS, [WORK, WORK], [WORK]),
        (EMAILS, [WORK, HOME], [WORK, HOME]),
        (EMAILS, [WORK, {"value": "a@example.com"}], [WORK, {"value": "a@example.com"}]),
        (EMAILS, [{"value": "a"}, {"value": "A"}], [{"value": "a"}]),
        (EMAILS, [WORK, {"value": "A@Example.com", "type": "Work", "display": "A"}], [{**WORK, "display": "A"}]),
        (EMAILS, [{**WORK, "display": "A"}, {**WORK, "display": "B"}], [{**WORK, "display": "B"}]),
        (EMAILS, [{**WORK, "display": "A"}, {**WORK, "display": "a"}], [{**WORK, "display": "A"}]),
        (EMAILS, [{**WORK, "primary": True}, HOME, WORK], [{**WORK, "primary": True}, HOME]),
        (EMAILS, [WORK, {**WORK, "primary": True}], [{**WORK, "primary": True}]),
        (EMAILS, [{**WORK, "primary": True}, {**WORK, "primary": True}], [{**WORK, "primary": True}]),
        (EMAILS, [{"type": "work"}, {"type": "work"}], [{"type": "work"}]),
        (
            EMAILS,
            [{"type": "work", "display": "A"}, {"type": "work"}],
            [{"type": "work", "display": "A"}, {"type": "work"}],
        ),
        (ADDRESSES, [{**ADDRESS, "primary": True}, ADDRESS], [{**ADDRESS, "primary": True}]),
        (ADDRESSES, [ADDRESS, {**ADDRESS, "locality": "X"}], [ADDRESS, {**ADDRESS, "locality": "X"}]),
        (PHOTOS, [{"value": "https://a"}, {"value": "https://A"}], [{"value": "https://a"}, {"value": "https://A"}]),
        (TAGS, ["a", "A", "b", "caf\u00e9", "cafe\u0301"], ["a", "b", "caf\u00e9"]),
        (CODES, ["a", "A", "a"], ["a", "A"]),
        (LEVELS, [1, 1.0, 2], [1, 2]),
        (
            SITES,
            [{"Value": "a", "Primary": True}, {"value": "a", "floor": 2}],
            [{"Value": "a", "Primary": True, "floor": 2}],
        ),
    ],
)
def test_duplicates_are_merged(attribute: Attribute, sent: list[Any], stored: list[Any]) -> None:
    elements = parse_value(attribute, sent, LeniencyTracker())

    assert merge_duplicates(attribute, elements) == stored
    assert merge_duplicates(attribute, stored) == stored


@pytest.mark.parametrize(
    ("attribute", "stored", "sent", "merged"),
    [
        (EMAILS, [WORK, WORK, HOME], [WORK, WORK, HOME, HOME], [WORK, WORK, HOME]),
        (EMAILS, [WORK, {**WORK, "display": "A"}], [WORK, {**WORK, "display": "B"}], [WORK, {**WORK, "display": "B"}]),
        (TAGS, ["a", "A", "b"], ["b", "a", "A", "B"], ["b", "a", "A"]),
    ],
)
def test_stored_duplicates_are_kept(
    attribute: Attribute, stored: list[Any], sent: list[Any], merged: list[Any]
) -> None:
    assert merge_duplicates(attribute, copy.deepcopy(sent), stored) == merged


@pytest.mark.parametrize(
    ("attribute", "elements"),
    [
        (EMAILS, [{**WORK, "primary": True}, {**HOME, "primary": True}]),
        (EMAILS, [{**WORK, "primary": True}, {**HOME, "PRIMARY": "True"}]),
        (ADDRESSES, [{"type": "work", "primary": True}, {"type": "home", "primary": True}]),
        (SITES, [{"value": "a", "primary": True}, {"value": "b", "primary": True}]),
    ],
)
def test_several_primaries_are_rejected(attribute: Attribute, elements: list[Any]) -> None:
    parsed = parse_value(attribute, elements, LeniencyTracker())

    assert check_primary(attribute, parsed[:1])
    assert not check_primary(attribute, [])
    with pytest.raises(InvalidValue) as error:
        check_primary(attribute, parsed)
    assert error.value.detail == (
        f"Only one value of {attribute.name} can be primary. Set primary to true on one of them."
    )


@pytest.mark.slow
def test_duplicates_of_many_elements_are_found_in_linear_time() -> None:
    elements = [{"value": str(number), "type": "work", "display": "x"} for number in range(20_000)]

    check_cpu_units(lambda: merge_duplicates(EMAILS, elements + elements), 200)
