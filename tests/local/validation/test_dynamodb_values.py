"""Attribute values that DynamoDB rejects are rejected; the limits are those of its documentation."""

from typing import Any

import pytest

from local.validation.dynamodb_values import check_value


def nest(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "x"}
    for _ in range(levels):
        value = {"L": [value]}
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"SS": []}, "may not be empty"),
        ({"SS": ["a", "a"]}, "duplicates"),
        ({"NS": ["1", "1.0"]}, "duplicates"),
        ({"N": "1" * 39}, "significant digits"),
        ({"N": "1E126"}, "overflow"),
        ({"N": "1E-131"}, "overflow"),
        ({"N": "x"}, "numeric"),
        ({"N": "NaN"}, "numeric"),
        ({"NS": ["1" * 39]}, "significant digits"),
        (nest(33), "Nesting"),
        ({"M": {"a": {"SS": []}}}, "may not be empty"),
        ({"S": "\ud800"}, "surrogate"),
        ({}, "exactly one"),
        ({"S": "a", "N": "1"}, "exactly one"),
    ],
)
def test_invalid_value_is_rejected(value: dict[str, Any], message: str) -> None:
    assert message in "; ".join(violation.message for violation in check_value(value))


@pytest.mark.parametrize(
    "value",
    [
        {"S": ""},
        {"SS": [""]},
        {"N": "1" * 38},
        {"N": "1" * 38 + "0" * 80},
        {"N": "0"},
        {"N": "-9.9E125"},
        {"N": "1E-130"},
        {"L": []},
        {"M": {}},
        {"NULL": True},
        nest(32),
    ],
)
def test_value_is_accepted(value: dict[str, Any]) -> None:
    assert list(check_value(value)) == []
