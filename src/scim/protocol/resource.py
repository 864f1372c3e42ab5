"""Resources: the canonical form of a user or whatever else a resource type describes.

A canonical resource is a JSON object: attributes under the names of their schema, extensions under their URN, nothing
unassigned, nothing unknown; ``schemas`` lists what is in it. ``id`` and ``meta`` are the service's to add.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scim.protocol.errors import InvalidSyntax, InvalidValue, Rule
from scim.protocol.filter.path import UnknownAttribute, resolve_path
from scim.protocol.leniency import Dialect, Leniency
from scim.protocol.normalize import has_invisible_characters
from scim.protocol.schema import ResourceType, Schema
from scim.protocol.values.parser import check_required, drop_unassigned, parse_members

Resource = dict[str, Any]


def parse_resource(body: Any, resource_type: ResourceType, dialect: Dialect) -> Resource:
    """The canonical resource in the body of a POST or PUT (RFC 7644 sections 3.3 and 3.5.1).

    Raises :class:`InvalidSyntax` or :class:`InvalidValue`.
    """
    if not isinstance(body, dict):
        raise InvalidSyntax(f"The body must be a JSON object: a {resource_type.name}.")
    _check_schemas(body, resource_type, dialect)
    core, extensions = _split(body, resource_type, dialect)
    resource = _read_attributes(resource_type.core, core, dialect)
    check_required(resource_type.core.required_attributes, resource)
    for schema in resource_type.extensions:
        if members := _read_attributes(schema, extensions.get(schema.id, {}), dialect):
            check_required(schema.required_attributes, members, f"{schema.id}:")
            resource[schema.id] = members
    return finalize(resource, resource_type)


def finalize(resource: Resource, resource_type: ResourceType) -> Resource:
    """The resource with ``schemas`` as its content has it, checked as a whole."""
    name = resource_type.unique_attribute.name
    if has_invisible_characters(resource.get(name, "")):
        raise InvalidValue(
            f"{name} holds invisible or control characters: remove them at the source.",
            rule=Rule.FORMAT,
            attribute=name,
        )
    return set_schemas(resource, resource_type)


def set_schemas(resource: Resource, resource_type: ResourceType) -> Resource:
    """Return the resource with the URNs of its schemas in ``schemas``; those that are not served come last."""
    served = [schema.id for schema in resource_type.extensions if schema.id in resource]
    known = resource_type.extensions_by_id
    unserved = [name for name in resource if ":" in name and name not in known and is_urn(name)]
    return {**resource, "schemas": [resource_type.core.id, *served, *unserved]}


def is_urn(name: str) -> bool:
    """Return whether a member is named by a URN, as extensions are, and not by an attribute's name alone."""
    # Hardly any name has a colon. Those who go through many names look for one first, without a call.
    return ":" in name and name[:4].lower() == "urn:"


def list_changed_attributes(before: Resource, after: Resource, resource_type: ResourceType) -> list[str]:
    """The names of the attributes whose values differ, those of extensions with their URN; in the schema's order."""
    return [
        name if schema is resource_type.core else f"{schema.id}:{name}"
        for schema, old, new in pair_by_schema(before, after, resource_type)
        for name in schema.tracked_names
        if old.get(name) != new.get(name)
    ]


def pair_by_schema(
    before: Resource, after: Resource, resource_type: ResourceType
) -> Iterator[tuple[Schema, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield each schema that either version has values of, with the values before and after."""
    yield resource_type.core, before, after
    for schema in resource_type.extensions:
        if schema.id in before or schema.id in after:
            yield schema, before.get(schema.id, {}), after.get(schema.id, {})


def _check_schemas(body: dict[str, Any], resource_type: ResourceType, dialect: Dialect) -> None:
    found = [name for name in body if len(name) == len("schemas") and name.lower() == "schemas"]
    if len(found) > 1:
        raise InvalidSyntax("schemas is there twice, in different cases: send it once.")
    listed = body[found[0]] if found else None
    if listed is None:
        if not dialect.tolerate(Leniency.MISSING_SCHEMAS):
            raise InvalidValue(
                f'schemas is required: send ["{resource_type.core.id}"].', rule=Rule.REQUIRED, attribute="schemas"
            )
        return
    if not isinstance(listed, list) or not all(isinstance(urn, str) for urn in listed):
        raise InvalidValue("schemas is a list of URNs.")
    named = {urn.lower() for urn in listed}
    if (named - resource_type.urns or resource_type.core.id.lower() not in named) and not dialect.tolerate(
        Leniency.FOREIGN_SCHEMAS
    ):
        raise InvalidValue(f"schemas must list {resource_type.core.id} and no schema that /Schemas doesn't show.")


def _split(
    body: dict[str, Any], resource_type: ResourceType, dialect: Dialect
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The members of the body, those of the core apart from those of each extension."""
    core = dict(body)
    extensions: dict[str, dict[str, Any]] = {}
    qualified = [(name, core.pop(name)) for name in body if ":" in name and is_urn(name)]
    if len(set(map(str.lower, core))) < len(core):
        plain, core = core, {}
        for name, value in plain.items():
            _add(core, {name: value})
    for name, value in qualified:
        schema, members = _extension_members(name, value, resource_type, dialect)
        _add(core if schema is None else extensions.setdefault(schema.id, {}), members)
    return core, extensions


def _add(members: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Put together what several keys say: sub-attributes of one attribute, or the same twice, which is refused."""
    there = {name.lower(): name for name in members}
    for name, value in more.items():
        same = there.get(name.lower())
        if same is None:
            members[name] = value
        elif isinstance(value, dict) and isinstance(members[same], dict):
            members[same] = dict(members[same])
            _add(members[same], value)
        else:
            raise InvalidSyntax(f"{name[:100]} is there twice: send it once.")


def _extension_members(
    name: str, value: Any, resource_type: ResourceType, dialect: Dialect
) -> tuple[Schema | None, dict[str, Any]]:
    """What one member named by a URN holds: an extension's object, or a single attribute under its full name."""
    if isinstance(value, dict) and (whole := resource_type.find_extension(name)):
        return whole, dict(value)
    try:
        path = resolve_path(name, resource_type, dialect)
    except UnknownAttribute:
        dialect.record_ignored(name, value)
        if not dialect.tolerate(Leniency.UNKNOWN_ATTRIBUTE):
            raise InvalidValue(
                "The body has a schema that /Schemas doesn't show; remove its mapping.", rule=Rule.UNKNOWN_ATTRIBUTE
            ) from None
        return None, {}
    schema = resource_type.find_extension(path.extension) if path.extension else None
    if path.attribute is None:
        if value is not None and not isinstance(value, dict):
            raise InvalidValue(f"{path.extension} is an extension: send an object with its attributes.")
        return schema, dict(value or {})
    if path.sub_attribute is None:
        return schema, {path.attribute.name: value}
    return schema, {path.attribute.name: {path.sub_attribute.name: value}}


def _read_attributes(schema: Schema, members: Mapping[str, Any], dialect: Dialect) -> Resource:
    return drop_unassigned(parse_members(schema.attributes, members, dialect))
