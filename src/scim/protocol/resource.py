"""Parse the body of a POST or PUT into the canonical form of a resource.

A canonical resource is a JSON object with these properties:

- Attribute names have the case of the schema.
- The attributes of an extension are in an object under its URN.
- There are no unassigned and no unknown attributes.
- ``schemas`` lists the schemas whose attributes the resource has.

The service adds ``id`` and ``meta`` later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scim.protocol.errors import InvalidSyntax, InvalidValue, Rule
from scim.protocol.filter.path import UnknownAttribute, resolve_path
from scim.protocol.leniency import Leniency, LeniencyTracker
from scim.protocol.schema import ResourceType, Schema
from scim.protocol.values.parser import accept_as_unassigned, check_required, drop_unassigned, parse_members
from scim.protocol.values.unique_value import check_unique_value

Resource = dict[str, Any]


def parse_resource(
    body: Any, resource_type: ResourceType, leniencies: LeniencyTracker, *, is_new: bool = True
) -> Resource:
    """Parse the body of a POST or PUT into a canonical resource (RFC 7644 sections 3.3 and 3.5.1).

    Raise :class:`InvalidSyntax` for a wrong structure or a duplicate attribute, and :class:`InvalidValue` for a wrong
    or missing value. The constraints of custom attributes are checked later
    (:mod:`scim.protocol.stored_values.constraints`). So is the unique value, unless ``is_new`` is true: a stored one
    stays allowed.
    """
    if not isinstance(body, dict):
        raise InvalidSyntax(f"The request body must be a JSON object that represents a {resource_type.name}.")
    _check_schemas(body, resource_type, leniencies)
    core, extensions = _split_by_schema(body, resource_type, leniencies)
    resource = _parse_attributes(resource_type.core_schema, core, leniencies)
    check_required(resource_type.core_schema.required_attributes, resource)
    for schema in resource_type.extensions:
        if members := _parse_attributes(schema, extensions.get(schema.id, {}), leniencies):
            resource[schema.id] = members
    if is_new:
        check_unique_value(resource_type.unique_attribute, resource[resource_type.unique_attribute.name], leniencies)
    return set_schemas(resource, resource_type)


def set_schemas(resource: Resource, resource_type: ResourceType) -> Resource:
    """Return the resource with ``schemas`` set to the URNs of its schemas. Those of unknown schemas come last."""
    known = [schema.id for schema in resource_type.extensions if schema.id in resource]
    by_id = resource_type.extensions_by_id
    unknown = [name for name in resource if ":" in name and name not in by_id and is_urn(name)]
    return {**resource, "schemas": [resource_type.core_schema.id, *known, *unknown]}


def is_urn(name: str) -> bool:
    """Return whether the name of a member is a URN or begins with one, such as the name of an extension."""
    # Callers with many names check for a colon first, which saves most calls.
    return ":" in name and name[:4].lower() == "urn:"


def list_changed_attributes(before: Resource, after: Resource, resource_type: ResourceType) -> list[str]:
    """Return the names of the attributes whose values differ, in the order of the schemas.

    The name of an extension's attribute includes its URN.
    """
    changed: list[str] = []
    for schema, old, new in pair_by_schema(before, after, resource_type):
        names = schema.tracked_attribute_names
        if old and new:
            differing = [name for name in names if old.get(name) != new.get(name)]
        else:  # a creation or a deletion, which needs no comparison
            differing = [name for name in names if name in (old or new)]
        changed += differing if schema is resource_type.core_schema else [f"{schema.id}:{name}" for name in differing]
    return changed


def pair_by_schema(
    before: Resource, after: Resource, resource_type: ResourceType
) -> Iterator[tuple[Schema, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield each schema that either version uses, with the schema's members in the version before and after."""
    yield resource_type.core_schema, before, after
    for schema in resource_type.extensions:
        if schema.id in before or schema.id in after:
            yield schema, before.get(schema.id, {}), after.get(schema.id, {})


