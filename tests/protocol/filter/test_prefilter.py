"""The prefilter refuses only documents that do not match, and it refuses those that it is made for."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from scim.protocol.errors import InvalidFilter
from scim.protocol.filter.evaluator import compile_filter
from scim.protocol.filter.parser import parse_filter
from scim.protocol.filter.prefilter import DocumentTest, compile_prefilter
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.schema import load_user_type
from tests.differential.generator import Generator
from tests.endpoint import CORE, ENTERPRISE
from tests.protocol.filter.resource_type import EXTENSION, TYPE
from tests.size import scale, sizes

ANYTHING = "urn:example:unknown"
CUSTOM_NAMES = ("Business Unit", "Contract Level", "Start Date", "Remote Worker", "title")
USER: dict[str, Any] = {
    "schemas": [CORE, ENTERPRISE, EXTENSION],
    "id": "2819c223-7f76-453a-919d-413861904646",
    "userName": "bjensen",
    "title": "Senior Analyst",
    "active": True,
    "emails": [{"value": "bjensen@example.com", "type": "work", "primary": True}, {"value": "b@jensen.org"}],
    ENTERPRISE: {"department": "Tours"},
    EXTENSION: {"Contract Level": 3, "Start Date": "2024-02-29"},
}


def compile_both(text: str, resource_type: Any = TYPE) -> tuple[Any, DocumentTest | None]:
    leniencies = LeniencyTracker()
    tree = parse_filter(text, resource_type, leniencies)
    return compile_filter(tree, leniencies), compile_prefilter(tree, leniencies)


def is_refused(text: str, user: dict[str, Any] = USER) -> bool:
    matches, may_match = compile_both(text)
    is_refused = may_match is not None and not may_match(to_json(user).decode())
    assert not (is_refused and matches(user)), text
    return is_refused


@pytest.mark.parametrize(
    "text",
    [
        'title eq "Analyst"',
        'title co "Astronaut"',
        'title sw "Analyst"',
        'title ew "Senior"',
        'title gt "Z"',
        "active eq false",
        'active eq "False"',
        "nickName pr",
        "nickName ne null",
        'nickName eq "x"',
        'emails eq "c@example.com"',
        'emails.value co "@example.org"',
        'emails[type eq "home"]',
        'emails[type eq "work" and value ew ".net"]',
        'emails[type eq "home"].value co "@"',
        "phoneNumbers pr",
        f'{ENTERPRISE}:department eq "Sales"',
        f'{EXTENSION}:Start Date gt "2024-03-01"',
        f"{EXTENSION}:Remote Worker eq true",
        'title eq "x" or nickName pr',
        'title co "Senior" and userName sw "c"',
        'title co "x" and meta.lastModified gt "2020-01-01T00:00:00Z"',
        'not (title pr) and title eq "x"',
        'title eq "\\u4f60"',
        'externalId eq "a\\"b"',
    ],
)
def test_document_is_refused(text: str) -> None:
    assert is_refused(text)


@pytest.mark.parametrize(
    "text",
    [
        'title ne "x"',
        "nickName eq null",
        "not (nickName pr)",
        "emails.primary eq false",
        "emails[primary eq false]",
        f"{ENTERPRISE}:manager.$ref pr",
        'meta.resourceType eq "Group"',
        'schemas eq "urn:x"',
        'title eq "x" or nickName eq null',
        'title eq "SENIOR ANALYST"',
        'emails.type eq "work"',
        f"{EXTENSION}:Contract Level eq 4",
        " or ".join(f'title eq "{number}"' for number in range(5)),
    ],
)
def test_document_is_not_refused(text: str) -> None:
    assert not is_refused(text)


def test_document_with_a_backslash_is_not_refused() -> None:
    """Its strings do not stand in the text as they are."""
    assert not is_refused('title eq "x"', USER | {"nickName": 'a"b'})
    assert not is_refused('title eq "a\\"b"', USER | {"title": 'a"b'})


def test_conjunction_has_few_searches() -> None:
    """The search of a large document costs time. The conditions that are left out are not necessary."""
    common = " and ".join(['title co "Senior"'] * 4)
    assert is_refused('nickName eq "x" and ' + common)
    assert not is_refused(common + ' and nickName eq "x"')


characters = st.sampled_from(
    [
        *'aAbkKsiI" \\/:,{}[]\n\x7f',
        *("\u00df", "\u00e9", "\u0301", "\u03a3", "\u03c3", "\u03c2", "\u212a", "\u0130", "\u017f"),
        *("\uff41", "\uff8a", "\u3000", "\u2028", "\u4f60", "\U0001f600"),
    ]
)
texts = st.one_of(st.text(characters, max_size=4), st.sampled_from(["work", "title", '"title":"a"', "true", "false"]))
dates = st.sampled_from(["2024-02-29", "2024-02-29T10:00:00Z", "2025-01-01", "no date"])
emails = st.lists(
    st.fixed_dictionaries(
        {}, optional={"value": texts, "type": st.sampled_from(["work", "home"]), "primary": st.booleans()}
    ),
    max_size=3,
)
anything = st.one_of(texts, st.booleans(), st.integers(0, 3), st.none(), st.lists(texts, max_size=2), dates)
users = st.fixed_dictionaries(
    {"userName": texts},
    optional={
        "title": texts,
        "externalId": texts,
        "profileUrl": texts,
        "active": st.booleans(),
        "name": st.fixed_dictionaries({}, optional={"familyName": texts, "formatted": texts}),
        "emails": emails,
        "phoneNumbers": emails,
        ENTERPRISE: st.fixed_dictionaries({}, optional={"department": anything, "title": anything}),
        EXTENSION: st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(
                ("Business Unit", "Contract Level", "Start Date", "Remote Worker", "title"), anything
            ),
        ),
        ANYTHING: st.fixed_dictionaries({}, optional={"title": anything, "active": anything}),
    },
)
string_names = st.sampled_from(
    [
        *("userName", "title", "externalId", "profileUrl", "name.familyName", "name.formatted", "nickName", "emails"),
        *("emails.value", "emails.type", "phoneNumbers", f"{ENTERPRISE}:department", f"{EXTENSION}:Business Unit"),
    ]
)
operators = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])


def format_comparison(name: str, operator: str, value: object) -> str:
    return f"{name} {operator} {json.dumps(value)}"


element_terms = st.one_of(
    st.builds(format_comparison, st.sampled_from(["value", "type"]), operators, texts),
    st.builds(format_comparison, st.just("primary"), st.sampled_from(["eq", "ne"]), st.booleans()),
    st.sampled_from(["value pr", "type pr", "primary pr", "value eq null"]),
)


def combine(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map(" and ".join),
        st.tuples(inner, inner).map(lambda pair: f"({' or '.join(pair)})"),
        inner.map(lambda text: f"not ({text})"),
    )


element_filters = st.recursive(element_terms, combine, max_leaves=3)
terms = st.one_of(
    st.builds(format_comparison, string_names, operators, texts),
    st.builds(
        format_comparison,
        st.sampled_from(["active", "emails.primary", f"{EXTENSION}:Remote Worker"]),
        st.sampled_from(["eq", "ne"]),
        st.booleans(),
    ),
    st.builds(format_comparison, st.just(f"{EXTENSION}:Contract Level"), operators, st.integers(0, 3)),
    st.builds(format_comparison, st.just(f"{EXTENSION}:Start Date"), operators, dates),
    string_names.map(lambda name: f"{name} pr"),
    string_names.map(lambda name: f"{name} eq null"),
    st.builds(lambda name, inner: f"{name}[{inner}]", st.sampled_from(["emails", "phoneNumbers"]), element_filters),
    st.builds(lambda inner, term: f"emails[{inner}].{term}", element_filters, element_terms),
)
filters = st.recursive(terms, combine, max_leaves=4)


def check_prefilter(text: str, user: dict[str, Any]) -> None:
    try:
        is_refused(text, user)
    except InvalidFilter:  # the operator does not fit the type of the attribute
        return


@settings(max_examples=scale(10_000))
@given(filters, users)
def test_refused_user_does_not_match(text: str, user: dict[str, Any]) -> None:
    check_prefilter(text, user)


@pytest.mark.nightly
@settings(max_examples=scale(200_000), deadline=None)
@given(filters, users)
def test_no_refused_user_matches(text: str, user: dict[str, Any]) -> None:
    check_prefilter(text, user)


@pytest.mark.parametrize("number", sizes(300, 30_000))
def test_users_of_the_differential_tests(number: int) -> None:
    """Their values are so similar that most users with no match are not refused, but many are."""
    refused = not_matching = 0
    for seed in range(number):
        generator = Generator(seed)
        users = [generator.generate_stored_user() for _ in range(5)]
        try:
            matches, may_match = compile_both(generator.generate_filter(), load_user_type())
        except InvalidFilter:
            continue
        for user in users if may_match is not None else []:
            without_meta = {name: value for name, value in user.items() if name != "meta"}
            if matches(user):
                assert may_match is not None
                assert may_match(to_json(without_meta).decode())
            else:
                not_matching += 1
                refused += may_match is not None and not may_match(to_json(without_meta).decode())
    assert refused > not_matching / 5


def test_random_texts_of_one_attribute() -> None:
    """The prefilter decides as the filter does, if no other attribute has the same name and no text a backslash."""
    random = Random(1)  # noqa: S311  # repeatable
    alphabet = ["a", "A", "\u00e9", "e\u0301", "\u03a3", "\u212a", "\uff41", "\u4f60", " "]
    for _ in range(scale(100_000)):
        value, literal = ("".join(random.choices(alphabet, k=random.randint(1, 4))) for _ in range(2))
        operator = random.choice(["eq", "co", "sw", "ew", "gt", "ge", "lt", "le"])
        matches, may_match = compile_both(format_comparison("title", operator, literal))
        assert may_match is not None
        assert may_match(to_json({"title": value}).decode()) == matches({"title": value})
