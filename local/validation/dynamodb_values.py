"""Validate attribute values, keys and items of DynamoDB (:mod:`local.validation.dynamodb_rules`)."""

import base64
import decimal
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local.validation import Violation
from local.validation.dynamodb_rules import (
    EXPONENTS,
    MAX_DIGITS,
    MAX_ITEM_BYTES,
    MAX_NAME_BYTES,
    MAX_NESTING,
    MAX_PARTITION_KEY_BYTES,
    MAX_SORT_KEY_BYTES,
    Rule,
)

Json = Mapping[str, Any]

_SETS = ("SS", "NS", "BS")
_TYPES = frozenset({"S", "N", "B", "BOOL", "NULL", "L", "M", *_SETS})
_KEYS = ("pk", "sk", "time")  # of the table, and of its index


def check_item(item: Json) -> Iterator[Violation]:
    """Yield the errors in an item."""
    if "pk" in item and "sk" not in item:
        yield Rule.KEY_SCHEMA.violate(detail="Missing the key sk in the item")
    yield from check_key(item)
    yield from check_names(item)
    yield from check_values(item)


def check_values(values: Json) -> Iterator[Violation]:
    """Yield the errors in the values of an item, and an error if they are too large for one item."""
    violations = [violation for value in values.values() for violation in check_value(value)]
    yield from violations
    if not violations:
        yield from check_size(values)


def check_size(item: Json) -> Iterator[Violation]:
    """Yield an error if an item is too large."""
    if (size := count_bytes(item)) > MAX_ITEM_BYTES:
        yield Rule.ITEM_SIZE.violate(size=size)


def check_key(item: Json) -> Iterator[Violation]:
    """Yield the errors in the key attributes of an item or a request, including those of the index."""
    for name in _KEYS:
        if name in item:
            if "S" not in item[name]:
                yield Rule.KEY_SCHEMA.violate(detail=f"Type mismatch for key {name}, expected: S")
            else:
                yield from check_key_size(name, item[name]["S"])


def check_key_size(name: str, value: str) -> Iterator[Violation]:
    """Yield an error if a key is empty or too long."""
    longest = MAX_PARTITION_KEY_BYTES if name == "pk" else MAX_SORT_KEY_BYTES
    size = len(value.encode(errors="surrogatepass"))
    if not 1 <= size <= longest:
        yield Rule.KEY_SIZE.violate(name=name, size=size, limit=longest)


def check_value(value: Json, level: int = 0) -> Iterator[Violation]:
    """Yield the errors in an attribute value, including nested values."""
    if level > MAX_NESTING:
        yield Rule.NESTING.violate()
        return
    if len(value) != 1 or not _TYPES.issuperset(value):
        yield Rule.VALUE_TYPE.violate()
        return
    ((kind, content),) = value.items()
    if kind in _SETS:
        yield from _check_set(kind, content)
    elif kind == "S":
        yield from _check_text(content)
    elif kind == "N":
        yield from _check_number(content)
    elif kind == "NULL" and content is not True:
        yield Rule.NULL_VALUE.violate()
    elif kind in ("L", "M"):
        yield from _check_children(content, level + 1)


def _check_children(content: Any, level: int) -> Iterator[Violation]:
    if isinstance(content, Mapping):
        yield from check_names(content)
    for child in content.values() if isinstance(content, Mapping) else content:
        yield from check_value(child, level)


def check_names(names: Iterable[str]) -> Iterator[Violation]:
    """Yield an error for each name of an attribute or member that is empty or too long."""
    for name in names:
        if not 1 <= (size := len(name.encode())) <= MAX_NAME_BYTES:
            yield Rule.NAME_SIZE.violate(name=name[:20], size=size)


def _check_set(kind: str, members: Any) -> Iterator[Violation]:
    if not members:
        yield Rule.EMPTY_SET.violate(kind=kind)
    normalized = [decimal.Decimal(member) for member in members] if kind == "NS" else members
    if len(set(normalized)) < len(members):
        yield Rule.DUPLICATE_MEMBERS.violate()
    for member in members:
        yield from _check_number(member) if kind == "NS" else _check_text(member)


def _check_text(text: str) -> Iterator[Violation]:
    try:
        text.encode()
    except UnicodeEncodeError:
        yield Rule.TEXT.violate()


def _check_number(text: str) -> Iterator[Violation]:
    try:
        number = decimal.Decimal(text)
    except decimal.InvalidOperation:
        yield Rule.NUMBER_FORMAT.violate()
        return
    digits = number.as_tuple().digits
    significant = len("".join(map(str, digits)).strip("0"))
    if not number.is_finite():
        yield Rule.NUMBER_FORMAT.violate()
    elif significant > MAX_DIGITS:
        yield Rule.NUMBER_DIGITS.violate()
    elif number and number.adjusted() not in EXPONENTS:
        yield Rule.NUMBER_MAGNITUDE.violate()


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
