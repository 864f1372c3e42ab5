"""Evaluation of filters: the users that match."""

from itertools import combinations
from typing import Any

import pytest

from scim.protocol.errors import InvalidFilter
from scim.protocol.filter.ast import ComparisonOperator
from scim.protocol.filter.evaluator import compile_filter
from scim.protocol.filter.parser import parse_filter, parse_path
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.schema import load_user_type
from tests.cpu_time import check_cpu_units
from tests.endpoint import CORE, ENTERPRISE
from tests.protocol.filter.resource_type import EXTENSION, TYPE

USER: dict[str, Any] = {
    "schemas": [CORE, ENTERPRISE, EXTENSION],
    "id": "2819c223-7f76-453a-919d-413861904646",
    "externalId": "Ext-701984",
    "userName": "bjensen",
    "name": {"familyName": "O'Malley", "givenName": "Zo\u00eb"},
    "title": "Stra\u00dfe",
    "userType": "Employee",
    "active": True,
    "profileUrl": "https://example.com/BJensen",
    "emails": [
        {"value": "bjensen@example.com", "type": "work", "primary": True},
        {"value": "babs@jensen.org", "type": "home"},
    ],
    "x509Certificates": [{"value": "TUlJ"}],
    "meta": {"resourceType": "User", "lastModified": "2015-10-10T14:38:21.8617979-07:00"},
    ENTERPRISE: {"department": "Tours", "manager": {"value": "26118915"}},
    EXTENSION: {"Business Unit": "Sales EMEA", "Contract Level": 3, "Start Date": "2024-02-29", "Remote Worker": False},
}


def matches(text: str, user: dict[str, Any] = USER) -> bool:
    leniencies = LeniencyTracker()
    return compile_filter(parse_filter(text, TYPE, leniencies), leniencies)(user)


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "bjensen"',
        'userName eq "BJENSEN"',
        'userName ne "jsmith"',
        'userName co "JENS"',
        'userName sw "BJ"',
        'userName ew "SEN"',
        'userName gt "alice"',
        'userName ge "bjensen"',
        'userName lt "carol"',
        'userName le "BJENSEN"',
        'title eq "STRA\u1e9eE"',
        'name.givenName eq "zoe\u0308"',
        'externalId eq "Ext-701984"',
        'schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user"',
        "active eq true",
        'active eq "true"',
        "active eq True",
        "active ne false",
        "active pr",
        'emails eq "babs@jensen.org"',
        'emails.value eq "BABS@JENSEN.ORG"',
        'emails co "jensen.org"',
        'emails.type eq "home"',
        "emails.primary eq true",
        "emails pr",
        "emails.value pr",
        'emails[type eq "home"]',
        'emails[type eq "work" and value co "@example.com"]',
        "emails[not (primary eq true)]",
        "emails[primary eq false]",
        "emails[primary ne true]",
        'emails[primary eq "False"].value eq "babs@jensen.org"',
        'emails[type eq "home"].primary eq false',
        "emails.primary eq false",
        "emails.primary ne true",
        "emails.primary ne false",
        "not (x509Certificates.primary eq true)",
        'emails ne "babs@jensen.org"',
        'emails.type ne "work"',
        "x509Certificates.type eq null",
        f'schemas ne "{CORE}"',
        'emails[type eq "work"].value eq "bjensen@example.com"',
        'emails[type eq "work"].value ne "babs@jensen.org"',
        'emails[type eq "home"].value pr',
        'not (emails[type eq "other"].value pr)',
        f'{ENTERPRISE}:department eq "tours"',
        f'{ENTERPRISE}:manager eq "26118915"',
        f'{ENTERPRISE}:manager.value eq "26118915"',
        f"{ENTERPRISE}:manager pr",
        'manager eq "26118915"',
        f'{EXTENSION}:Business Unit sw "sales"',
        f"{EXTENSION}:Contract Level eq 3",
        f"{EXTENSION}:Contract Level eq 3.0",
        f"{EXTENSION}:Contract Level gt 2.5",
        f"{EXTENSION}:Contract Level le 1e2",
        f"{EXTENSION}:Contract Level ne 4",
        f'{EXTENSION}:Start Date ge "2024-01-01"',
        f"{EXTENSION}:Remote Worker eq false",
        f"{EXTENSION}:Remote Worker pr",
        'meta.lastModified eq "2015-10-10T21:38:21.8617979Z"',
        'meta.lastModified gt "2015-10-10T21:38:21.8617978Z"',
        'meta.lastModified lt "2015-10-10T21:38:21.861798Z"',
        'meta.lastModified ge "0001-01-03T00:00:00.0000000Z"',
        'meta.lastModified ne "2015-10-10T14:38:21.8617979Z"',
        'meta.lastModified sw "2015-10-10"',
        "meta.lastModified pr",
        'x509Certificates.value eq "TUlJ"',
        'profileUrl sw "https://example.com/B"',
        'title pr and active eq true or userName eq "x"',
        'userName eq "x" or title pr and active eq true',
        'not (userName eq "x" or active eq false)',
        f"title pr and not ({ENTERPRISE}:costCenter pr)",
    ],
)
def test_match(text: str) -> None:
    assert matches(text)


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "bjensenx"',
        'userName ne "BJensen"',
        'userName gt "bjensen"',
        'externalId eq "ext-701984"',
        "active eq false",
        "not (active pr)",
        'emails eq "babs"',
        'emails[type eq "home"].value ne "babs@jensen.org"',
        'emails[type eq "other"].value ne "babs@jensen.org"',
        'not (emails eq "babs@jensen.org")',
        'x509Certificates ne "TUlJ"',
        'emails[type eq "work"].primary eq false',
        'emails[type eq "work" and primary eq false]',
        'emails[type eq "home"].primary ne false',
        "x509Certificates.primary eq true",
        "x509Certificates.primary pr",
        "not (emails.primary eq false)",
        'emails[type eq "home" and primary eq true]',
        'emails[type eq "home" and value co "@example.com"]',
        'emails[type eq "home"].value eq "bjensen@example.com"',
        'emails[type eq "home"].primary pr',
        'x509Certificates.value eq "tulj"',
        'profileUrl sw "https://example.com/b"',
        'meta.lastModified gt "2015-10-10T21:38:21.8617979Z"',
        f"{EXTENSION}:Contract Level gt 3",
        f"{EXTENSION}:Cost Center pr",
        '(title pr or active eq true) and userName eq "x"',
    ],
)
def test_no_match(text: str) -> None:
    assert not matches(text)


