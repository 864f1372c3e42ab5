"""The names of the attributes that a request body sends. Never a value."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from scim.protocol.dialect import Dialect, is_name
from scim.protocol.path import Path, UnknownAttribute, resolve
from scim.protocol.schema import ResourceType

_MAX_NAMES = 40
_MAX_EXAMINED = 1_000
"""As many as a PATCH has operations. A body of 1 MB can have 100,000 members."""


def list_sent_attributes(body: Any, resource_type: ResourceType) -> list[str]:
    """Return the names of the attributes in a resource or PATCH body, as their schema writes them: the first 40.

    Attributes of an extension have its URN before their name. A name that no schema has is listed only if it has the
    form of an attribute name: it may be a value.
    """
    names: dict[str, None] = {}
    for name in islice(_list_names(body, resource_type), _MAX_EXAMINED):
        if name:
            names[name] = None
        if len(names) == _MAX_NAMES:
            break
    return list(names)


def _list_names(body: Any, resource_type: ResourceType) -> Iterator[str]:
    if not isinstance(body, dict):
        return
    operations = next((value for name, value in body.items() if name.lower() == "operations"), None)
    if not isinstance(operations, list):
        yield from _name_members(body, resource_type)
        return
    for operation in operations:
        members = {name.lower(): value for name, value in operation.items()} if isinstance(operation, dict) else {}
        path, value = members.get("path"), members.get("value")
        if isinstance(path, str) and path:
            yield from _name_members({path: value}, resource_type)
        elif isinstance(value, dict):
            yield from _name_members(value, resource_type)


def _name_members(members: dict[str, Any], resource_type: ResourceType) -> Iterator[str]:
    """Yield the name of each member; for an extension, the names of its attributes."""
    for name, value in members.items():
        if name.lower() == "schemas":
            continue
        plain = _without_selection(name)
        path = _resolve(plain, resource_type)
        if path is None:
            yield plain if is_name(plain) else ""
        elif path.attribute is None and isinstance(value, dict) and value:
            urn = path.extension or resource_type.core.id
            yield from _name_members({f"{urn}:{member}": each for member, each in value.items()}, resource_type)
        else:
            yield str(path)


def _resolve(name: str, resource_type: ResourceType) -> Path | None:
    try:
        return resolve(name, resource_type, Dialect())
    except UnknownAttribute:
        return None


def _without_selection(name: str) -> str:
    """Return the name without the selection in brackets, whose values are a person's."""
    before, bracket, rest = name.partition("[")
    return before + rest.rpartition("]")[2] if bracket else name
