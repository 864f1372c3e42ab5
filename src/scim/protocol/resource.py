"""Resources: parse the body of a POST or PUT into the canonical form of a resource.

A canonical resource is a JSON object. Its attributes have the names, in the case, of their schema, its extensions are
under their URN. It has no unassigned and no unknown attributes. ``schemas`` lists the schemas of which it has values.
``id`` and ``meta`` are added later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scim.protocol.errors import InvalidSyntax, InvalidValue, Rule
from scim.protocol.filter.path import UnknownAttribute, resolve_path
from scim.protocol.leniency import Leniency, LeniencyTracker
from scim.protocol.normalize import has_invisible_characters
from scim.protocol.schema import ResourceType, Schema
from scim.protocol.values.parser import check_required, drop_unassigned, parse_members

Resource = dict[str, Any]


def parse_resource(body: Any, resource_type: ResourceType, leniencies: LeniencyTracker) -> Resource:
    """Return the canonical resource in the body of a POST or PUT (RFC 7644 sections 3.3 and 3.5.1).

    Raises :class:`InvalidSyntax` or :class:`InvalidValue`.
    """
    if not isinstance(body, dict):
        raise InvalidSyntax(f"The body must be a JSON object: a {resource_type.name}.")
    _check_schemas(body, resource_type, leniencies)
    core, extensions = _split_by_schema(body, resource_type, leniencies)
    resource = _parse_attributes(resource_type.core_schema, core, leniencies)
    check_required(resource_type.core_schema.required_attributes, resource)
    for schema in resource_type.extensions:
        if members := _parse_attributes(schema, extensions.get(schema.id, {}), leniencies):
            check_required(schema.required_attributes, members, f"{schema.id}:")
            resource[schema.id] = members
    return finalize(resource, resource_type)


def finalize(resource: Resource, resource_type: ResourceType) -> Resource:
    """Return the resource with a correct ``schemas``.

    Raises :class:`InvalidValue` if the unique attribute has characters that are not displayed.
    """
    name = resource_type.unique_attribute.name
    if has_invisible_characters(resource.get(name, "")):
        raise InvalidValue(
            f"{name} holds invisible or control characters: remove them at the source.",
            rule=Rule.FORMAT,
            attribute=name,
        )
    return set_schemas(resource, resource_type)


def set_schemas(resource: Resource, resource_type: ResourceType) -> Resource:
    """Return the resource with the URNs of its schemas in ``schemas``; those of unknown schemas come last."""
    known = [schema.id for schema in resource_type.extensions if schema.id in resource]
    by_id = resource_type.extensions_by_id
    unknown = [name for name in resource if ":" in name and name not in by_id and is_urn(name)]
    return {**resource, "schemas": [resource_type.core_schema.id, *known, *unknown]}


def is_urn(name: str) -> bool:
    """Return whether the name of a member is or begins with a URN, such as the name of an extension."""
    # Hardly any name has a colon. Callers with many names look for one first, to save the call.
    return ":" in name and name[:4].lower() == "urn:"


def list_changed_attributes(before: Resource, after: Resource, resource_type: ResourceType) -> list[str]:
    """Return the names of the attributes whose values differ, in the schemas' order; in extensions with the URN."""
    return [
        name if schema is resource_type.core_schema else f"{schema.id}:{name}"
        for schema, old, new in pair_by_schema(before, after, resource_type)
        for name in schema.tracked_attribute_names
        if old.get(name) != new.get(name)
    ]


def pair_by_schema(
    before: Resource, after: Resource, resource_type: ResourceType
) -> Iterator[tuple[Schema, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield each schema of which one of two versions has values, with the values before and after."""
    yield resource_type.core_schema, before, after
    for schema in resource_type.extensions:
        if schema.id in before or schema.id in after:
            yield schema, before.get(schema.id, {}), after.get(schema.id, {})


def _check_schemas(body: dict[str, Any], resource_type: ResourceType, leniencies: LeniencyTracker) -> None:
    """Raise an error unless the body's ``schemas`` lists the core schema and no unknown schema."""
    names = [name for name in body if len(name) == len("schemas") and name.lower() == "schemas"]
    if len(names) > 1:
        raise InvalidSyntax("schemas is there twice, in different cases: send it once.")
    schemas = body[names[0]] if names else None
    if schemas is None:
        if not leniencies.tolerate(Leniency.MISSING_SCHEMAS):
            raise InvalidValue(
                f'schemas is required: send ["{resource_type.core_schema.id}"].',
                rule=Rule.REQUIRED,
                attribute="schemas",
            )
        return
    if not isinstance(schemas, list) or not all(isinstance(urn, str) for urn in schemas):
        raise InvalidValue("schemas is a list of URNs.")
    urns = {urn.lower() for urn in schemas}
    is_standard = urns <= resource_type.urns and resource_type.core_schema.id.lower() in urns
    if not is_standard and not leniencies.tolerate(Leniency.FOREIGN_SCHEMAS):
        raise InvalidValue(
            f"schemas must list {resource_type.core_schema.id} and no schema that /Schemas doesn't show."
        )


def _split_by_schema(
    body: dict[str, Any], resource_type: ResourceType, leniencies: LeniencyTracker
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the body's members that are in the core schema, and those of each extension by its URN."""
    core = dict(body)
    extensions: dict[str, dict[str, Any]] = {}
    qualified = [(name, core.pop(name)) for name in body if ":" in name and is_urn(name)]
    if len(set(map(str.lower, core))) < len(core):
        unmerged, core = core, {}
        for name, value in unmerged.items():
            _add_members(core, {name: value})
    for name, value in qualified:
        schema, members = _parse_qualified_member(name, value, resource_type, leniencies)
        _add_members(core if schema is None else extensions.setdefault(schema.id, {}), members)
    return core, extensions


def _add_members(target: dict[str, Any], members: Mapping[str, Any]) -> None:
    """Add members to an object, in place; names have no case.

    Sub-attributes of a complex attribute that the object has already are added to it. Raises :class:`InvalidSyntax` for
    an attribute that has two values.
    """
    names = {name.lower(): name for name in target}
    for name, value in members.items():
        existing = names.get(name.lower())
        if existing is None:
            target[name] = value
        elif isinstance(value, dict) and isinstance(target[existing], dict):
            target[existing] = dict(target[existing])
            _add_members(target[existing], value)
        else:
            raise InvalidSyntax(f"{name[:100]} is there twice: send it once.")


def _parse_qualified_member(
    name: str, value: Any, resource_type: ResourceType, leniencies: LeniencyTracker
) -> tuple[Schema | None, dict[str, Any]]:
    """Return the schema and the members that a member with a URN in its name stands for.

    The member is an extension's object, or a single attribute under its name with URN. The schema is ``None`` for the
    core schema and for an unknown one, whose members are ignored.
    """
    if isinstance(value, dict) and (extension := resource_type.find_extension(name)):
        return extension, dict(value)
    try:
        path = resolve_path(name, resource_type, leniencies)
    except UnknownAttribute:
        leniencies.record_ignored(name, value)
        if not leniencies.tolerate(Leniency.UNKNOWN_ATTRIBUTE):
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


def _parse_attributes(schema: Schema, members: Mapping[str, Any], leniencies: LeniencyTracker) -> Resource:
    return drop_unassigned(parse_members(schema.attributes, members, leniencies))