ABSENT = [
    ('eq "a"', False),
    ("eq null", True),
    ("ne null", False),
    ("pr", False),
    *[(f'{operator} "a"', False) for operator in ("co", "sw", "ew", "gt", "ge", "lt", "le")],
]


@pytest.mark.parametrize(("operator", "is_match"), [*ABSENT, ('ne "a"', True)])
@pytest.mark.parametrize("name", ["nickName", "name.middleName", "emails.display", f"{ENTERPRISE}:division"])
def test_absent_single_value(name: str, operator: str, is_match: bool) -> None:
    """An absent single value is null, which is not identical to any value."""
    assert matches(f"{name} {operator}") is is_match


@pytest.mark.parametrize(("operator", "is_match"), [*ABSENT, ('ne "a"', False)])
@pytest.mark.parametrize("name", ["ims", "ims.value", "ims[type pr].value", 'emails[type eq "other"].type'])
def test_absent_multi_valued_attribute(name: str, operator: str, is_match: bool) -> None:
    """A comparison matches if any of the values match. An attribute without elements has no values."""
    assert matches(f"{name} {operator}") is is_match


ELEMENTS: list[dict[str, Any]] = [
    {"value": "a"},
    {"value": "b", "type": "a"},
    {"value": "b", "type": "b", "primary": True},
    {"value": "c", "primary": False},
]


@pytest.mark.parametrize(
    "comparison",
    [
        *[f'{name} {operator} "a"' for name in ("type", "value") for operator in ("eq", "ne", "co", "gt", "le")],
        *[f"primary {operator} {value}" for operator in ("eq", "ne") for value in ("true", "false")],
        *[f"{name} {rest}" for name in ("type", "primary") for rest in ("pr", "ne null")],
    ],
)
def test_comparison_of_sub_attribute_is_one_of_an_element(comparison: str) -> None:
    """``emails.type ne "a"`` and ``emails[type ne "a"]`` match the same users: those with a matching element."""
    users = [{"emails": list(chosen)} for count in range(1, 5) for chosen in combinations(ELEMENTS, count)]
    by_path, by_value_filter = (
        [matches(text, user) for user in ({}, *users)] for text in (f"emails.{comparison}", f"emails[{comparison}]")
    )

    assert by_path == by_value_filter
    assert set(by_path) == {True, False}


def test_null_sub_attribute_of_one_element() -> None:
    """A comparison with null matches if any element has no value, or if there are no elements."""
    users = [{"emails": ELEMENTS[:1]}, {"emails": ELEMENTS[:2]}, {"emails": ELEMENTS[1:2]}, {}]

    assert [matches("emails.type eq null", user) for user in users] == [True, True, False, True]


