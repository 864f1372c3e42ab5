"""The plans of queries: which index a filter and an order use."""

from dataclasses import replace

import pytest

from scim.protocol.filter.parser import parse_filter
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.schema import load_user_type
from scim.protocol.sort import compile_sort
from scim.store.query.plan import (
    FullScanPlan,
    IndexedAttributes,
    IndexedValue,
    IndexLookupPlan,
    OrderedIndex,
    Plan,
    RangePlan,
    find_indexed_values,
    plan_query,
)

NAMES = frozenset({"id", "userName", "externalId", "emails.value"})


def find_values(text: str) -> set[tuple[str, str]] | None:
    values = find_indexed_values(parse_filter(text, load_user_type(), LeniencyTracker()), NAMES)
    return None if values is None else {(value.name, value.value) for value in values}


class TestLookups:
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
    def test_equality_with_an_indexed_attribute_is_a_lookup(self, text: str, expected: set[tuple[str, str]]) -> None:
        assert find_values(text) == expected

    @pytest.mark.parametrize(
        "text",
        [
            'userName sw "a"',
            'userName ne "a"',
            'emails ne "a"',
            'emails[value ne "a"]',
            'emails[type eq "work"].value ne "a"',
            'not (userName eq "a")',
            'userName eq "a" or title pr',
            'emails[type eq "work"]',
            'emails.type eq "work"',
            "externalId eq null",
            'title eq "a"',
            " or ".join(f'userName eq "{number}"' for number in range(21)),
        ],
    )
    def test_other_filters_have_no_lookup(self, text: str) -> None:
        assert find_values(text) is None

    def test_and_uses_its_smallest_lookup(self) -> None:
        text = '(userName eq "a" or userName eq "b") and externalId eq "c"'
        assert find_indexed_values(parse_filter(text, load_user_type(), LeniencyTracker()), NAMES) == frozenset(
            {IndexedValue("externalId", "c")}
        )


def plan(text: str | None, sort: str | None = None) -> Plan:
    tree = parse_filter(text, load_user_type(), LeniencyTracker()) if text is not None else None
    order = compile_sort(sort, load_user_type(), LeniencyTracker()).path if sort else None
    return plan_query(
        tree,
        order,
        IndexedAttributes("userName", is_case_exact=False, others=frozenset({"externalId", "emails.value"})),
    )


NAME, TIME = OrderedIndex.UNIQUE_KEYS, OrderedIndex.LAST_MODIFIED
LAST = "\U0010ffff"