def _check_schemas(body: dict[str, Any], resource_type: ResourceType, leniencies: LeniencyTracker) -> None:
    """Check ``schemas``: it must list the core schema, and no unknown one unless leniencies are allowed.

    Raise :class:`InvalidValue`, or :class:`InvalidSyntax` if the body has ``schemas`` twice.
    """
    names = [name for name in body if len(name) == len("schemas") and name.lower() == "schemas"]
    if len(names) > 1:
        raise InvalidSyntax("schemas occurs twice, in different cases. Send it once.")
    schemas = body[names[0]] if names else None
    if schemas is None:
        if not leniencies.tolerate(Leniency.MISSING_SCHEMAS):
            raise InvalidValue(
                f'schemas is required. Send ["{resource_type.core_schema.id}"].',
                rule=Rule.REQUIRED,
                attribute="schemas",
            )
        return
    if not isinstance(schemas, list) or not all(isinstance(urn, str) for urn in schemas):
        raise InvalidValue("schemas must be a list of URNs.")
    urns = {urn.lower() for urn in schemas}
    is_standard = urns <= resource_type.urns and resource_type.core_schema.id.lower() in urns
    if not is_standard and not leniencies.tolerate(Leniency.FOREIGN_SCHEMAS):
        raise InvalidValue(f"schemas must list {resource_type.core_schema.id}, and only schemas that /Schemas lists.")


def _split_by_schema(
    body: dict[str, Any], resource_type: ResourceType, leniencies: LeniencyTracker
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the members of the core schema in a body, and the members of each extension by its URN."""
    core_members = dict(body)
    extensions: dict[str, dict[str, Any]] = {}
    members_with_urn = [(name, core_members.pop(name)) for name in body if ":" in name and is_urn(name)]
    if len(set(map(str.lower, core_members))) < len(core_members):
        unmerged_members, core_members = core_members, {}
        for name, value in unmerged_members.items():
            _add_members(core_members, {name: value})
    for name, value in members_with_urn:
        schema, members = _parse_member_with_urn(name, value, resource_type, leniencies)
        _add_members(core_members if schema is None else extensions.setdefault(schema.id, {}), members)
    return core_members, extensions


def _add_members(target: dict[str, Any], members: Mapping[str, Any]) -> None:
    """Add members to an object, in place. Names are case-insensitive.

    If both have the same complex attribute, merge its sub-attributes. Raise :class:`InvalidSyntax` for any other
    attribute that both have.
    """
    names = {name.lower(): name for name in target}
    for name, value in members.items():
        existing_name = names.get(name.lower())
        if existing_name is None:
            target[name] = value
        elif isinstance(value, dict) and isinstance(target[existing_name], dict):
            target[existing_name] = dict(target[existing_name])
            _add_members(target[existing_name], value)
        else:
            raise InvalidSyntax(f"{name[:100]} occurs twice. Send it once.")


def _parse_member_with_urn(
    name: str, value: Any, resource_type: ResourceType, leniencies: LeniencyTracker
) -> tuple[Schema | None, dict[str, Any]]:
    """Parse a member whose name begins with a URN. Return the schema of the extension, and members of that schema.

    The member is the object of an extension. As a leniency, it is a single attribute with its URN, or an object under
    the URN of the core schema, which RFC 7643 section 3.3 excludes. The schema is ``None`` for the core schema. For an
    unknown schema, the result is ``None`` and no members.
    """
    if isinstance(value, dict) and (extension := resource_type.find_extension(name)):
        return extension, dict(value)
    try:
        path = resolve_path(name, resource_type, leniencies)
    except UnknownAttribute:
        leniencies.record_ignored(name, value)
        if not leniencies.tolerate(Leniency.UNKNOWN_ATTRIBUTE):
            raise InvalidValue(
                "The request body has a schema that /Schemas does not list. Remove its mapping.",
                rule=Rule.UNKNOWN_ATTRIBUTE,
            ) from None
        return None, {}
    schema = resource_type.find_extension(path.extension) if path.extension else None
    if (schema is None or path.attribute) and not leniencies.tolerate(Leniency.PATH_AS_KEY):
        raise InvalidValue(
            "A member of the request body has the name of a path. Send attributes of the core schema without the URN, "
            "and those of a schema extension in an object under its URN."
        )
    if path.attribute is None:
        if accept_as_unassigned(value, leniencies):
            return schema, {}
        if not isinstance(value, dict):
            raise InvalidValue(f"{path.extension} is a schema extension. Send an object with its attributes.")
        return schema, dict(value)
    if path.sub_attribute is None:
        return schema, {path.attribute.name: value}
    return schema, {path.attribute.name: {path.sub_attribute.name: value}}


def _parse_attributes(schema: Schema, members: Mapping[str, Any], leniencies: LeniencyTracker) -> Resource:
    """Parse the members of a schema, and return them without the unassigned ones."""
    return drop_unassigned(parse_members(schema.attributes, members, leniencies))
