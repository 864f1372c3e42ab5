"""Read values in quotation marks other than the double quotes of JSON, such as ``'work'`` and ``“work”``.

People enter such quotes by hand, and word processors and web pages replace double quotes by them. The quotation marks
are those with the Unicode property Quotation_Mark, and the two accents that people use as quotes. An opening and a
closing mark may be any two of the same kind.

An apostrophe inside a word, as in ``O'Brien``, is part of the value, with and without quotes around the value.
"""

from __future__ import annotations

import re

_SINGLE = "'`\u00b4\u2018\u2019\u201a\u201b\u2039\u203a\uff07"
_DOUBLE = "\u00ab\u00bb\u201c\u201d\u201e\u201f\u2e42\u301d\u301e\u301f\uff02"
_CORNER = "\u300c\u300d\u300e\u300f\ufe41\ufe42\ufe43\ufe44\uff62\uff63"
_ALL = _SINGLE + _DOUBLE + _CORNER

_IN_SINGLE = rf"[{_SINGLE}](?:[^{_SINGLE}\\]|\\.|(?<=\w)[{_SINGLE}](?=\w))*[{_SINGLE}](?!\w)"
_IN_DOUBLE, _IN_CORNER = (rf"[{marks}](?:[^{marks}\\]|\\.)*[{marks}]" for marks in (_DOUBLE, _CORNER))
QUOTED_VALUE = re.compile(f"{_IN_SINGLE}|{_IN_DOUBLE}|{_IN_CORNER}", re.DOTALL)
"""A value in quotation marks other than double quotes."""

# Clients that encode twice send a quotation mark as %22, %27 or a character reference of HTML.
_ENCODED = r"%2[27]|&(?:quot|apos|#0*3[49]|#x2[27]);"
_STRAY_QUOTE = re.compile(
    rf"(?:[{_ALL}]|{_ENCODED})|.*(?:[{_DOUBLE}{_CORNER}]|(?:[{_SINGLE}]|{_ENCODED})\Z)", re.DOTALL | re.IGNORECASE
)
_ESCAPE_OR_QUOTE = re.compile(r'\\.|"', re.DOTALL)


def has_stray_quote(unquoted: str) -> bool:
    """Return whether a value without quotes has a quotation mark that is not an apostrophe inside a word."""
    return _STRAY_QUOTE.match(unquoted) is not None


def to_json_string(quoted: str) -> str:
    """Return the JSON string for a value that matches :data:`QUOTED_VALUE`.

    Escapes are those of JSON. In addition, a backslash may precede a quotation mark.
    """
    return f'"{_ESCAPE_OR_QUOTE.sub(_escape_for_json, quoted[1:-1])}"'


def _escape_for_json(match: re.Match[str]) -> str:
    text = match.group()
    if text == '"':
        return '\\"'
    return text[1] if text[1] in _ALL else text
