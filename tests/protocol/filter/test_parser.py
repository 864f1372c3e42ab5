"""The parser of filters: the grammar, the syntax trees, and the positions in errors."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol.errors import InvalidFilter
from scim.protocol.filter.ast import And, AttributePath, Comparison, ComparisonOperator, Filter, Not, Or, Present
from scim.protocol.filter.parser import MAX_COMPARISONS, MAX_DEPTH, parse_filter
from scim.protocol.leniency import LeniencyTracker
from tests.cpu_time import check_cpu_units
from tests.endpoint import CORE, ENTERPRISE
from tests.protocol.filter.resource_type import EXTENSION, TYPE

seeded = settings(derandomize=True, deadline=None, max_examples=300)


TITLE = Present(AttributePath(TYPE.core_schema.attributes["title"]))
EMPLOYEE = Comparison(AttributePath(TYPE.core_schema.attributes["usertype"]), ComparisonOperator.EQ, "Employee")
ACTIVE = Comparison(AttributePath(TYPE.core_schema.attributes["active"]), ComparisonOperator.EQ, True)


def parse(text: str, *, strict: bool = False) -> Filter:
    return parse_filter(text, TYPE, LeniencyTracker(strict))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('title pr or userType eq "Employee" and active eq true', Or((TITLE, And((EMPLOYEE, ACTIVE))))),
        ('title pr and userType eq "Employee" or active eq true', Or((And((TITLE, EMPLOYEE)), ACTIVE))),
        ('(title pr or userType eq "Employee") and active eq true', And((Or((TITLE, EMPLOYEE)), ACTIVE))),
        ('title pr and (userType eq "Employee" or active eq true)', And((TITLE, Or((EMPLOYEE, ACTIVE))))),
        ('not (title pr) and userType eq "Employee"', And((Not(TITLE), EMPLOYEE))),
        ('not (title pr and userType eq "Employee")', Not(And((TITLE, EMPLOYEE)))),
        ("not(not(title pr))", Not(Not(TITLE))),
        ('title pr or userType eq "Employee" or active eq true', Or((TITLE, EMPLOYEE, ACTIVE))),
        ('title pr or (userType eq "Employee" or active eq true)', Or((TITLE, EMPLOYEE, ACTIVE))),
        ('title pr and (userType eq "Employee" and active eq true)', And((TITLE, EMPLOYEE, ACTIVE))),
        (" or ".join(["(title pr)"] * 100), Or((TITLE,) * 100)),
        ("((title pr))", TITLE),
    ],
)
def test_precedence(text: str, tree: Filter) -> None:
    assert parse(text) == tree


def test_core_urn_is_optional() -> None:
    assert parse(f'{CORE}:userName sw "J"') == parse('userName sw "J"')


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("userName eq alice", "alice"),
        ("userName eq a@b.com", "a@b.com"),
        ("(userName eq alice)", "alice"),
        ("userName eq alice and title pr", "alice"),
        ("userName eq 42", "42"),
        ("userName eq true", "true"),
        ("userName eq 007", "007"),
        ("meta.lastModified gt 2015-10-10T14:38:21.8617979-07:00", "2015-10-10T14:38:21.8617979-07:00"),
    ],
)
def test_unquoted_value(text: str, value: str) -> None:
    tree = parse(text)
    first = tree.operands[0] if isinstance(tree, And) else tree

    assert isinstance(first, Comparison)
    assert first.value == value


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("'x'", "x"),
        ("''", ""),
        ("'a b (c]'", "a b (c]"),
        ("`x`", "x"),
        ("\u00b4x\u00b4", "x"),
        ("\uff07x\uff07", "x"),
        ("\u2018x\u2019", "x"),
        ("\u2019x\u2019", "x"),
        ("\u201ax\u2018", "x"),
        ("\u2039x\u203a", "x"),
        ("'x\u2019", "x"),
        ("\u201cx\u201d", "x"),
        ("\u201dx\u201d", "x"),
        ("\u201ex\u201c", "x"),
        ("\u00abx\u00bb", "x"),
        ("\u00bbx\u00ab", "x"),
        ("\uff02x\uff02", "x"),
        ("\u300cx\u300d", "x"),
        ("'O'Brien'", "O'Brien"),
        ("'O\u2019Brien'", "O\u2019Brien"),
        ("\u2018O\u2019Brien\u2019", "O\u2019Brien"),
        ("\u201cboys' club\u201d", "boys' club"),
        ("'O\\'Brien'", "O'Brien"),
        ("'say \"hi\"'", 'say "hi"'),
        ("'say \\\"hi\\\"'", 'say "hi"'),
        ("'a\\\\'", "a\\"),
        ("'\\u0041\\n'", "A\n"),
        ("\u201ca \\\u201db\\\u201d\u201d", "a \u201db\u201d"),
        ("O'Brien", "O'Brien"),
        ("O\u2019Brien", "O\u2019Brien"),
        ("\"'x'\"", "'x'"),
        ('"O\u2019Brien"', "O\u2019Brien"),
    ],
)
def test_other_quotes(literal: str, value: str) -> None:
    """Quotation marks around a value are no part of it. An apostrophe inside a word is."""
    expected = parse(f"userName eq {json.dumps(value)} and title pr")

    assert parse(f"userName eq {literal} and title pr") == expected
    assert parse(f"(userName eq {literal}) and title pr") == expected


@pytest.mark.parametrize(
    "literal",
    [
        *("'x", "x'", "'", "'x or title eq 'y'", "'x''y'", "'O''Brien'", "'O'Brien", "James'", "'x\\'", "'x\""),
        *(
            "\u201cx",
            "x\u201d",
            "\u201cx'",
            "'x\u201d",
            '\u201cx"',
            '"x\u201d',
            "a\u201cb",
            "\u201ca\u201cb\u201d",
            "\u00abx",
        ),
        *("'\\x'", "'a\nb'", "'\\ud800'", "\u201c\\x\u201d"),
        *("%22x%22", "%27x%27", "&quot;x&quot;", "&#39;x&#39;", "&APOS;x&APOS;", "x%22", '\\"x\\"', "\\'x\\'"),
    ],
)
def test_unbalanced_quotes_are_malformed(literal: str) -> None:
    """A quotation mark is never compared as a part of the value, unless it is an apostrophe inside a word."""
    with pytest.raises(InvalidFilter):
        parse(f"userName eq {literal}")


@pytest.mark.parametrize("literal", ["'x'", "\u201cx\u201d", "'x", "x'", "O'Brien"])
def test_other_quotes_in_strict_mode(literal: str) -> None:
    with pytest.raises(InvalidFilter, match=r"^A value in double quotes is expected at character 13 of"):
        parse(f"userName eq {literal}", strict=True)


@pytest.mark.parametrize("text", ["active eq 'true'", "active eq \u201cTrue\u201d"])
def test_boolean_in_other_quotes(text: str) -> None:
    assert parse(text) == parse(text.replace("'", '"').replace("\u201c", '"').replace("\u201d", '"'))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "SOMEVALUE",
            "userName",
            "userName eq",
            "eq",
            'eq "a"',
            '"a" eq userName',
            "and",
            "()",
            "not",
            "not ()",
        ),
        *("title pr and", "and title pr", "title pr title pr", "title pr or or title pr", "title pr and or title pr"),
        *("(title pr", "title pr)", "((title pr)", "not title pr", "not not (title pr)", "not (title pr) title pr"),
        *('userName = "a"', 'userName == "a"', 'userName eqq "a"', 'userName eq"a" "b"', "title prand title pr"),
        *(
            'userName eq "a',
            'userName eq a"',
            'userName eq "a"b',
            "userName eq a b",
            "userName eq (a)",
        ),
        *('title eq "\\x"', 'title eq "\\ud800"', 'title eq "a\nb"', 'title eq "\\u12"', "title eq [", "title eq )"),
        *("emails[", "emails[]", "emails[type]", 'emails[type eq "a"', 'emails[type eq "a"].value', "emails [type pr]"),
        *("emails[type pr] pr pr", "emails[emails[type pr]]", "emails.value[type pr]", 'name[familyName eq "a"]'),
        *(
            "emails.type.x pr",
            "emails[type pr].value.x pr",
            "emails..type pr",
            "title. pr",
            "emails[name.familyName pr]",
        ),
        *(f"{ENTERPRISE} pr", f"{CORE} pr", f'{ENTERPRISE} eq "a"', f"{CORE}", f"{EXTENSION}:Business  Unit pr"),
        *("title pr; drop", "title pr\x00", "title\u00a0pr", "title pr\u2028and title pr", "\uff54itle pr"),
        f"{EXTENSION}:Contract Level eq 1e999",
    ],
)
def test_malformed_filter(text: str) -> None:
    with pytest.raises(InvalidFilter):
        parse(text)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "unknown",
            "name.unknown",
            "emails.unknown",
            "userName.value",
            "email",
            f"{ENTERPRISE}:title",
            "urn:example:title",
        ),
        *("emails[unknown pr]", "emails[userName pr]", "emails[type pr].unknown"),
    ],
)
def test_unknown_attribute(name: str) -> None:
    with pytest.raises(InvalidFilter, match=r"^No schema has the attribute"):
        parse(f"{name} pr")


def test_error_does_not_contain_the_filter() -> None:
    with pytest.raises(InvalidFilter) as error:
        parse("bjensen")

    assert error.value.detail.endswith("is expected at the end.")
    assert "bjensen" not in error.value.detail


def test_error_has_a_position() -> None:
    with pytest.raises(InvalidFilter) as error:
        parse('userName eq "bjensen" und title pr')

    assert error.value.detail == "Unexpected text at character 23 of 34."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "The filter is empty. Leave it out, or compare an attribute with a value."),
        ("  ", "The filter is empty. Leave it out, or compare an attribute with a value."),
        ("userName eq ", "A value is expected at the end."),
        ("userName eq )", "A value is expected at character 13 of 13."),
        ("(userName pr", "A closing bracket is expected at the end."),
        ("(userName pr x", "A closing bracket is expected at character 14 of 14."),
        ("id pr and  ,", "The name of an attribute is expected at character 12 of 12."),
        ('userName eq "bjensen', "The closing quote is missing for the quote at character 13 of 20."),
        ('userName eq "\\x"', "A valid JSON string is expected at character 13 of 16."),
        ("userName eq 'x", "The quotes do not match. Put double quotes around the value at character 13 of 14."),
        ("userName eq x\u201d", "The quotes do not match. Put double quotes around the value at character 13 of 14."),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User pr",
            "An attribute is expected, but there is only the URN of a schema at character 1 of 45.",
        ),
        (
            "title[value pr]",
            "The attribute is not multi-valued, so square brackets are not allowed at character 6 of 15.",
        ),
        (
            "(" * 40 + "title pr" + ")" * 40,
            "More than 40 nested brackets at character 40 of 88.",
        ),
    ],
)
def test_position_of_error(text: str, expected: str) -> None:
    with pytest.raises(InvalidFilter) as error:
        parse(text)

    assert error.value.detail == expected


def test_position_of_unquoted_value_in_strict_mode() -> None:
    with pytest.raises(InvalidFilter, match=r"double quotes is expected at character 13 of 17\.$"):
        parse("userName eq alice", strict=True)


PIECES = (
    *("userName", "emails", "title", EXTENSION + ":Business Unit", CORE, "unknown", "a..b", "a'b"),
    *(
        " ",
        "  ",
        " eq ",
        " pr",
        " and ",
        "not ",
        "(",
        ")",
        "[",
        "]",
        ".value",
        '"x"',
        '"x',
        "'x'",
        "'x",
        "\u201cx\u201d",
        '"\\x"',
        "1e999",
        "1",
    ),
)


@seeded
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.booleans())
def test_position_of_error_is_in_the_text(pieces: list[str], strict: bool) -> None:
    text = "".join(pieces)
    error = find_error(text, strict=strict) if text.strip() else None
    if error is None or error.rule == "filter-attribute" or error.detail.endswith(" at the end."):
        return
    position = re.search(r" at character (\d+) of (\d+)\.$", error.detail)
    assert position is not None
    assert 1 <= int(position[1]) <= int(position[2]) == len(text)


def find_error(text: str, *, strict: bool) -> InvalidFilter | None:
    """Return the error for a filter, or ``None`` for a valid one."""
    try:
        parse(text, strict=strict)
    except InvalidFilter as error:
        return error
    return None


def test_limits_of_nesting_and_terms() -> None:
    deep = MAX_DEPTH - 1
    assert parse("(" * deep + "title pr" + ")" * deep) == TITLE
    assert parse(" or ".join(["title pr"] * MAX_COMPARISONS)) == Or((TITLE,) * MAX_COMPARISONS)
    with pytest.raises(InvalidFilter, match="More than 40 nested brackets"):
        parse("(" * (deep + 1) + "title pr" + ")" * (deep + 1))
    with pytest.raises(InvalidFilter, match="More than 200 comparisons"):
        parse(" or ".join(["title pr"] * (MAX_COMPARISONS + 1)))


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "(" * 10_000,
        "(" * 5_000 + ")" * 5_000,
        "not(" * 2_500,
        "emails[" * 1_400,
        "emails[" + "(" * 9_000,
        "title pr or " * 800 + "title pr",
        "title pr and " * 700 + "title pr",
        " or ".join(["title pr"] * 5_000),
        'userName eq "' + "a" * 9_900,
        'userName eq "' + '\\"' * 4_900,
        'userName eq "' + "\\" * 9_901,
        "userName eq '" + "a'" * 4_900 + "x",
        "userName eq \u201c" + "\\\u201d" * 4_900,
        "userName eq a" + "'a" * 4_900 + "'",
        "userName eq " + "[" * 9_900,
        "title pr" + " " * 9_900 + "x",
        "title pr " + "o" * 9_900,
        "." * 10_000,
        "urn:" * 2_500,
        f"{EXTENSION}:" * 150,
    ],
    ids=lambda text: f"{text[:12]}... of {len(text)}",
)
def test_hostile_filter_is_rejected_fast(text: str) -> None:

    def work() -> None:
        with pytest.raises(InvalidFilter):
            parse(text)

    check_cpu_units(work, 50)


@seeded
@given(st.text() | st.text(alphabet="titleprandonq ()[]\"\\.:1'\u201c\u201d"))
def test_any_text_is_valid_or_rejected(text: str) -> None:
    try:
        tree = parse(text)
    except InvalidFilter:
        return
    assert parse(str(tree)) == tree
