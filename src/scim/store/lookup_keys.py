"""Build the keys of lookup items, which find users by the value of an attribute: unique keys and index entries.

- A *unique key* is the key of the only user with a value of the unique attribute, ``userName``.
- An *index entry* is the key of one user with a value of an indexed attribute. Several users can have the same value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scim.protocol.errors import InvalidValue
from scim.protocol.filter.ast import AttributePath
from scim.protocol.normalize import normalize_string
from scim.store.keys import MAX_SORT_KEY_BYTES, MAX_VALUE_BYTES, KeyRange, escape, truncate

MAX_INDEX_ENTRIES = 40
"""The maximum number of index entries of a user. One transaction of 100 actions must be able to replace all."""
_ID_LENGTH = 36
_UNIQUE_PREFIX, _PAST_LAST_UNIQUE_KEY = "N#", "N$"  # $ follows #
# A unique key contains at least this many bytes of its value, even if it is truncated.
_MAX_BOUND_BYTES = 800


def unique_key(value: str, *, is_case_exact: bool) -> str:
    """Return the key of a unique value. Keys sort in the order of the normalized values."""
    return _UNIQUE_PREFIX + truncate(normalize_string(value, is_case_exact=is_case_exact), MAX_VALUE_BYTES)


def unique_key_range(first: str | None, last: str | None) -> KeyRange:
    """Return the range of the unique keys from one normalized value to another, inclusive. ``None`` means unbounded."""
    end = _PAST_LAST_UNIQUE_KEY if last is None else _UNIQUE_PREFIX + last
    return KeyRange(_UNIQUE_PREFIX + (first or ""), end)


def truncate_bound(text: str) -> str:
    """Return a normalized value, or the beginning of a longer one that all unique keys contain in full.

    A key that sorts before or after a longer value can also begin with the result. So a range with a truncated bound
    must include all keys that begin with it.
    """
    return text.encode()[:_MAX_BOUND_BYTES].decode(errors="ignore")


def index_prefix(name: str, path: AttributePath, value: str) -> str:
    """Return the common prefix of all index entries of a value. The id of a user follows in each.

    ``name`` is the name of the indexed attribute, and ``path`` its path.
    """
    is_case_exact = path.leaf is not None and path.leaf.is_case_exact
    prefix = f"I#{name}#"
    max_bytes = min(MAX_VALUE_BYTES, MAX_SORT_KEY_BYTES - len(prefix) - len("#") - _ID_LENGTH)
    return f"{prefix}{truncate(escape(normalize_string(value, is_case_exact=is_case_exact)), max_bytes)}#"


def index_entry_keys(resource: Mapping[str, Any], user_id: str, indexed: Mapping[str, AttributePath]) -> set[str]:
    """Return the keys of a user's index entries: one for each different value.

    ``indexed`` are the paths of the indexed attributes, by name.
    """
    return {
        index_prefix(name, path, value) + user_id
        for name, path in indexed.items()
        for value in _iterate_values(resource, path)
    }


def check_index_entry_count(entries: set[str], indexed: Mapping[str, AttributePath]) -> None:
    """Raise :class:`InvalidValue` if a user would have too many index entries."""
    if len(entries) > MAX_INDEX_ENTRIES:
        raise InvalidValue(f"A user can have at most {MAX_INDEX_ENTRIES} values of {', '.join(indexed)} in total.")


def _iterate_values(resource: Mapping[str, Any], path: AttributePath) -> Iterator[str]:
    """Yield the strings at a path of a resource."""
    members = resource.get(path.extension, {}) if path.extension else resource
    value = members.get(path.attribute.name) if path.attribute else None
    for element in value if isinstance(value, list) else [value]:
        leaf = element.get(path.sub_attribute.name) if path.sub_attribute and isinstance(element, dict) else element
        if isinstance(leaf, str):
            yield leaf
