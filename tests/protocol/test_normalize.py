"""The normalization of strings, times and dates for comparisons."""

import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from precis_i18n import get_profile

from scim.protocol.normalize import (
    NormalizationCache,
    is_date,
    list_substring_forms,
    map_width,
    normalize_string,
    parse_date_time,
)
from tests.cpu_time import check_cpu_units

enforce_profile = get_profile("UsernameCaseMapped").enforce


@cache
def list_code_points() -> list[str]:
    """Return all code points except surrogates."""
    return [chr(number) for number in (*range(0xD800), *range(0xE000, 0x110000))]


@cache
def list_changeable() -> list[str]:
    """Return the code points that case, width or composition change, or on which the change of a neighbor depends."""
    unchanged = {"Cn", "Co", "Lo", "So"}
    return [
        character
        for character in list_code_points()
        if unicodedata.category(character) not in unchanged or unicodedata.decomposition(character)
    ]


seeded = settings(derandomize=True, deadline=None, max_examples=200)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bjensen", "BJensen"),
        ("STRA\u1e9eE", "stra\u00dfe"),
        ("ΟΔΟΣ", "οδος"),
        ("\uff22\uff4f\uff42\uff20\uff21", "bob@a"),
        ("a\u3000b", "a b"),
        ("\uff76\uff9e", "\u30ac"),
        ("\u01c5", "\u01c6"),
        ("caf\u00e9", "cafe\u0301"),
        ("CAF\u00c9", "cafe\u0301"),
        ("\u1e9b\u0323", "\u017f\u0323\u0307"),
        ("\u212b", "\u00e5"),
    ],
)
def test_equal_strings(one: str, other: str) -> None:
    assert normalize_string(one) == normalize_string(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bjensen", "bjenssen"),
        ("cafe", "café"),
        ("a", " a"),
        ("i", "\u0131"),
        ("stra\u00dfe", "strasse"),
        ("\u03c3", "\u03c2"),
        ("\ufb01n", "fin"),
        ("a\u00a0b", "a b"),
    ],
)
def test_different_strings(one: str, other: str) -> None:
    assert normalize_string(one) != normalize_string(other)


def test_case_exact_strings() -> None:
    assert normalize_string("caf\u00e9", is_case_exact=True) == normalize_string("cafe\u0301", is_case_exact=True)
    assert normalize_string("Café", is_case_exact=True) != normalize_string("café", is_case_exact=True)
    assert normalize_string("\uff41", is_case_exact=True) != normalize_string("a", is_case_exact=True)


@seeded
@given(st.text(), st.booleans())
def test_normal_form_is_stable(text: str, case_exact: bool) -> None:
    normalized = normalize_string(text, is_case_exact=case_exact)

    assert normalize_string(normalized, is_case_exact=case_exact) == normalized
    assert unicodedata.is_normalized("NFC", normalized)


class TestAllCodePoints:
    """Every code point alone, and next to characters with which its case or composition can depend on each other."""

    @staticmethod
    def build_texts() -> Iterator[str]:
        """Yield texts of many code points. A separator keeps them apart."""
        yield "\u4e00".join(list_code_points())
        for pattern in ("A{}", "{}\u03a3", "A\u03a3{}", "a\u0345{}\u0301", "\u1100{}\u11a8"):
            yield "\u4e00".join(pattern.format(character) for character in list_changeable())

    def test_normal_form_is_stable(self) -> None:
        for text in self.build_texts():
            normalized = normalize_string(text)
            assert normalize_string(normalized) == normalized
            assert unicodedata.is_normalized("NFC", normalized)

    @pytest.mark.parametrize("form", ["NFC", "NFD"])
    def test_equivalent_texts_are_equal(self, form: Literal["NFC", "NFD"]) -> None:
        for text in self.build_texts():
            assert normalize_string(unicodedata.normalize(form, text)) == normalize_string(text)

    def test_width_variants_have_their_decomposition(self) -> None:
        mapped = {character for character in list_code_points() if map_width(character) != character}

        assert mapped == {
            character for character in list_code_points() if unicodedata.decomposition(character)[:3] in ("<wi", "<na")
        }
        assert all(
            unicodedata.decomposition(character)[-4:] == f"{ord(map_width(character)):04X}" for character in mapped
        )

    @pytest.mark.slow
    def test_precis_agrees(self) -> None:
        """Another implementation of RFC 8265 returns the same string, or rejects it."""
        patterns = ("{}", "A{}", "{}\u0301")
        accepted = 0
        for text in (pattern.format(character) for character in list_changeable() for pattern in patterns):
            try:
                enforced = enforce_profile(text)
            except UnicodeEncodeError:
                continue
            accepted += 1
            assert normalize_string(text) == enforced
        assert accepted > 20_000


