"""Parse JSON from untrusted clients, and reject ambiguous or harmful JSON (RFC 8259, RFC 7493)."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from math import isfinite
from typing import Any, NoReturn

from scim.protocol.errors import InvalidSyntax, Rule

MAX_DEPTH = 32
"""The maximum nesting of arrays and objects. The deepest valid body, a bulk request with PATCH, has ten levels."""

REPLACEMENT_CHARACTER = "\N{REPLACEMENT CHARACTER}"
"""The character that a decoder puts in the place of bytes that are not UTF-8."""

# An unterminated string matches up to the end of the text, so that each character is scanned only once.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|([\[{])|([\]}])', re.DOTALL)


def parse_json(body: bytes) -> Any:
    """Parse a JSON body.

    Raise :class:`InvalidSyntax` for malformed JSON, and for JSON that parsers understand differently or that is costly
    to process:

    - an encoding other than UTF-8
    - an object with the same name twice
    - a number that is not finite or has thousands of digits
    - an unpaired surrogate
    - more than 32 levels of nesting
    """
    try:
        text = body.removeprefix(BOM_UTF8).decode()
        _check_depth(text)
        value = _DECODER.decode(text)
        _check_surrogates(text, value)
    except UnicodeDecodeError:
        raise build_encoding_error(body) from None
    except json.JSONDecodeError as error:
        if _is_wide_encoding(body):
            raise build_encoding_error(body) from None
        raise InvalidSyntax(f"The request body is not valid JSON: line {error.lineno}, column {error.colno}.") from None
    except ValueError:  # Python rejects integers of more than 4,300 digits
        raise InvalidSyntax("The request body has a number with too many digits.") from None
    return value


def build_encoding_error(body: bytes) -> InvalidSyntax:
    """Return the error for a body in another encoding than UTF-8 (RFC 8259 section 8.1). It names the likely encoding.

    Bytes that are not UTF-8 may have been replaced by U+FFFD.
    """
    encoding = "UTF-16 or UTF-32" if _is_wide_encoding(body) else "an older encoding such as ISO-8859-1"
    return InvalidSyntax(
        f"The request body is not encoded in UTF-8 but probably in {encoding}. Set the client to send JSON in UTF-8. "
        "In Windows PowerShell 5.1, send the body as bytes: -Body ([Text.Encoding]::UTF8.GetBytes($json)).",
        rule=Rule.ENCODING,
    )


def lower_member_names(value: Any) -> dict[str, Any]:
    """Return the members of a JSON object by their lower-case names. Return an empty dict for any other value.

    The names of attributes and of message members are case-insensitive (RFC 7643 section 2.1). If two names differ only
    in case, the last one wins. A caller that must reject this compares the lengths.
    """
    return {name.lower(): member for name, member in value.items()} if isinstance(value, dict) else {}


def _is_wide_encoding(body: bytes) -> bool:
    """Return whether a body is probably UTF-16 or UTF-32.

    Then its first character, which is ASCII, has null bytes. A byte order mark before it takes up to six bytes.
    """
    return b"\0" in body[:10]


def _check_depth(text: str) -> None:
    """Raise :class:`InvalidSyntax` for too much nesting, before Python's recursive parser reads the text."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKETS.finditer(text):
        depth += (bracket.group(1) is not None) - (bracket.group(2) is not None)
        if depth > MAX_DEPTH:
            raise InvalidSyntax(f"The request body has more than {MAX_DEPTH} levels of nesting.")


def _check_surrogates(text: str, value: Any) -> None:
    """Raise :class:`InvalidSyntax` for an unpaired surrogate: JSON can escape one, but UTF-8 cannot encode it."""
    if "\\" not in text or "\\u" not in text:  # a search for one character is many times faster than for two
        return
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidSyntax("The request body has a string with an unpaired surrogate.") from None


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members as a dict. Raise :class:`InvalidSyntax` if two have the same name."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidSyntax("An object in the request body has two members with the same name. Send each name once.")
    return members


def _reject_constant(_: str) -> NoReturn:
    """Raise :class:`InvalidSyntax` for a constant that Python's parser accepts but JSON does not allow."""
    raise InvalidSyntax("The request body is not JSON: NaN and Infinity are not allowed.")


def _parse_finite_number(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise InvalidSyntax("The request body has a number that is too large.")
    return number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_build_object, parse_constant=_reject_constant, parse_float=_parse_finite_number
)
