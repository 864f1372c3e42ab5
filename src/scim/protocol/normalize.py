"""How values are compared: one function for what is written, looked up, filtered and sorted."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

# Control characters, and what Unicode calls Default_Ignorable_Code_Point: characters that make two names look alike.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,20}))?(?:([Zz])|([+-])(\d\d):(\d\d))?", re.ASCII
)

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Instant = tuple[int, str]


def normalize(text: str, *, case_exact: bool = False) -> str:
    """The form in which ``text`` is compared: NFC, and without case unless the attribute is ``caseExact``.

    Folding case can leave the normal form, so it is restored afterwards.
    """
    if text.isascii():  # which is in that form
        return text if case_exact else text.lower()
    composed = unicodedata.normalize("NFC", text)
    return composed if case_exact else unicodedata.normalize("NFC", composed.casefold())


def has_invisible_characters(text: str) -> bool:
    """Whether ``text`` holds characters that nobody can see: two such names could not be told apart."""
    if text.isascii():
        return not text.isprintable()
    return _INVISIBLE.search(text) is not None


def parse_date_time(text: str) -> Instant | None:
    """The point in time that an ``xsd:dateTime`` names, or ``None`` if ``text`` is none (RFC 7643 section 2.3.5).

    Returned as seconds since the year 0 and the digits of the fraction without trailing zeros: exact for any number of
    digits, ordered, and without the bounds of ``datetime`` (year 0001 with an offset lies before its first day).
    A time without an offset is read as UTC.
    """
    if not (found := _INSTANT.fullmatch(text)):
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, _, sign, offset_hours, offset_minutes = found.groups()[6:]
    if hour > 23 or minute > 59 or second > 60 or int(offset_hours or 0) > 23 or int(offset_minutes or 0) > 59:
        return None
    try:
        days = date(year, month, day).toordinal()
    except ValueError:
        return None
    offset = (int(offset_hours or 0) * 60 + int(offset_minutes or 0)) * (-60 if sign == "-" else 60)
    return days * 86_400 + hour * 3_600 + minute * 60 + second - offset, (fraction or "").rstrip("0")


def is_date(text: str) -> bool:
    """Whether ``text`` is a day as ISO 8601 writes it, ``2026-01-31``. As text such days have their order."""
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
