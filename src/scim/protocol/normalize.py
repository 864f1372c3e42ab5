"""Normalize values, so that writes, lookups, filters and sorting all compare them in the same way."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

# Control characters, and the code points with the Unicode property Default_Ignorable_Code_Point.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,20}))?(?:([Zz])|([+-])(\d\d):(\d\d))?", re.ASCII
)

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Instant = tuple[int, str]
"""A point in time: the seconds since 0000-12-31T00:00:00Z, and the digits of the fraction without trailing zeros."""


def normalize_string(text: str, *, is_case_exact: bool = False) -> str:
    """Return a string in the form that comparisons use: in NFC, and case-folded unless ``is_case_exact``.

    Case folding can produce text that is not in NFC, so the result is composed again.
    """
    if text.isascii():  # ASCII is always in NFC
        return text if is_case_exact else text.lower()
    composed = unicodedata.normalize("NFC", text)
    return composed if is_case_exact else unicodedata.normalize("NFC", composed.casefold())


def has_invisible_characters(text: str) -> bool:
    """Return whether a string contains characters that are not displayed, which make different names look the same."""
    if text.isascii():
        return not text.isprintable()
    return _INVISIBLE.search(text) is not None


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
