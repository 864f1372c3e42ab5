"""Attribute paths, resolved against the schemas of a resource type (RFC 7644 sections 3.5.2 and 3.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim.protocol.filter.ast import Path
from scim.protocol.leniency import Dialect, Leniency

if TYPE_CHECKING:
    from scim.protocol.schema import Attribute, ResourceType, Schema


class UnknownAttribute(Exception):
    """A well-formed name that no schema knows. What follows from it is for the caller to say."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def resolve_path(name: str, resource_type: ResourceType, dialect: Dialect) -> Path:
    """The path that ``name`` stands for: ``[URN ":"] ATTRNAME ["." ATTRNAME]`` or a schema's URN alone.

    Names and URNs have no case. Raises :class:`UnknownAttribute`.
    """
    lower = name.lower()
    for schema in resource_type.schemas:
        urn = schema.id.lower()
        extension = schema.id if schema is not resource_type.core else None
        if lower == urn:
            return Path(None, extension=extension)
        if not lower.startswith((f"{urn}:", f"{urn}.")):
            continue
        found = _member(schema, name[len(urn) + 1 :], extension)
        if found and (name[len(urn)] == ":" or dialect.tolerate(Leniency.DOTTED_URN)):
            return found
    if found := _member(resource_type.core, name, None):
        return found
    for schema in resource_type.extensions:
        found = _member(schema, name, schema.id)
        if found and dialect.tolerate(Leniency.BARE_EXTENSION):
            return found
    raise UnknownAttribute(name)


def is_attribute(name: str, resource_type: ResourceType) -> bool:
    """Return whether a schema has an attribute or sub-attribute of this name, with or without its URN."""
    try:
        return resolve_path(name, resource_type, Dialect()).attribute is not None
    except UnknownAttribute:
        return False


def resolve_sub_attribute(name: str, attribute: Attribute) -> Path:
    """The path of ``name`` inside the brackets of a value path on ``attribute``. Raises :class:`UnknownAttribute`."""
    if sub_attribute := attribute.find_sub_attribute(name):
        return Path(sub_attribute)
    raise UnknownAttribute(f"{attribute.name}.{name}")


def _member(schema: Schema, name: str, extension: str | None) -> Path | None:
    """The attribute or sub-attribute of ``schema`` that ``name`` stands for."""
    if attribute := schema.find_attribute(name):
        return Path(attribute, extension=extension)
    head, _, tail = name.rpartition(".")
    if (attribute := schema.find_attribute(head)) and (sub_attribute := attribute.find_sub_attribute(tail)):
        return Path(attribute, sub_attribute, extension)
    return None
