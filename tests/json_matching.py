"""JSON values compared with what a scenario expects of them; the notation is told in ``replay``."""

import json
import re
from collections.abc import Iterator

from pydantic import JsonValue


def merge_patch(target: JsonValue, patch: JsonValue) -> JsonValue:
    """RFC 7396: null removes, an object merges, anything else replaces."""
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
    """The value that a JSON pointer (RFC 6901) points to.

    Raises:
        LookupError: there is none.
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
    """Where the actual value is not the expected one, in words; None if it is."""
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
            return next((found for i, (a, b) in pairs if (found := find_difference(a, b, f"{at}/{i}"))), None)
    same = type(expected) is type(actual) and expected == actual and not isinstance(expected, dict | list)
    return None if same else f"{at or '/'}: expected {shorten(expected)}, got {shorten(actual)}"


def _find_member_differences(expected: dict[str, JsonValue], actual: dict[str, JsonValue], at: str) -> Iterator[str]:
    for name, value in expected.items():
        if name not in actual:
            yield f"{at}/{name}: expected {shorten(value)}, but it is not there"
        elif found := find_difference(value, actual[name], f"{at}/{name}"):
            yield found


def _find_unordered_difference(expected: list[JsonValue], actual: JsonValue, at: str) -> str | None:
    left = list(actual) if isinstance(actual, list) else []
    for item in expected:
        partner = next((i for i, other in enumerate(left) if find_difference(item, other) is None), None)
        if partner is None:
            return f"{at or '/'}: expected {shorten(item)} among {shorten(actual)}"
        del left[partner]
    return f"{at or '/'}: unexpected {shorten(left)}" if left else None


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