SUB_ATTRIBUTES = [{"name": "value", "type": "string"}, {"name": "primary", "type": "boolean"}]
SHIFTS = {
    "id": "urn:example:Shifts",
    "attributes": [
        {"name": name, "type": "complex", "multiValued": is_multi_valued, "subAttributes": SUB_ATTRIBUTES}
        for name, is_multi_valued in (("shifts", True), ("desk", False))
    ],
}


@pytest.mark.parametrize(
    ("text", "is_match"),
    [
        ("shifts.primary eq false", True),
        ("shifts.primary ne true", True),
        ("shifts.primary eq true", False),
        ("shifts.primary pr", False),
        ("shifts[primary eq false]", True),
        ("desk.primary eq false", False),
        ("desk.primary ne true", True),
    ],
)
def test_primary_of_custom_attribute(text: str, is_match: bool) -> None:
    """``primary`` is false by default in the elements of every multi-valued attribute, and only there."""
    resource_type = load_user_type().with_extensions([SHIFTS])
    leniencies = LeniencyTracker()
    tree = parse_filter(f"urn:example:Shifts:{text}", resource_type, leniencies)
    user = {"urn:example:Shifts": {"shifts": [{"value": "early"}], "desk": {"value": "12"}}}

    assert compile_filter(tree, leniencies)(user) is is_match


@pytest.mark.parametrize(
    "name", ["title", "emails", "emails.type", "name.givenName", "active", f"{ENTERPRISE}:manager"]
)
def test_present_attribute_is_not_null(name: str) -> None:
    assert (matches(f"{name} eq null"), matches(f"{name} ne null")) == (False, True)


@pytest.mark.parametrize("empty", ["", None, [], {}])
def test_empty_value_is_not_present(empty: Any) -> None:
    assert not matches("title pr", {"title": empty})


def test_not_with_absent_attribute() -> None:
    assert (matches('nickName gt "a"'), matches('not (nickName gt "a")')) == (False, True)


@pytest.mark.parametrize(
    "text",
    [
        *[f"active {operator} true" for operator in ("gt", "ge", "lt", "le", "co", "sw", "ew")],
        *[f"active eq {value}" for value in ('"yes"', '"1"', "1", "0", '""', "yes")],
        *[f'x509Certificates.value {operator} "YQ=="' for operator in ("gt", "ge", "lt", "le", "co", "sw", "ew")],
        *[f"{EXTENSION}:Contract Level {operator} 1" for operator in ("co", "sw", "ew")],
        *[f"{EXTENSION}:Contract Level eq {value}" for value in ('"3"', "true", "three", "007", "1.", "\u0663")],
        *[f'meta.lastModified {operator} "yesterday"' for operator in ("eq", "ne", "gt", "ge", "lt", "le")],
        'meta.lastModified gt "2015-10-10"',
        *[f"title {operator} null" for operator in ("co", "sw", "ew", "gt", "ge", "lt", "le")],
        'name eq "Jensen"',
        'addresses eq "Hollywood"',
        'meta eq "User"',
        'emails[primary eq "yes"]',
        'emails[primary gt true].value eq "a"',
        'title pr or active eq "yes"',
        *("password pr", 'password eq "t1meMa$heen"', 'password sw "t"'),
    ],
)  # fmt: skip
def test_comparison_of_wrong_type_is_invalid(text: str) -> None:
    with pytest.raises(InvalidFilter):
        matches(text, {})


@pytest.mark.parametrize("operator", ComparisonOperator)
def test_operators_compare_strings(operator: ComparisonOperator) -> None:
    is_match = operator not in (ComparisonOperator.NE, ComparisonOperator.GT, ComparisonOperator.LT)
    assert matches(f'userName {operator} "bjensen"') is is_match


@pytest.mark.parametrize("number", ["9" * 9_900, "1e" + "9" * 9_900], ids=["integer", "exponent"])
def test_very_long_number_is_rejected_fast(number: str) -> None:

    def work() -> None:
        with pytest.raises(InvalidFilter):
            matches(f"{EXTENSION}:Contract Level eq {number}")

    check_cpu_units(work, 50)


def test_strict_mode() -> None:
    for text in ("userName eq alice", 'manager eq "1"', f'{ENTERPRISE}.manager eq "1"'):
        with pytest.raises(InvalidFilter):
            parse_filter(text, TYPE, LeniencyTracker(is_strict=True))
    with pytest.raises(InvalidFilter):
        compile_filter(parse_filter('active eq "true"', TYPE, LeniencyTracker()), LeniencyTracker(is_strict=True))


def test_selection_matches_elements() -> None:
    selection = parse_path('emails[type eq "work"].value', TYPE, LeniencyTracker()).value_filter
    assert selection is not None
    predicate = compile_filter(selection, LeniencyTracker())

    assert [predicate(email) for email in USER["emails"]] == [True, False]
