"""Select the attributes that a response includes: ``attributes``, ``excludedAttributes`` (RFC 7644 section 3.9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from scim.protocol.errors import InvalidParameter, InvalidPath
from scim.protocol.filter.ast import AttributePath
from scim.protocol.filter.parser import parse_attribute_name
from scim.protocol.filter.path import UnknownAttribute
from scim.protocol.leniency import Leniency, LeniencyTracker
from scim.protocol.schema import Attribute, ResourceType, Returned, Schema

MAX_NAMES = 1_000
"""The maximum number of names in ``attributes`` or ``excludedAttributes``. Each of them is parsed."""

NamedAttributes = Mapping[str, frozenset[str] | None]
"""The attributes that a parameter names, by lower-case name.

Each value is the names of the sub-attributes that the parameter names, or ``None`` for the whole attribute.
"""


class _MemberProjection(dict[str, "_MemberProjection | None"]):
    """The projection of the members of an object: a resource, an extension or a complex value.

    It maps the name of each member to the projection of its value. ``None`` includes the whole value. An entry is
    computed when its name is first looked up: once for a page of resources, and only for names that occur.

    ``included`` and ``excluded`` are the members that the two parameters name. ``included`` is ``None`` if the request
    has no ``attributes``.
    """

    def __init__(
        self, attributes: Mapping[str, Attribute], included: NamedAttributes | None, excluded: NamedAttributes
    ) -> None:
        super().__init__()
        self._attributes = attributes
        self._included = included
        self._excluded = excluded

    def __missing__(self, name: str) -> _MemberProjection | None:
        attribute = self._attributes.get(name.lower())
        self[name] = projection = self._project_attribute(attribute) if attribute else _EMPTY_PROJECTION
        return projection

    def apply(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return the included members. Leave out a complex value without an included sub-attribute."""
        included: dict[str, Any] = {}
        for name, value in members.items():
            projection = self[name]
            if projection is None:
                included[name] = value
            elif projected := projection.apply_to_value(value):
                included[name] = projected
        return included

    def apply_to_value(self, value: Any) -> Any:
        """Return the included part of a complex value, or of each element of a multi-valued one."""
        if not self._attributes:
            return None
        if isinstance(value, list):
            return [projected for element in value if (projected := self.apply(element))]
        return self.apply(value)

    def _project_attribute(self, attribute: Attribute) -> _MemberProjection | None:
        """Return the projection of an attribute, from its ``returned`` characteristic and the two parameters."""
        name = attribute.name.lower()
        if attribute.returned is Returned.NEVER:
            return _EMPTY_PROJECTION
        if attribute.returned is Returned.ALWAYS:
            return _project_sub_attributes(attribute, None, frozenset())
        if self._included is not None and name not in self._included:
            return _EMPTY_PROJECTION
        if self._included is None and attribute.returned is Returned.REQUEST:
            return _EMPTY_PROJECTION
        excluded = self._excluded.get(name, frozenset())
        if excluded is None:
            return _EMPTY_PROJECTION
        return _project_sub_attributes(attribute, None if self._included is None else self._included[name], excluded)


_EMPTY_PROJECTION = _MemberProjection({}, {}, {})
"""The projection of an attribute that the response does not include."""


def _project_sub_attributes(
    attribute: Attribute, included: frozenset[str] | None, excluded: frozenset[str]
) -> _MemberProjection | None:
    """Return the projection of an attribute's value. If ``included`` is ``None``, all sub-attributes are included."""
    if not attribute.sub_attributes:
        return None
    names = None if included is None else dict.fromkeys(included)
    return _MemberProjection(attribute.sub_attributes, names, dict.fromkeys(excluded))


