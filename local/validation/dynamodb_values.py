"""Validate attribute values, keys and items of DynamoDB.

Sources: Amazon DynamoDB developer guide, "Constraints in Amazon DynamoDB" and "DynamoDB item sizes and formats"; API
reference, "AttributeValue".
"""

import base64
import decimal
from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

MAX_ITEM_BYTES = 400 * 1024
MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES = 2_048, 1_024
_MAX_NESTING = 32
_MAX_DIGITS = 38
_EXPONENTS = range(-130, 126)
_SETS = ("SS", "NS", "BS")
_KEYS = ("pk", "sk", "time")  # of the table, and of its index
_MAX_NAME_BYTES = 65_535


def check_item(item: Json) -> Iterator[str]:
    """Yield the errors in an item."""
    if (size := count_bytes(item)) > MAX_ITEM_BYTES:
        yield f"Item size has exceeded the maximum allowed size: {size} of {MAX_ITEM_BYTES} bytes"
    yield from check_key(item)
    for name, value in item.items():
        if not 1 <= len(name.encode()) <= _MAX_NAME_BYTES:
            yield f"the attribute name {name[:20]} has {len(name.encode())} bytes; it must have 1 to {_MAX_NAME_BYTES}"
        yield from check_value(value)


def check_key(item: Json) -> Iterator[str]:
    """Yield the errors in the key attributes of an item or a request, including those of the index."""
    for name in _KEYS:
        if name in item:
            if "S" not in item[name]:
                yield f"Type mismatch for key {name}, expected: S"
            else:
                yield from check_key_size(name, item[name]["S"])


def check_key_size(name: str, value: str) -> Iterator[str]:
    """Yield an error if a key is empty or too long."""
    longest = MAX_PARTITION_KEY_BYTES if name == "pk" else MAX_SORT_KEY_BYTES
    if not 1 <= len(value.encode(errors="surrogatepass")) <= longest:
        yield f"the key {name} has {len(value.encode())} bytes; it must have 1 to {longest}"


def check_value(value: Json, level: int = 0) -> Iterator[str]:
    """Yield the errors in an attribute value, including nested values."""
    if level > _MAX_NESTING:
        yield f"Nesting Levels have exceeded supported limits: more than {_MAX_NESTING}"
        return
    if len(value) != 1:
        yield "Supplied AttributeValue must contain exactly one of the supported datatypes"
        return
    ((kind, content),) = value.items()
    if kind in _SETS:
        yield from _check_set(kind, content)
    elif kind == "S":
        yield from _check_text(content)
    elif kind == "N":
        yield from _check_number(content)
    elif kind in ("L", "M"):
        for child in content if kind == "L" else content.values():
            yield from check_value(child, level + 1)


def _check_set(kind: str, members: Any) -> Iterator[str]:
    if not members:
        yield f"One or more parameter values were invalid: An {kind} may not be empty"
    normalized = [decimal.Decimal(member) for member in members] if kind == "NS" else members
    if len(set(normalized)) < len(members):
        yield "Input collection contains duplicates"
    for member in members:
        yield from _check_number(member) if kind == "NS" else _check_text(member)


def _check_text(text: str) -> Iterator[str]:
    try:
        text.encode()
    except UnicodeEncodeError:
        yield "a string contains a surrogate, which is not a Unicode character"


def _check_number(text: str) -> Iterator[str]:
    try:
        number = decimal.Decimal(text)
    except decimal.InvalidOperation:
        yield "The parameter cannot be converted to a numeric value"
        return
    digits = number.as_tuple().digits
    significant = len("".join(map(str, digits)).strip("0"))
    if not number.is_finite():
        yield "The parameter cannot be converted to a numeric value"
    elif significant > _MAX_DIGITS:
        yield f"Attempting to store more than {_MAX_DIGITS} significant digits in a Number"
    elif number and number.adjusted() not in _EXPONENTS:
        yield "Number overflow or underflow: the magnitude must be from 1E-130 to 9.9E+125"


def count_bytes(item: Json) -> int:
    """Return the size of an item as DynamoDB counts it."""
    return sum(len(name.encode()) + _count_value_bytes(value) for name, value in item.items())


def _count_value_bytes(value: Json) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode(errors="surrogatepass"))
        case "N":
            return _count_number_bytes(content)
        case "B":
            return len(base64.b64decode(content))
        case "SS" | "NS" | "BS":
            return sum(_count_value_bytes({kind[0]: member}) for member in content)
        case "L":
            return 3 + sum(1 + _count_value_bytes(member) for member in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _count_value_bytes(member) for name, member in content.items())
        case _:
            return 1


def _count_number_bytes(text: str) -> int:
    digits = text.lower().partition("e")[0].replace(".", "").lstrip("-+").strip("0")
    return min(21, (len(digits) + 1) // 2 + 1 + text.startswith("-"))
