"""Check the value of the unique attribute, ``userName``, in a request that writes it.

RFC 7644 section 5 requires PRECIS for a ``userName``. The rules are those of the profile UsernameCaseMapped (RFC 8265
section 3.3) for each part between spaces. Characters that this profile disallows are a leniency, as long as they are
displayed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from scim.protocol.errors import InvalidValue, Rule
from scim.protocol.leniency import Leniency, LeniencyTracker
from scim.protocol.normalize import map_width, normalize_string
from scim.protocol.schema import Attribute

MAX_UNIQUE_LENGTH = 512
"""The maximum number of characters of a unique value, both as sent and normalized."""

# Characters that only take up space: White_Space, and blank characters of other categories. \s has all of the former.
_BLANK = re.compile("[\\s\u2800\U0001d159\U00013441\U00013442]*")

# Control characters, the code points with the property Default_Ignorable_Code_Point, format characters that are not
# displayed, noncharacters, and surrogates.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U00013430-\U00013440"
    "\U00016fe4\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
    + "]"
)


# ASCII and the letters of Latin-1 and Latin Extended-A, except those with a compatibility decomposition. RFC 8265
# allows all of them, next to any other. Most names have no others, and the profile takes far longer to check them.
_LATIN = re.compile("[ -~\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0131\u0134-\u013e\u0141-\u0148\u014a-\u017e]*")


def check_unique_value(attribute: Attribute, value: str, leniencies: LeniencyTracker) -> None:
    """Raise :class:`InvalidValue` if the value of the unique attribute is not acceptable in a request.

    It must not be blank, begin or end with white space, contain characters that are not displayed, or be longer than
    512 characters. In strict mode, its characters must conform to RFC 8265 section 3.3.
    """
    name = attribute.name
    if len(value) > MAX_UNIQUE_LENGTH or len(normalize_string(value)) > MAX_UNIQUE_LENGTH:
        raise _build_error(name, f"can have at most {MAX_UNIQUE_LENGTH} characters. Map it to a shorter attribute.")
    if _BLANK.fullmatch(value):
        raise InvalidValue(
            f"{name} is blank. Map it to an attribute that every user has.", rule=Rule.REQUIRED, attribute=name
        )
    if _has_invisible_characters(value):
        raise _build_error(name, "has invisible or control characters. Remove them in the identity provider.")
    if _BLANK.fullmatch(value[0]) or _BLANK.fullmatch(value[-1]):
        raise _build_error(name, "begins or ends with white space. Remove it in the identity provider.")
    if not (value.isascii() or _has_allowed_characters(value) or leniencies.tolerate(Leniency.USER_NAME_CHARACTER)):
        raise _build_error(
            name, "has characters that RFC 8265 does not allow. Use letters, digits and the punctuation of ASCII."
        )


def check_changed_unique_value(
    attribute: Attribute, before: Mapping[str, Any], after: Mapping[str, Any], leniencies: LeniencyTracker
) -> None:
    """Check the unique value of a resource if a write changes it. Raise the errors of :func:`check_unique_value`.

    A stored value stays allowed, because strict mode can have been turned on since the last write.
    """
    value = after.get(attribute.name)
    if value is not None and value != before.get(attribute.name):
        check_unique_value(attribute, value, leniencies)


def _build_error(name: str, text: str) -> InvalidValue:
    return InvalidValue(f"{name} {text}", rule=Rule.FORMAT, attribute=name)


def _has_invisible_characters(text: str) -> bool:
    """Return whether a string contains characters that are not displayed, which make different names look the same."""
    if text.isascii():
        return not text.isprintable()
    return _INVISIBLE.search(text) is not None


def _has_allowed_characters(value: str) -> bool:
    """Return whether each part between spaces conforms to the profile UsernameCaseMapped (RFC 8265 section 3.5)."""
    if _LATIN.fullmatch(value):
        return True
    check_characters, enforce_profile = _load_profile()
    try:
        for part in filter(None, map_width(value).split(" ")):
            check_characters(part)
            enforce_profile(part)
    except UnicodeEncodeError:
        return False
    return True


@cache
def _load_profile() -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Return the functions that check the characters of a part, and enforce the profile.

    The profile checks the characters only after it has mapped them. RFC 8265 section 3.3.2 checks them before, too.
    """
    from precis_i18n import get_profile  # takes about 18 ms, and most names do not need it

    return get_profile("IdentifierClass").enforce, get_profile("UsernameCaseMapped").enforce