class TestRanges:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('userName sw "Bob"', RangePlan(NAME, "bob", "bob" + LAST)),
            ('userName sw "STRA\u1e9eE"', RangePlan(NAME, "stra\u00dfe", "stra\u00dfe" + LAST)),
            ('userName sw "Cafe\u0301"', RangePlan(NAME, "caf\u00e9", "caf\u00e9" + LAST)),
            (
                'userName sw "\u039f\u0394\u039f\u03a3"',
                RangePlan(NAME, "\u03bf\u03b4\u03bf", "\u03bf\u03b4\u03bf" + LAST, is_exact=False),
            ),
            ('userName sw "\u03a3\u039f"', RangePlan(NAME, "\u03c3\u03bf", "\u03c3\u03bf" + LAST)),
            ('userName sw "\u03a3"', FullScanPlan(is_exact=False)),
            ('userName ge "B"', RangePlan(NAME, "b")),
            ('userName gt "B"', RangePlan(NAME, "b\0")),
            ('userName le "B"', RangePlan(NAME, last="b")),
            ('userName lt "B"', RangePlan(NAME, last="b", is_exact=False)),
            ('userName ge "a" and userName le "c"', RangePlan(NAME, "a", "c")),
            ('userName le "c" and userName gt "a"', RangePlan(NAME, "a\0", "c")),
            ('userName ge "a" and userName ge "b" and userName lt "d"', RangePlan(NAME, "b", "d", is_exact=False)),
            ('userName sw "b" and userName ge "bob"', RangePlan(NAME, "bob", "b" + LAST)),
            ('userName sw "b" and active eq true', RangePlan(NAME, "b", "b" + LAST, is_exact=False)),
            (
                'userName sw "b" and meta.lastModified gt "2026-01-01T00:00:00Z"',
                RangePlan(NAME, "b", "b" + LAST, is_exact=False),
            ),
            ('userName ge "z" and userName le "a"', RangePlan(NAME, "z", "a")),
            (f'userName sw "{"x" * 800}"', RangePlan(NAME, "x" * 800, "x" * 800 + LAST)),
            *(
                (f'userName {operator} "{"x" * 801}"', replace(expected, is_exact=False))
                for operator, expected in {
                    "sw": RangePlan(NAME, "x" * 800, "x" * 800 + LAST),
                    "ge": RangePlan(NAME, "x" * 800),
                    "gt": RangePlan(NAME, "x" * 800),
                    "le": RangePlan(NAME, last="x" * 800 + LAST),
                    "lt": RangePlan(NAME, last="x" * 800 + LAST),
                }.items()
            ),
            (f'userName sw "{"€" * 300}"', RangePlan(NAME, "€" * 266, "€" * 266 + LAST, is_exact=False)),
            ('userName co "b"', FullScanPlan(is_exact=False)),
            ('userName sw "a" or userName sw "b"', FullScanPlan(is_exact=False)),
            ('not (userName sw "a")', FullScanPlan(is_exact=False)),
            ('externalId sw "a"', FullScanPlan(is_exact=False)),
        ],
    )
    def test_comparisons_of_user_name_are_ranges(self, text: str, expected: Plan) -> None:
        assert plan(text) == expected

    @pytest.mark.parametrize(
        ("text", "first", "last"),
        [
            ('gt "2026-01-02T03:04:05Z"', "2026-01-02T03:04:05.001Z", None),
            ('ge "2026-01-02T03:04:05Z"', "2026-01-02T03:04:05.000Z", None),
            ('ge "2026-01-02T03:04:05.678Z"', "2026-01-02T03:04:05.678Z", None),
            ('ge "2026-01-02T03:04:05.6780000Z"', "2026-01-02T03:04:05.678Z", None),
            ('ge "2026-01-02T03:04:05.6780001Z"', "2026-01-02T03:04:05.679Z", None),
            ('gt "2026-01-02T03:04:05.6789Z"', "2026-01-02T03:04:05.679Z", None),
            ('gt "2026-12-31T23:59:59.999Z"', "2027-01-01T00:00:00.000Z", None),
            ('ge "2026-01-01T00:30:00+01:00"', "2025-12-31T23:30:00.000Z", None),
            ('ge "2026-02-28T23:30:00-01:00"', "2026-03-01T00:30:00.000Z", None),
            ('ge "2026-01-02T03:04:05"', "2026-01-02T03:04:05.000Z", None),
            ('ge "0001-01-01T00:00:00+05:00"', "0001-01-01T00:00:00.000Z", None),
            ('ge "9999-12-31T23:59:59-05:00"', "9999-12-31T23:59:59.999Z", None),
            ('gt "9999-12-31T23:59:59.999Z"', "9999-12-31T23:59:59.999Z", None),
            (
                'ge "2026-01-01T00:00:00Z" and meta.lastModified le "2026-01-02T00:00:00.5Z"',
                "2026-01-01T00:00:00.000Z",
                "2026-01-02T00:00:00.500Z",
            ),
            (
                'ge "2026-01-01T00:00:00Z" and meta.lastModified lt "2026-01-02T00:00:00Z"',
                "2026-01-01T00:00:00.000Z",
                "2026-01-01T23:59:59.999Z",
            ),
            (
                'ge "2026-01-01T00:00:00Z" and meta.lastModified lt "2026-01-02T00:00:00.0001Z"',
                "2026-01-01T00:00:00.000Z",
                "2026-01-02T00:00:00.000Z",
            ),
        ],
    )
    def test_comparisons_of_last_modified_are_ranges(self, text: str, first: str, last: str | None) -> None:
        assert plan(f"meta.lastModified {text}") == RangePlan(TIME, first, last)

    @pytest.mark.parametrize("operator", ["lt", "le", "eq", "ne"])
    def test_last_modified_without_lower_bound_is_a_scan(self, operator: str) -> None:
        assert plan(f'meta.lastModified {operator} "2026-01-01T00:00:00Z"') == FullScanPlan(is_exact=False)

    @pytest.mark.parametrize(
        ("text", "sort", "expected"),
        [
            (None, None, FullScanPlan(is_exact=True)),
            (None, "userName", RangePlan(NAME)),
            (None, "displayName", FullScanPlan(is_exact=False)),
            ("active eq true", "userName", FullScanPlan(is_exact=False)),
            ('userName sw "b"', "displayName", RangePlan(NAME, "b", "b" + LAST)),
        ],
    )
    def test_order_selects_index_without_a_filter(self, text: str | None, sort: str | None, expected: Plan) -> None:
        assert plan(text, sort) == expected

    @pytest.mark.parametrize(
        ("text", "exact"),
        [
            ('externalId eq "1"', True),
            ('emails eq "a"', True),
            ('emails[value eq "a"]', True),
            ('userName eq "a" or externalId eq "1"', True),
            ('emails[type eq "work" and value eq "a"]', False),
            ('emails[type eq "work"].value eq "a"', False),
            ('externalId eq "1" and active eq true', False),
            (f'id eq "{"0" * 8}-0000-4000-8000-{"0" * 12}"', False),
            ('id eq "1" or externalId eq "1"', False),
        ],
    )
    def test_lookup_is_exact_if_all_entries_match(self, text: str, exact: bool) -> None:
        lookup = plan(text)

        assert isinstance(lookup, IndexLookupPlan)
        assert lookup.is_exact is exact
