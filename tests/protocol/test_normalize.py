"""The normalization of strings, times and dates for comparisons."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol.normalize import has_invisible_characters, is_date, normalize_string, parse_date_time

seeded = settings(derandomize=True, deadline=None, max_examples=200)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bjensen", "BJensen"),
        ("Straße", "STRASSE"),
        ("ΟΔΟΣ", "οδος"),
        ("caf\u00e9", "cafe\u0301"),
        ("CAF\u00c9", "cafe\u0301"),
        ("\u1e9b\u0323", "\u1e9b\u0323".upper()),
        ("\u212b", "\u00e5"),
    ],
)
def test_equal_strings(one: str, other: str) -> None:
    assert normalize_string(one) == normalize_string(other)


@pytest.mark.parametrize(
    ("one", "other"), [("bjensen", "bjenssen"), ("cafe", "café"), ("a", " a"), ("i", "\u0131"), ("w", "\uff57")]
)
def test_different_strings(one: str, other: str) -> None:
    assert normalize_string(one) != normalize_string(other)


def test_case_exact_strings() -> None:
    assert normalize_string("caf\u00e9", is_case_exact=True) == normalize_string("cafe\u0301", is_case_exact=True)
    assert normalize_string("Café", is_case_exact=True) != normalize_string("café", is_case_exact=True)


@seeded
@given(st.text(), st.booleans())
def test_normal_form_is_stable(text: str, case_exact: bool) -> None:
    normalized = normalize_string(text, is_case_exact=case_exact)

    assert normalize_string(normalized, is_case_exact=case_exact) == normalized
    assert unicodedata.is_normalized("NFC", normalized)


@pytest.mark.parametrize(
    "text",
    [
        "a\u200bb",
        "a\u00ad",
        "\ufeffa",
        "a\u2060",
        "a\x00",
        "a\n",
        "a\x7f",
        "a\u202eb",
        "a\ufe0f",
        "a\U000e0041",
        "\u3164",
    ],
)
def test_invisible_characters(text: str) -> None:
    assert has_invisible_characters(text)


@pytest.mark.parametrize("text", ["bjensen", "Zoë O'Malley", "你好", "नमस्ते", "a b", "😀", "\u00a0"])
def test_visible_characters(text: str) -> None:
    assert not has_invisible_characters(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2026-01-31T09:30:00Z", "2026-01-31T10:30:00+01:00"),
        ("2026-01-31T09:30:00Z", "2026-01-31T04:00:00-05:30"),
        ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00"),
        ("2026-01-31T09:30:00Z", "2026-01-31t09:30:00z"),
        ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00.0000000Z"),
        ("2015-10-10T14:38:21.8617979-07:00", "2015-10-10T21:38:21.8617979Z"),
        ("0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00.0+01:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
    ],
)
def test_equal_instants(one: str, other: str) -> None:
    assert parse_date_time(one) is not None
    assert parse_date_time(one) == parse_date_time(other)


def test_instants_sort_by_time() -> None:
    ascending = [
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00.0000000Z",
        "0001-01-03T00:00:00.0000000Z",
        "2025-12-31T23:59:59.9999999Z",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.00000001Z",
        "2026-01-01T00:00:00.0000001Z",
        "2026-01-01T00:00:00.05Z",
        "2026-01-01T00:00:00.5Z",
        "2026-01-01T00:00:00.45-00:01",
        "9999-12-31T23:59:59-23:59",
    ]

    points = [point for text in ascending if (point := parse_date_time(text)) is not None]

    assert len(points) == len(ascending)
    assert points == sorted(set(points))


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026", "2026-01-31", "2026-01-31T09:30", "2026-01-31 09:30:00Z", "2026-01-31T09:30:00Zulu"),
        *("2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        *("2026-01-31T24:00:00Z", "2026-01-31T09:60:00Z", "2026-01-31T09:30:61Z", "2026-01-31T09:30:00+24:00"),
        *("2026-01-31T09:30:00+01:60", "2026-01-31T09:30:00.Z", "2026-01-31T09:30:00+0100", "-2026-01-31T09:30:00Z"),
        *("\uff12\uff10\uff12\uff16-01-31T09:30:00Z", "2026-01-31T09:30:00Z\n", f"2026-01-31T09:30:00.{'0' * 21}Z"),
    ],
)
def test_malformed_date_time(text: str) -> None:
    assert parse_date_time(text) is None


@pytest.mark.parametrize("text", ["2026-01-31", "2024-02-29", "0001-01-01", "9999-12-31"])
def test_date(text: str) -> None:
    assert is_date(text)


@pytest.mark.parametrize(
    "text",
    ["", "2026-02-29", "20260131", "2026-1-31", "31.01.2026", "2026-01-31T00:00:00Z", "2026-W05-6", "\uff12026-01-31"],
)
def test_malformed_date(text: str) -> None:
    assert not is_date(text)
