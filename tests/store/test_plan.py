"""Which filters are answered from keys."""

import pytest

from scim.protocol.dialect import Dialect
from scim.protocol.filter.parser import parse_filter
from scim.protocol.schema import user_type
from scim.store.plan import Point, points

NAMES = frozenset({"id", "userName", "externalId", "emails.value"})


def planned(text: str) -> set[tuple[str, str]] | None:
    found = points(parse_filter(text, user_type(), Dialect()), NAMES)
    return None if found is None else {(point.name, point.value) for point in found}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('id eq "x"', {("id", "x")}),
        ('USERNAME eq "Bob"', {("userName", "Bob")}),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "Bob"', {("userName", "Bob")}),
        ("userName eq Bob", {("userName", "Bob")}),
        ('externalId eq "42"', {("externalId", "42")}),
        ("externalId eq 42", {("externalId", "42")}),
        ('emails.value eq "a"', {("emails.value", "a")}),
        ('emails eq "a"', {("emails.value", "a")}),
        ('emails[value eq "a"]', {("emails.value", "a")}),
        ('emails[type eq "work" and value eq "a"]', {("emails.value", "a")}),
        ('emails[type eq "work"].value eq "a"', {("emails.value", "a")}),
        ('title pr and userName eq "a"', {("userName", "a")}),
        ('userName eq "a" or externalId eq "b"', {("userName", "a"), ("externalId", "b")}),
        ('(userName eq "a" or id eq "b") and active eq true', {("userName", "a"), ("id", "b")}),
    ],
)
def test_equality_with_an_attribute_that_has_keys_is_a_point(text: str, expected: set[tuple[str, str]]) -> None:
    assert planned(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        'userName sw "a"',
        'userName ne "a"',
        'not (userName eq "a")',
        'userName eq "a" or title pr',
        'emails[type eq "work"]',
        'emails.type eq "work"',
        "externalId eq null",
        'title eq "a"',
        " or ".join(f'userName eq "{number}"' for number in range(21)),
    ],
)
def test_everything_else_is_a_walk(text: str) -> None:
    assert planned(text) is None


def test_the_smallest_set_of_points_is_taken_of_an_and() -> None:
    text = '(userName eq "a" or userName eq "b") and externalId eq "c"'
    assert points(parse_filter(text, user_type(), Dialect()), NAMES) == frozenset({Point("externalId", "c")})
