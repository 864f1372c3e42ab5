"""The syntax tree of a filter: its text form and its paths."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol.filter.ast import (
    And,
    AttributePath,
    Comparison,
    ComparisonOperator,
    Filter,
    FilterLiteral,
    Not,
    Or,
    Present,
    ValuePath,
    list_paths,
)
from scim.protocol.filter.parser import parse_filter, parse_path
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.schema import Attribute, DataType, Schema
from tests.endpoint import CORE, ENTERPRISE
from tests.protocol.filter.resource_type import EXTENSION, TYPE

seeded = settings(derandomize=True, deadline=None, max_examples=300)


def parse(text: str, *, strict: bool = False) -> Filter:
    return parse_filter(text, TYPE, LeniencyTracker(strict))


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "bjensen"',
        'name.familyName co "O\'Malley"',
        'userName sw "J"',
        "title pr",
        'meta.lastModified gt "2011-05-13T04:42:34Z"',
        'meta.lastModified ge "2011-05-13T04:42:34Z"',
        'meta.lastModified lt "2011-05-13T04:42:34Z"',
        'meta.lastModified le "2011-05-13T04:42:34Z"',
        'title pr and userType eq "Employee"',
        'title pr or userType eq "Intern"',
        'schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"',
        'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
        'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
        'userType eq "Employee" and (emails.type eq "work")',
        'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]',
        'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
    ],
)
def test_rfc_example_has_the_same_text(text: str) -> None:
    expected = text.replace('(emails.type eq "work")', 'emails.type eq "work"')

    assert str(parse(text, strict=True)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('USERNAME EQ "Bjensen"', 'userName eq "Bjensen"'),
        ("title PR AND active Eq TRUE OR NOT (title Pr)", "title pr and active eq true or not (title pr)"),
        ('  title\tpr  and\r\n userType  eq   "a"  ', 'title pr and userType eq "a"'),
        ("title pr and(active eq true)", "title pr and active eq true"),
        ("( title pr )or( active eq true )", "title pr or active eq true"),
        (f"{CORE.upper()}:USERNAME pr", "userName pr"),
        (f"{ENTERPRISE}.manager pr", f"{ENTERPRISE}:manager pr"),
        ('manager eq "1"', f'{ENTERPRISE}:manager eq "1"'),
        (f'{EXTENSION}:Business Unit eq "a"', f'{EXTENSION}:Business Unit eq "a"'),
        (f"{EXTENSION.upper()}:BUSINESS UNIT pr", f"{EXTENSION}:Business Unit pr"),
        (f"{EXTENSION}:Contract Level gt 2", f"{EXTENSION}:Contract Level gt 2"),
        (f"{EXTENSION}:Contract Level gt -2.50e+1", f"{EXTENSION}:Contract Level gt -25.0"),
        ('emails[type eq "work"].value eq "a"', 'emails[type eq "work"].value eq "a"'),
        ('emails[not (type eq "work")].value pr', 'emails[not (type eq "work")].value pr'),
        (r'title eq "a\"b\\c\/d\n\u00e9"', 'title eq "a\\"b\\\\c/d\\n\u00e9"'),
        (r'title eq "\ud83d\ude00"', 'title eq "\U0001f600"'),
        ("title eq null", "title eq null"),
        ("active eq False", "active eq false"),
        ('active eq "True"', 'active eq "True"'),
    ],
)
def test_canonical_form(text: str, expected: str) -> None:
    assert str(parse(text)) == expected


def list_schema_paths(schema: Schema) -> list[AttributePath]:
    extension = None if schema is TYPE.core_schema else schema.id
    whole = [AttributePath(attribute, extension=extension) for attribute in schema.attributes.values()]
    return whole + [
        AttributePath(attribute, sub, extension)
        for attribute in schema.attributes.values()
        for sub in attribute.sub_attributes.values()
    ]


PATHS = [path for schema in TYPE.schemas for path in list_schema_paths(schema)]


MULTI_VALUED = [
    name
    for name, attribute in TYPE.core_schema.attributes.items()
    if attribute.is_multi_valued and attribute.sub_attributes
]


OPERATORS = st.sampled_from(ComparisonOperator)


TEXTS = st.none() | st.text(max_size=20)


NUMBERS = TEXTS | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)


def literals(attribute: Attribute | None) -> st.SearchStrategy[FilterLiteral]:
    """Return values that can be compared with an attribute."""
    return NUMBERS if attribute is not None and attribute.type in (DataType.INTEGER, DataType.BOOLEAN) else TEXTS


def draw_expression(draw: st.DrawFn, paths: list[AttributePath]) -> Filter:
    """Draw a comparison or a presence test of one of the paths."""
    path = paths[draw(st.integers(0, len(paths) - 1))]
    if draw(st.booleans()):
        return Present(path)
    return Comparison(path, draw(OPERATORS), draw(literals(path.leaf)))


@st.composite
def expressions(draw: st.DrawFn) -> Filter:
    return draw_expression(draw, PATHS)


@st.composite
def relative_expressions(draw: st.DrawFn, name: str) -> Filter:
    """Draw an expression for the brackets after a multi-valued attribute."""
    return draw_expression(
        draw, [AttributePath(sub) for sub in TYPE.core_schema.attributes[name].sub_attributes.values()]
    )


def join(node_class: type[And] | type[Or], terms: list[Filter]) -> Filter:
    """Join the terms without nested nodes of the same class, as the parser does."""
    return node_class(
        tuple(operand for term in terms for operand in (term.operands if isinstance(term, node_class) else (term,)))
    )


def combine(leaves: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(Not, inner),
            st.builds(join, st.sampled_from([And, Or]), st.lists(inner, min_size=2, max_size=3)),
        ),
        max_leaves=6,
    )


SELECTIONS = {name: combine(relative_expressions(name)) for name in MULTI_VALUED}


@st.composite
def selections(draw: st.DrawFn) -> Filter:
    name = draw(st.sampled_from(MULTI_VALUED))
    attribute = TYPE.core_schema.attributes[name]
    selection = draw(SELECTIONS[name])
    if draw(st.booleans()):
        return ValuePath(AttributePath(attribute, value_filter=selection))
    return draw_expression(
        draw, [AttributePath(attribute, sub, None, selection) for sub in (None, *attribute.sub_attributes.values())]
    )


FILTERS = combine(st.one_of(expressions(), selections()))


@pytest.mark.slow
@seeded
@given(FILTERS)
def test_text_of_tree_parses_to_the_tree(tree: Filter) -> None:
    leniencies = LeniencyTracker()
    assert parse_filter(str(tree), TYPE, leniencies) == tree
    assert set(leniencies.used) <= {"value-filter"}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('userName eq "meta"', ["userName"]),
        ("meta.created pr", ["meta.created"]),
        ('not (meta.location co "x")', ["meta.location"]),
        (
            'title pr and (active eq true or not (META.created gt "2026-01-01T00:00:00Z"))',
            ["title", "active", "meta.created"],
        ),
        ('emails[type eq "work" and value co "x"]', ['emails[type eq "work" and value co "x"]']),
        ('emails[type eq "work"].value pr or title pr', ['emails[type eq "work"].value', "title"]),
        (f'{ENTERPRISE}:manager.value eq "boss"', [f"{ENTERPRISE}:manager.value"]),
    ],
)
def test_paths_of_terms(text: str, paths: list[str]) -> None:
    """A selection is part of its path, and a value is not a path."""
    assert list(map(str, list_paths(parse(text)))) == paths


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("active", "active", True),
        ("meta.version", "meta", True),
        ("meta.version", "version", False),
        (f"{CORE}:active", "active", True),
        (f"{ENTERPRISE}:manager", "manager", False),
        (ENTERPRISE, "active", False),
    ],
)
def test_path_of_core_attribute(text: str, name: str, expected: bool) -> None:
    assert parse_path(text, TYPE, LeniencyTracker()).is_core(name) is expected
