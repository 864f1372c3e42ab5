"""Build the keys of lookup items, by which users are found by an attribute's value: unique keys and index entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scim.protocol.errors import InvalidValue
from scim.protocol.filter.ast import AttributePath
from scim.protocol.normalize import normalize_string
from scim.store.keys import MAX_SORT_KEY_BYTES, MAX_VALUE_BYTES, KeyRange, escape, truncate

MAX_INDEX_ENTRIES = 40
_ID_LENGTH = 36
_UNIQUE_PREFIX, _PAST_LAST_UNIQUE_KEY = "N#", "N$"  # $ follows #
# A unique key has at least so many bytes of its value, even if it is truncated.
_SEARCHABLE_BYTES = 800


def unique_key(value: str, *, is_case_exact: bool) -> str:
    """Return the key of a unique value. The keys are in the order of the values."""
    return _UNIQUE_PREFIX + truncate(normalize_string(value, is_case_exact=is_case_exact), MAX_VALUE_BYTES)


def unique_key_range(first: str | None, last: str | None) -> KeyRange:
    """Return the range of the unique keys of normalized values, both included; ``None`` for no bound."""
    end = _PAST_LAST_UNIQUE_KEY if last is None else _UNIQUE_PREFIX + last
    return KeyRange(_UNIQUE_PREFIX + (first or ""), end)


def is_searchable(text: str) -> bool:
    """Return whether a range of unique keys can have ``text`` as a bound: keys may have longer values truncated."""
    return len(text.encode()) <= _SEARCHABLE_BYTES


def index_prefix(name: str, path: AttributePath, value: str) -> str:
    """Return the prefix of the keys of all index entries of a value. The user's id follows it."""
    is_case_exact = path.leaf is not None and path.leaf.is_case_exact
    prefix = f"I#{name}#"
    max_bytes = min(MAX_VALUE_BYTES, MAX_SORT_KEY_BYTES - len(prefix) - len("#") - _ID_LENGTH)
    return f"{prefix}{truncate(escape(normalize_string(value, is_case_exact=is_case_exact)), max_bytes)}#"


def index_entry_keys(resource: Mapping[str, Any], user_id: str, indexed: Mapping[str, AttributePath]) -> set[str]:
    """Return the keys of a user's index entries. Equal values have one entry."""
    return {
        index_prefix(name, path, value) + user_id
        for name, path in indexed.items()
        for value in _iterate_values(resource, path)
    }


def check_index_entry_count(entries: set[str], indexed: Mapping[str, AttributePath]) -> None:
    """Raise :class:`InvalidValue` if there are more index entries than one transaction can replace."""
    if len(entries) > MAX_INDEX_ENTRIES:
        raise InvalidValue(f"At most {MAX_INDEX_ENTRIES} values of {', '.join(indexed)} are kept for a user.")


def _iterate_values(resource: Mapping[str, Any], path: AttributePath) -> Iterator[str]:
    """Yield the strings at a path of a resource."""
    members = resource.get(path.extension, {}) if path.extension else resource
    value = members.get(path.attribute.name) if path.attribute else None
    for element in value if isinstance(value, list) else [value]:
        leaf = element.get(path.sub_attribute.name) if path.sub_attribute and isinstance(element, dict) else element
        if isinstance(leaf, str):
            yield leaf
