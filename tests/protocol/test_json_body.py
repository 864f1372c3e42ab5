"""Request bodies: JSON that is parsed and JSON that is rejected."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol.errors import InvalidSyntax, Rule
from scim.protocol.json_body import MAX_DEPTH, lower_member_names, parse_json
from tests.cpu_time import check_cpu_units

seeded = settings(derandomize=True, deadline=None, max_examples=200)

FINITE = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | FINITE | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def nest(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.slow
@seeded
@given(JSON, st.booleans())
def test_utf_8(value: Any, is_escaped: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=is_escaped).encode()) == value


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"\xef\xbb\xbf{}", {}),
        (b' {"a": "[[[["}\r\n', {"a": "[" * 4}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (json.dumps("[{" * 100_000).encode(), "[{" * 100_000),
        (json.dumps('"[\\' * 1_000).encode(), '"[\\' * 1_000),
        (b"[" + b"[]," * 10_000 + b"[]]", [[]] * 10_001),
    ],
    ids=["byte order mark", "white space", "pair of surrogates", "brackets in text", "quotes in text", "wide"],
)
def test_unusual_json(body: bytes, value: Any) -> None:
    assert parse_json(body) == value


def test_nesting_is_limited() -> None:
    assert json.dumps(parse_json(nest(MAX_DEPTH))).encode() == nest(MAX_DEPTH)
    with pytest.raises(InvalidSyntax, match="more than 32 levels of nesting"):
        parse_json(nest(MAX_DEPTH + 1))


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b" ",
            b"{",
            b"userName",
            b"'a'",
            b"{'a': 1}",
            b'{"a": 1,}',
            b"[1, 2",
            b'{"a": 1} {}',
            b'"a\nb"',
            b'{"userName": "a\x00b"}',
        ),
        *(b"01", b"+1", b".5", b"1.", b"0x1f", b"/* */ {}", b'{"a": undefined}', b"True"),
    ],
)
def test_malformed_json_has_a_position(body: bytes) -> None:
    with pytest.raises(InvalidSyntax, match=r"^The request body is not valid JSON: line \d+, column \d+\.$"):
        parse_json(body)


@pytest.mark.parametrize(
    "body",
    [
        '{"userName": "é"}'.encode("utf-16"),
        '{"userName": "é"}'.encode("utf-16-be"),
        '{"userName": "é"}'.encode("utf-32"),
        '{"userName": "é"}'.encode("latin-1"),
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\xc0\xaf"',
    ],
    ids=["UTF-16", "UTF-16BE", "UTF-32", "Latin-1", "no UTF-8", "encoded surrogate", "overlong"],
)
def test_other_encodings(body: bytes) -> None:
    with pytest.raises(InvalidSyntax, match=r"not encoded in UTF-8 .* PowerShell") as error:
        parse_json(body)

    assert ("UTF-16" in error.value.detail, error.value.rule) == (b"\0" in body, Rule.ENCODING)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_wide_encodings_of_ascii(encoding: str) -> None:
    """Such a body is valid UTF-8 too, with a null character next to every letter."""
    with pytest.raises(InvalidSyntax, match="probably in UTF-16 or UTF-32"):
        parse_json('{"userName": "bjensen"}'.encode(encoding))


@pytest.mark.parametrize("body", [b"NaN", b"[Infinity]", b'{"a": -Infinity}', b"1e999", b"[-1e999]"])
def test_numbers_that_are_not_finite(body: bytes) -> None:
    with pytest.raises(InvalidSyntax, match=r"not JSON|too large"):
        parse_json(body)


def test_number_of_5000_digits() -> None:
    with pytest.raises(InvalidSyntax, match="too many digits"):
        parse_json(b"9" * 5_000)


@pytest.mark.parametrize("body", [b'"\\ud800"', b'{"\\udc00": 1}', b'["\\ud83d", "\\ude00"]', b'"\\ude00\\ud83d"'])
def test_unpaired_surrogate(body: bytes) -> None:
    with pytest.raises(InvalidSyntax, match="surrogate"):
        parse_json(body)


@pytest.mark.parametrize("body", [b'{"a": 1, "a": 1}', b'[{"b": {"a": 1, "a": null}}]', b'{"a": 1, "\\u0061": 2}'])
def test_duplicate_name(body: bytes) -> None:
    with pytest.raises(InvalidSyntax, match="two members with the same name"):
        parse_json(body)


@pytest.mark.parametrize(
    "body",
    [
        nest(100_000),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[[]" * 100_000,
        b"[]" * 40 + b'"' + b'\\"' * 100_000,
        b"[]" * 40 + b'"' + b'\\"' * 100_000 + b"\\",
        b'[""' * 100_000,
    ],
    ids=["brackets", "open", "objects", "wide and deep", "quotes without end", "backslash at the end", "strings"],
)
def test_hostile_body_is_rejected_fast(body: bytes) -> None:

    def work() -> None:
        with pytest.raises(InvalidSyntax):
            parse_json(body)

    check_cpu_units(work, 50)


@pytest.mark.parametrize(
    ("value", "members"),
    [
        ({"userName": "ada", "NAME": {"givenName": "Ada"}}, {"username": "ada", "name": {"givenName": "Ada"}}),
        ({"op": 1, "OP": 2}, {"op": 2}),
        ({}, {}),
        ([{"a": 1}], {}),
        ("a", {}),
        (None, {}),
    ],
)
def test_member_names_in_lower_case(value: Any, members: dict[str, Any]) -> None:
    assert lower_member_names(value) == members
