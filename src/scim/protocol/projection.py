"""Which attributes an answer shows: ``attributes`` and ``excludedAttributes`` (RFC 7644 section 3.9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from scim.protocol.dialect import Dialect, Leniency
from scim.protocol.errors import InvalidPath, InvalidValue
from scim.protocol.filter.parser import parse_path
from scim.protocol.path import Path, UnknownAttribute
from scim.protocol.schema import Attribute, ResourceType, Returned, Schema

Resource = Mapping[str, Any]
Names = Mapping[str, frozenset[str] | None]
"""For each named attribute its named sub-attributes, or ``None`` for all of it."""


@dataclass(frozen=True, slots=True)
class Projection:
    """What is asked for and what is not, by the URN of the schema; ``None`` where nothing was said."""

    resource_type: ResourceType
    included: Mapping[str, Names | None] | None
    excluded: Mapping[str, Names | None]

    @property
    def shows_all(self) -> bool:
        """Whether a resource is shown as it is stored, so that it need not be read at all."""
        return self.included is None and not self.excluded and _returns_all(self.resource_type)

    def apply(self, resource: Resource) -> dict[str, Any]:
        """The part of a resource that is shown."""
        core = self.resource_type.core
        shown = self._members(core, resource)
        for schema in self.resource_type.extensions:
            if schema.id in resource and (members := self._members(schema, resource[schema.id])):
                shown[schema.id] = members
        return shown

    def _members(self, schema: Schema, members: Resource) -> dict[str, Any]:
        included = None if self.included is None else self.included.get(schema.id, {})
        whole = self.included is not None and schema.id in self.included and included is None
        excluded = self.excluded.get(schema.id, {})
        return _project(
            schema.attributes,
            members,
            included=None if whole else included,
            excluded=dict.fromkeys(schema.attributes) if excluded is None else excluded,
        )


def parse_projection(
    attributes: Iterable[str], excluded: Iterable[str], resource_type: ResourceType, dialect: Dialect
) -> Projection:
    """The projection that the two parameters ask for. Raises :class:`InvalidValue` for a malformed name.

    Names that no schema knows show nothing, which is what they stand for; a selection in brackets is left out of
    account, so that the whole attribute is shown.
    """
    included = _by_schema(attributes, resource_type, dialect)
    return Projection(resource_type, included or None, _by_schema(excluded, resource_type, dialect))


def _by_schema(
    names: Iterable[str], resource_type: ResourceType, dialect: Dialect
) -> dict[str, dict[str, frozenset[str] | None] | None]:
    named: dict[str, dict[str, frozenset[str] | None] | None] = {}
    for name in filter(None, (each.strip() for each in names)):
        try:
            path = parse_path(name, resource_type, dialect)
        except UnknownAttribute:
            if not dialect.accepts(Leniency.UNKNOWN_ATTRIBUTE):
                raise InvalidValue(f"attributes names {name[:120]}, which no schema has.") from None
            named.setdefault(resource_type.core.id, {})
        except InvalidPath as malformed:
            raise InvalidValue(f"attributes holds something that is no attribute's name. {malformed.detail}") from None
        else:
            _add(named, path.extension or resource_type.core.id, path)
    return named


def _add(named: dict[str, dict[str, frozenset[str] | None] | None], urn: str, path: Path) -> None:
    if path.attribute is None:
        named[urn] = None
        return
    attributes = named.setdefault(urn, {})
    if attributes is None:
        return
    name = path.attribute.name.lower()
    if path.sub_attribute is None:
        attributes[name] = None
    elif (subs := attributes.get(name, frozenset())) is not None:
        attributes[name] = subs | {path.sub_attribute.name.lower()}


def _project(
    attributes: Mapping[str, Attribute], members: Resource, *, included: Names | None, excluded: Names
) -> dict[str, Any]:
    shown = {}
    for name, value in members.items():
        attribute = attributes.get(name.lower())
        if attribute is None:
            continue
        subs = _shown(attribute, included, excluded)
        if subs is None:
            continue
        only, without = subs
        if (part := _part(attribute, value, only, without)) not in ({}, []):
            shown[name] = part
    return shown


def _shown(
    attribute: Attribute, included: Names | None, excluded: Names
) -> tuple[frozenset[str] | None, frozenset[str]] | None:
    """Which sub-attributes are shown (``None``: all) and which are not; ``None`` if the attribute is not shown."""
    name = attribute.name.lower()
    if attribute.returned is Returned.NEVER:
        return None
    if attribute.returned is Returned.ALWAYS:
        return None, frozenset()
    if included is not None and name not in included:
        return None
    if included is None and attribute.returned is Returned.REQUEST:
        return None
    without = excluded.get(name, frozenset())
    if without is None:
        return None
    return (included[name] if included is not None else None), without


def _part(attribute: Attribute, value: Any, only: frozenset[str] | None, without: frozenset[str]) -> Any:
    if not attribute.sub_attributes:
        return value
    included = None if only is None else dict.fromkeys(only)
    excluded = dict.fromkeys(without)
    if isinstance(value, list):
        elements = [_project(attribute.sub_attributes, each, included=included, excluded=excluded) for each in value]
        return [element for element in elements if element]
    return _project(attribute.sub_attributes, value, included=included, excluded=excluded)


def _returns_all(resource_type: ResourceType) -> bool:
    hidden = (Returned.NEVER, Returned.REQUEST)
    attributes = [
        each for schema in resource_type.schemas for each in schema.attributes.values() if not each.write_only
    ]
    subs = [sub for attribute in attributes for sub in attribute.sub_attributes.values()]
    return not any(attribute.returned in hidden for attribute in (*attributes, *subs))
