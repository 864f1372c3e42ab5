"""Normalize values, so that writes, lookups, filters and sorting all compare them in the same way."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from functools import cache
from threading import Lock

NORMALIZATION_VERSION = f"1/{unicodedata.unidata_version}"
"""The version of :func:`normalize_string` and of its Unicode data. Items whose keys have normalized values contain it.

Count the first number up when the function changes. A new Python version can change the second one.
"""

_MAX_LENGTH_WITHOUT_JOINERS = 1_000
"""The maximum number of characters of a string that gets no grapheme joiners (:func:`_compose`)."""

_MAX_CACHE_SIZE = 1_000_000
"""The maximum number of characters in a cache of normalized strings. It has room for all values of the largest user."""
_ENTRY_SIZE = 100
"""The size of an entry without its characters, in characters."""

# The code points with the Decomposition_Type "wide" or "narrow" are all in these ranges.
_WIDTH_VARIANT = re.compile("[\u3000\uff01-\uffee]")

_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,20}))?(?:([Zz])|([+-])(\d\d):(\d\d))?", re.ASCII
)

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Instant = tuple[int, str]
"""A point in time: the seconds since 0000-12-31T00:00:00Z, and the digits of the fraction without trailing zeros."""


def normalize_string(text: str, *, is_case_exact: bool = False) -> str:
    """Return a string in the form that comparisons use: in NFC and, unless ``is_case_exact``, without case and width.

    The rules are those of the profile UsernameCaseMapped (RFC 8265 section 3.3.1), in their order: width mapping, lower
    case, NFC. To normalize a result again does not change it.
    """
    if text.isascii():  # it has no width variants, and is always in NFC
        return text if is_case_exact else text.lower()
    return (_case_exact_cache if is_case_exact else _cache).normalize(text)


def list_substring_forms(text: str, *, is_case_exact: bool = False) -> frozenset[str]:
    """Return the normalized forms that ``text`` can have as a part of a longer string: nearly always one.

    The lower case of the Greek capital sigma depends on the letters before and after it.
    """
    if is_case_exact or "\N{GREEK CAPITAL LETTER SIGMA}" not in text:
        return frozenset({normalize_string(text, is_case_exact=is_case_exact)})
    letters = ("", "q")  # q has a case, and no combining character changes it
    return frozenset(
        normalize_string(before + text + after).removeprefix(before).removesuffix(after)
        for before in letters
        for after in letters
    )


def map_width(text: str) -> str:
    """Replace fullwidth and halfwidth characters by their decomposition mappings (RFC 8264 section 5.2.1)."""
    return _WIDTH_VARIANT.sub(_decompose_width, text)


def _compose(text: str) -> str:
    """Return a string in NFC. Python's time is quadratic in the number of combining characters in a row.

    So a long string that is not in NFC gets a grapheme joiner after 30 of them (UAX #15, stream-safe text format).
    """
    if unicodedata.is_normalized("NFC", text):  # its time is linear
        return text
    if len(text) > _MAX_LENGTH_WITHOUT_JOINERS:
        text = _compile_mark_run().sub("\\g<0>\N{COMBINING GRAPHEME JOINER}", text)
    return unicodedata.normalize("NFC", text)


class NormalizationCache:
    """Remembers normalized strings. One PATCH or filter may compare the same long value thousands of times.

    To look up a string takes a tenth of a microsecond, to normalize a long one a millisecond. All tenants share the
    cache, since a result depends on nothing but the string.
    """

    def __init__(self, normalize: Callable[[str], str]) -> None:
        self._normalize = normalize
        self._results: dict[str, str] = {}
        self._size = 0
        self._lock = Lock()

    def normalize(self, text: str) -> str:
        """Return the normalized string."""
        result = self._results.get(text)
        if result is None:
            result = self._normalize(text)
            self._add(text, result)
        return result

    def _add(self, text: str, result: str) -> None:
        """Add a result. If the cache becomes too large, forget all others. Operations of a bulk request are threads."""
        size = len(text) + len(result) + _ENTRY_SIZE
        with self._lock:
            if self._size + size > _MAX_CACHE_SIZE:
                self._results, self._size = {}, 0
            self._results[text] = result
            self._size += size


_case_exact_cache = NormalizationCache(_compose)
_cache = NormalizationCache(lambda text: _compose(map_width(text).lower()))


@cache
def _compile_mark_run() -> re.Pattern[str]:
    """Return a pattern that matches 30 combining characters. All of them are below U+20000."""
    marks = "".join(filter(unicodedata.combining, map(chr, range(0x300, 0x20000))))
    return re.compile(f"[{marks}]{{30}}")


def _decompose_width(match: re.Match[str]) -> str:
    kind, _, code_point = unicodedata.decomposition(match[0]).partition(" ")
    return chr(int(code_point, 16)) if kind in ("<wide>", "<narrow>") else match[0]


def parse_date_time(text: str) -> Instant | None:
    """Parse an ``xsd:dateTime`` (RFC 7643 section 2.3.5). Return ``None`` if ``text`` is not one.

    A time without an offset is in UTC. Unlike ``datetime``, this function keeps every digit of the fraction, and
    accepts an offset on the first day of year 0001.
    """
    if not (match := _DATE_TIME.fullmatch(text)):
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, _, sign, offset_hours, offset_minutes = match.groups()[6:]
    if hour > 23 or minute > 59 or second > 60 or int(offset_hours or 0) > 23 or int(offset_minutes or 0) > 59:
        return None
    try:
        days = date(year, month, day).toordinal()
    except ValueError:
        return None
    offset = (int(offset_hours or 0) * 60 + int(offset_minutes or 0)) * (-60 if sign == "-" else 60)
    return days * 86_400 + hour * 3_600 + minute * 60 + second - offset, (fraction or "").rstrip("0")


def is_date(text: str) -> bool:
    """Return whether ``text`` is an ISO 8601 date, such as ``2026-01-31``."""
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
