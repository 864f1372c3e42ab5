"""Comparison of JSON values with the expected values of a scenario, whose matchers ``tests.replay`` describes."""

import json
import re
from collections.abc import Iterator

from pydantic import JsonValue


def merge_patch(target: JsonValue, patch: JsonValue) -> JsonValue:
    """Return a JSON value changed by a merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def resolve_pointer(document: JsonValue, pointer: str) -> JsonValue:
    """Return the value that a JSON pointer (RFC 6901) refers to.

    Raises:
        LookupError: there is no such value.
    """
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        match document:
            case dict():
                document = document[name]
            case list() if name.isdecimal():
                document = document[int(name)]
            case _:
                raise LookupError(pointer)
    return document


def find_difference(expected: JsonValue, actual: JsonValue, at: str = "") -> str | None:
    """Return a sentence about the first difference from the expected value, or None if there is no difference."""
    match expected:
        case {"$any": True}:
            return None
        case {"$type": str() as name}:
            return (
                None
                if _is_type(actual, name)
                else f"{at or '/'}: expected a value of type {name}, got {shorten(actual)}"
            )
        case {"$regex": str() as pattern}:
            matches = isinstance(actual, str) and re.search(pattern, actual)
            return None if matches else f"{at or '/'}: expected a match of {pattern}, got {shorten(actual)}"
        case {"$not": unwanted}:
            return f"{at or '/'}: must not be {shorten(actual)}" if find_difference(unwanted, actual) is None else None
        case {"$unordered": list() as items}:
            return _find_unordered_difference(items, actual, at)
        case dict() if isinstance(actual, dict):
            return next(_find_member_differences(expected, actual, at), None)
        case list() if isinstance(actual, list) and len(expected) == len(actual):
            pairs = enumerate(zip(expected, actual, strict=True))
            return next((difference for i, (a, b) in pairs if (difference := find_difference(a, b, f"{at}/{i}"))), None)
    same = type(expected) is type(actual) and expected == actual and not isinstance(expected, dict | list)
    return None if same else f"{at or '/'}: expected {shorten(expected)}, got {shorten(actual)}"


def _find_member_differences(expected: dict[str, JsonValue], actual: dict[str, JsonValue], at: str) -> Iterator[str]:
    for name, value in expected.items():
        if name not in actual:
            yield f"{at}/{name}: expected {shorten(value)}, but it is missing"
        elif difference := find_difference(value, actual[name], f"{at}/{name}"):
            yield difference


def _find_unordered_difference(expected: list[JsonValue], actual: JsonValue, at: str) -> str | None:
    remaining = list(actual) if isinstance(actual, list) else []
    for item in expected:
        position = next((i for i, other in enumerate(remaining) if find_difference(item, other) is None), None)
        if position is None:
            return f"{at or '/'}: expected {shorten(item)} among {shorten(actual)}"
        del remaining[position]
    return f"{at or '/'}: unexpected {shorten(remaining)}" if remaining else None


def _is_type(value: JsonValue, name: str) -> bool:
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
        "array": (list,),
        "object": (dict,),
    }
    return type(value) in kinds[name]


def shorten(value: JsonValue, limit: int = 300) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[:limit] + " ..."
