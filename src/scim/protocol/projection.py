"""Which attributes an answer shows: ``attributes`` and ``excludedAttributes`` (RFC 7644 section 3.9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from scim.protocol.errors import InvalidPath, InvalidValue
from scim.protocol.filter.ast import Path
from scim.protocol.filter.parser import parse_path
from scim.protocol.filter.path import UnknownAttribute
from scim.protocol.leniency import Dialect, Leniency
from scim.protocol.schema import Attribute, ResourceType, Returned, Schema

Resource = Mapping[str, Any]
Names = Mapping[str, frozenset[str] | None]
"""For each named attribute its named sub-attributes, or ``None`` for all of it."""


class _Parts(dict[str, "_Parts | None"]):
    """What is shown of the members of a resource or of a complex value, by their names: ``None`` is all of it.

    Worked out for a name when it is first met, so that a page asks once for each, and a request for none it has not.
    """

    def __init__(self, attributes: Mapping[str, Attribute], included: Names | None, excluded: Names) -> None:
        super().__init__()
        self._attributes = attributes
        self._included = included
        self._excluded = excluded

    def __missing__(self, name: str) -> _Parts | None:
        attribute = self._attributes.get(name.lower())
        shown = _shown(attribute, self._included, self._excluded) if attribute else None
        part = _Parts({}, {}, {}) if attribute is None or shown is None else _part(attribute, *shown)
        self[name] = part
        return part

    def apply(self, members: Resource) -> dict[str, Any]:
        """What of the members is shown; of complex values nothing is left where none of their members are."""
        shown: dict[str, Any] = {}
        for name, value in members.items():
            part = self[name]
            if part is None:
                shown[name] = value
            elif projected := part.value(value):
                shown[name] = projected
        return shown

    def value(self, value: Any) -> Any:
        if not self._attributes:
            return None
        if isinstance(value, list):
            return [projected for each in value if (projected := self.apply(each))]
        return self.apply(value)


class Projection:
    """What is asked for and what is not, by the URN of the schema; ``None`` where nothing was said."""

    def __init__(
        self,
        resource_type: ResourceType,
        included: Mapping[str, Names | None] | None,
        excluded: Mapping[str, Names | None],
    ) -> None:
        self.shows_all = included is None and not excluded and resource_type.is_returned_whole
        """Whether a resource is shown as it is stored, so that it need not be read at all."""
        self._core = _members(resource_type.core, included, excluded)
        self._extensions = {each.id: _members(each, included, excluded) for each in resource_type.extensions}

    def apply(self, resource: Resource) -> dict[str, Any]:
        """The part of a resource that is shown."""
        shown = self._core.apply(resource)
        for urn, parts in self._extensions.items():
            if urn in resource and (members := parts.apply(resource[urn])):
                shown[urn] = members
        return shown


def _members(
    schema: Schema, included: Mapping[str, Names | None] | None, excluded: Mapping[str, Names | None]
) -> _Parts:
    named = None if included is None else included.get(schema.id, {})
    unnamed = excluded.get(schema.id, {})
    return _Parts(schema.attributes, named, dict.fromkeys(schema.attributes) if unnamed is None else unnamed)


def parse_projection(
    attributes: Sequence[str], excluded: Sequence[str], resource_type: ResourceType, dialect: Dialect
) -> Projection:
    """The projection that the two parameters ask for. Raises :class:`InvalidValue` for a malformed name.

    Names that no schema knows show nothing, which is what they stand for; a selection in brackets is left out of
    account, so that the whole attribute is shown.
    """
    if not attributes and not excluded:
        return _unasked(resource_type)
    included = _by_schema(attributes, resource_type, dialect)
    return Projection(resource_type, included or None, _by_schema(excluded, resource_type, dialect))


@lru_cache(maxsize=16)
def _unasked(resource_type: ResourceType) -> Projection:
    """What those are shown who say nothing, which is most of them."""
    return Projection(resource_type, None, {})


def _by_schema(
    names: Iterable[str], resource_type: ResourceType, dialect: Dialect
) -> dict[str, dict[str, frozenset[str] | None] | None]:
    named: dict[str, dict[str, frozenset[str] | None] | None] = {}
    for name in filter(None, (each.strip() for each in names)):
        try:
            path = parse_path(name, resource_type, dialect)
        except UnknownAttribute:
            if not dialect.tolerate(Leniency.UNKNOWN_ATTRIBUTE):
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


def _part(attribute: Attribute, only: frozenset[str] | None, without: frozenset[str]) -> _Parts | None:
    if not attribute.sub_attributes:
        return None
    return _Parts(attribute.sub_attributes, None if only is None else dict.fromkeys(only), dict.fromkeys(without))