@pytest.mark.parametrize(
    "pattern",
    ["\u0315\u0300", "\u0344\u0315", "e\u0301", "\u0958\u0300", "\u1100\u0315\u0300", "\uff76\uff9e\u0315\u0300"],
)
@pytest.mark.parametrize("case_exact", [False, True])
def test_time_is_linear(pattern: str, case_exact: bool) -> None:
    """Python takes minutes for the NFC of some of these strings."""
    text = "a" + pattern * (170_000 // len(pattern))
    beginnings = iter("abcd")  # results are cached
    normalized = check_cpu_units(lambda: normalize_string(next(beginnings) + text, is_case_exact=case_exact), 100)

    assert normalize_string(normalized, is_case_exact=case_exact) == normalized
    assert unicodedata.is_normalized("NFC", normalized)


@pytest.mark.parametrize("case_exact", [False, True])
def test_equal_strings_are_normalized_once(case_exact: bool) -> None:
    texts = [f"{number}" + "u\u0308" * 200 for number in range(500)]
    check_cpu_units(
        lambda: [normalize_string(text, is_case_exact=case_exact) for _ in range(100) for text in texts], 10
    )


@pytest.mark.parametrize(("length", "count"), [(1, 10_000), (1_000, 500), (1_000_000, 2)])
def test_cache_has_a_limit(length: int, count: int) -> None:
    """The cache has room for the values of the largest user, and forgets all when it is full."""
    calls: list[str] = []

    def normalize(text: str) -> str:
        calls.append(text)
        return text.lower()

    texts = [f"{number:06}" + "\u00c4" * length for number in range(count)]
    few_texts = texts[: count // 5]
    cache = NormalizationCache(normalize)
    assert [cache.normalize(text) for text in few_texts * 2] == [text.lower() for text in few_texts * 2]
    assert calls == few_texts

    cache = NormalizationCache(normalize)
    calls.clear()
    assert [cache.normalize(text) for text in texts] == [text.lower() for text in texts]
    assert (cache.normalize(texts[-1]), cache.normalize(texts[0])) == (texts[-1].lower(), texts[0].lower())
    assert calls == [*texts, texts[0]]


def test_long_text_without_runs_of_marks_is_in_nfc() -> None:
    text = "Zoe\u0308 \u0915\u093c" * 1_000
    assert normalize_string(text, is_case_exact=True) == unicodedata.normalize("NFC", text)
    assert normalize_string(unicodedata.normalize("NFD", text)) == normalize_string(unicodedata.normalize("NFC", text))


def test_marks_are_below_the_limit_of_the_pattern() -> None:
    assert all(ord(mark) < 0x20000 for mark in list_code_points() if unicodedata.combining(mark))


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("Bob", {"bob"}),
        ("\u03a3\u039f", {"\u03c3\u03bf"}),
        ("\u039f\u03a3", {"\u03bf\u03c2", "\u03bf\u03c3"}),
        ("\u03a3", {"\u03c2", "\u03c3"}),
        ("\u039f\u03c2", {"\u03bf\u03c2"}),
    ],
)
def test_substring_forms(text: str, forms: set[str]) -> None:
    assert list_substring_forms(text) == forms


@seeded
@given(*[st.text(st.sampled_from("\u03a3\u03c3\u03c2\u0391\u03b1. \u0301Q\uff21"), max_size=4)] * 3)
def test_part_of_text_has_one_of_its_substring_forms(before: str, text: str, after: str) -> None:
    if unicodedata.combining((text + after + "x")[0]) or unicodedata.combining((after + "x")[0]):
        return  # it would be composed with the end of the part before it
    normalized = normalize_string(before + text + after)

    assert any(form in normalized for form in list_substring_forms(text))
    assert any(normalize_string(text + after).startswith(form) for form in list_substring_forms(text))
    assert any(normalize_string(before + text).endswith(form) for form in list_substring_forms(text))


@seeded
@given(st.text(st.characters(categories=["Lu", "Ll", "Lt", "Lo", "Lm", "Mn", "Nd"]), min_size=1, max_size=12))
def test_precis_agrees_on_words(text: str) -> None:
    try:
        enforced = enforce_profile(text)
    except UnicodeEncodeError:
        return
    assert normalize_string(text) == enforced


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
