"""List the names of the attributes in a request body, without values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from scim.protocol.filter.ast import AttributePath
from scim.protocol.filter.path import UnknownAttribute, resolve_path
from scim.protocol.json_body import lower_member_names
from scim.protocol.leniency import LeniencyTracker, is_attribute_name
from scim.protocol.resource import is_urn
from scim.protocol.schema import ResourceType, Schema

_MAX_NAMES = 40
_MAX_EXAMINED = 1_000
"""The maximum number of names that are examined, since a body of 1 MB may have 100,000 members."""


def list_sent_attributes(body: Any, resource_type: ResourceType) -> list[str]:
    """Return the first 40 names of attributes in the body of a resource or a PATCH, with the spelling of the schema.

    The name of an extension's attribute begins with the URN of the extension. An unknown name may be a value, so it is
    listed only if it has the form of an attribute name.
    """
    names = dict.fromkeys(islice(_list_names(body, resource_type), _MAX_EXAMINED))
    return list(islice(filter(None, names), _MAX_NAMES))


def _list_names(body: Any, resource_type: ResourceType) -> Iterable[str]:
    if not isinstance(body, dict):
        return ()
    length = len("operations")
    for operations in [value for name, value in body.items() if len(name) == length and name.lower() == "operations"]:
        if isinstance(operations, list):
            return _list_names_in_operations(operations, resource_type)
    return _list_member_names(body, resource_type)


def _list_names_in_operations(operations: list[Any], resource_type: ResourceType) -> Iterator[str]:
    """Yield the names of the attributes that the operations of a PATCH write."""
    for operation in operations:
        members = lower_member_names(operation)
        path, value = members.get("path"), members.get("value")
        if isinstance(path, str) and path:
            yield from _list_member_names({path: value}, resource_type)
        elif isinstance(value, dict):
            yield from _list_member_names(value, resource_type)


def _list_member_names(members: dict[str, Any], resource_type: ResourceType) -> Iterator[str]:
    """Yield the name of each member. For an extension, yield the names of its attributes instead."""
    core_attributes = resource_type.core_schema.attributes
    for name, value in members.items():
        if attribute := core_attributes.get(name.lower()):  # most names
            if attribute.name != "schemas":
                yield attribute.name
        elif isinstance(value, dict) and value and (schema := _find_schema(name, resource_type)):
            for member in value:
                attribute = schema.find_attribute(member)
                if attribute is None:
                    yield _get_canonical_name(f"{schema.id}:{member}", resource_type)
                else:
                    yield attribute.name if schema.attributes is core_attributes else f"{schema.id}:{attribute.name}"
        else:
            yield _get_canonical_name(name, resource_type)


def _find_schema(name: str, resource_type: ResourceType) -> Schema | None:
    """Return the schema with a URN, which is case-insensitive; ``None`` if there is none."""
    urn = name.lower()
    return next((schema for schema in resource_type.schemas if schema.id.lower() == urn), None) if is_urn(urn) else None


def _get_canonical_name(name: str, resource_type: ResourceType) -> str:
    """Return a name with the spelling of its schema; an empty string if the name may be a value."""
    path_text = _remove_value_filters(name)
    head, _, tail = path_text.partition(".")
    attribute = resource_type.core_schema.attributes.get(head.lower())
    if attribute and (sub_attribute := attribute.find_sub_attribute(tail)):  # most paths
        return f"{attribute.name}.{sub_attribute.name}"
    path = _resolve(path_text, resource_type)
    if path is None:
        return path_text if is_attribute_name(path_text) else ""
    return str(path)


def _resolve(name: str, resource_type: ResourceType) -> AttributePath | None:
    try:
        return resolve_path(name, resource_type, LeniencyTracker())
    except UnknownAttribute:
        return None


def _remove_value_filters(name: str) -> str:
    """Return a path without its value filters in brackets, since these may contain personal data."""
    before, bracket, rest = name.partition("[")
    _, closed, after = rest.rpartition("]")
    return before + after if closed or not bracket else ""
