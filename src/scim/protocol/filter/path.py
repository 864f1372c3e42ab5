"""Resolve attribute names to paths with the schemas of a resource type (RFC 7644 sections 3.5.2 and 3.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim.protocol.filter.ast import AttributePath
from scim.protocol.leniency import Leniency, LeniencyTracker

if TYPE_CHECKING:
    from scim.protocol.schema import Attribute, ResourceType, Schema


class UnknownAttribute(Exception):
    """No schema has an attribute with this well-formed name. The caller decides whether to reject the request."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def resolve_path(name: str, resource_type: ResourceType, leniencies: LeniencyTracker) -> AttributePath:
    """Resolve a name to a path. The name is ``[URN ":"] ATTRNAME ["." ATTRNAME]`` or the URN of a schema.

    Names and URNs are case-insensitive. Two leniencies apply: a dot instead of the colon after the URN, and an
    extension's attribute without its URN. Raise :class:`UnknownAttribute` if no schema has the attribute.
    """
    lower_name = name.lower()
    for schema in resource_type.schemas:
        urn = schema.id.lower()
        extension = schema.id if schema is not resource_type.core_schema else None
        if lower_name == urn:
            return AttributePath(None, extension=extension)
        if not lower_name.startswith((f"{urn}:", f"{urn}.")):
            continue
        path = _find_path(schema, name[len(urn) + 1 :], extension)
        if path and (name[len(urn)] == ":" or leniencies.tolerate(Leniency.DOTTED_URN)):
            return path
    if path := _find_path(resource_type.core_schema, name, None):
        return path
    for schema in resource_type.extensions:
        path = _find_path(schema, name, schema.id)
        if path and leniencies.tolerate(Leniency.BARE_EXTENSION):
            return path
    raise UnknownAttribute(name)


def is_attribute(name: str, resource_type: ResourceType) -> bool:
    """Return whether a schema has an attribute or sub-attribute with this name, with or without its URN."""
    try:
        return resolve_path(name, resource_type, LeniencyTracker()).attribute is not None
    except UnknownAttribute:
        return False


def resolve_sub_attribute(name: str, attribute: Attribute) -> AttributePath:
    """Resolve a name in a value filter to the path of a sub-attribute. Raise :class:`UnknownAttribute`."""
    if sub_attribute := attribute.find_sub_attribute(name):
        return AttributePath(sub_attribute)
    raise UnknownAttribute(f"{attribute.name}.{name}")


def _find_path(schema: Schema, name: str, extension: str | None) -> AttributePath | None:
    """Return the path of the attribute or sub-attribute with this name in one schema, or ``None``."""
    if attribute := schema.find_attribute(name):
        return AttributePath(attribute, extension=extension)
    head, _, tail = name.rpartition(".")
    if (attribute := schema.find_attribute(head)) and (sub_attribute := attribute.find_sub_attribute(tail)):
        return AttributePath(attribute, sub_attribute, extension)
    return None