class Projection:
    """Selects the attributes of a resource that a response includes.

    ``included`` and ``excluded`` are the attributes that ``attributes`` and ``excludedAttributes`` name, by the URN of
    their schema. A ``None`` value stands for the whole schema. ``included`` itself is ``None`` if the request has no
    ``attributes``.
    """

    def __init__(
        self,
        resource_type: ResourceType,
        included: Mapping[str, NamedAttributes | None] | None,
        excluded: Mapping[str, NamedAttributes | None],
    ) -> None:
        self.is_complete = included is None and not excluded and resource_type.is_returned_whole
        """True if a response includes every stored attribute, so that the stored JSON can be returned unparsed."""
        self._core = _project_schema(resource_type.core_schema, included, excluded)
        self._extensions = {
            schema.id: _project_schema(schema, included, excluded) for schema in resource_type.extensions
        }

    def apply(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Return the included part of a resource."""
        included = self._core.apply(resource)
        for urn, projection in self._extensions.items():
            if urn in resource and (members := projection.apply(resource[urn])):
                included[urn] = members
        return included


def _project_schema(
    schema: Schema,
    included: Mapping[str, NamedAttributes | None] | None,
    excluded: Mapping[str, NamedAttributes | None],
) -> _MemberProjection:
    """Return the projection of the attributes of one schema. Arguments are those of :class:`Projection`."""
    included_names = None if included is None else included.get(schema.id, {})
    excluded_names = excluded.get(schema.id, {})
    if excluded_names is None:
        excluded_names = dict.fromkeys(schema.attributes)
    return _MemberProjection(schema.attributes, included_names, excluded_names)


def parse_projection(
    attributes: Sequence[str], excluded: Sequence[str], resource_type: ResourceType, leniencies: LeniencyTracker
) -> Projection:
    """Parse the parameters ``attributes`` and ``excludedAttributes``.

    An unknown name is ignored, which is a leniency. So is a value filter in brackets: the whole attribute is included
    or excluded. Raise :class:`InvalidParameter` for a malformed name, for more than 1,000 names and, in strict mode,
    for an unknown name and for a value filter.
    """
    if not attributes and not excluded:
        return _create_default_projection(resource_type)
    included = _parse_names("attributes", attributes, resource_type, leniencies)
    excluded_names = _parse_names("excludedAttributes", excluded, resource_type, leniencies)
    return Projection(resource_type, included or None, excluded_names)


@lru_cache(maxsize=16)
def _create_default_projection(resource_type: ResourceType) -> Projection:
    """Return the projection for requests without the two parameters: most requests."""
    return Projection(resource_type, None, {})


def _parse_names(
    parameter: str, names: Sequence[str], resource_type: ResourceType, leniencies: LeniencyTracker
) -> dict[str, dict[str, frozenset[str] | None] | None]:
    """Return the attributes that a parameter names, by the URN of their schema. ``None`` stands for a whole schema."""
    if len(names) > MAX_NAMES:
        raise InvalidParameter(f"{parameter} lists {len(names):,} names. It can have at most {MAX_NAMES:,}.")
    named: dict[str, dict[str, frozenset[str] | None] | None] = {}
    for name in filter(None, (name.strip() for name in names)):
        try:
            path = parse_attribute_name(name, resource_type, leniencies)
        except UnknownAttribute:
            if not leniencies.tolerate(Leniency.UNKNOWN_ATTRIBUTE):
                raise InvalidParameter(f"{parameter} lists {name[:120]}, which no schema has.") from None
            named.setdefault(resource_type.core_schema.id, {})
        except InvalidPath as error:
            raise InvalidParameter(f"{parameter} has a malformed attribute name. {error.detail}") from None
        else:
            _add_path(named, path.extension or resource_type.core_schema.id, path)
    return named


def _add_path(named: dict[str, dict[str, frozenset[str] | None] | None], urn: str, path: AttributePath) -> None:
    """Add the attribute at a path to ``named``, in place. ``urn`` is the URN of its schema."""
    if path.attribute is None:
        named[urn] = None
        return
    attributes = named.setdefault(urn, {})
    if attributes is None:
        return
    name = path.attribute.name.lower()
    if path.sub_attribute is None:
        attributes[name] = None
    elif (sub_names := attributes.get(name, frozenset())) is not None:
        attributes[name] = sub_names | {path.sub_attribute.name.lower()}
