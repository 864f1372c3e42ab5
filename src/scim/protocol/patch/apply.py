"""PATCH: the operations of RFC 7644 section 3.5.2 applied to a resource, all of them or none.

An operation becomes writes, each to a member of the resource or of an extension
(:mod:`scim.protocol.patch.patch_values`); what
they leave is then checked as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scim.protocol.errors import InvalidPath, InvalidSyntax, InvalidValue, MutabilityError, NoTarget, Rule
from scim.protocol.filter.ast import Path
from scim.protocol.filter.parser import parse_path
from scim.protocol.filter.path import UnknownAttribute, resolve_path
from scim.protocol.leniency import Dialect, Leniency
from scim.protocol.messages import MAX_PATCH_OPERATIONS, PatchOperation
from scim.protocol.patch.patch_values import MultiValuedPatch, normalize_element, prune, write_attribute
from scim.protocol.resource import Resource, finalize
from scim.protocol.schema import ResourceType, Schema
from scim.protocol.stored_values.immutability import check_immutable
from scim.protocol.values.parser import parse_element


def apply_patch(
    resource: Resource, operations: Iterable[PatchOperation], resource_type: ResourceType, dialect: Dialect
) -> Resource:
    """The resource after the operations; the one given is left as it is.

    Raises :class:`InvalidPath`, :class:`InvalidFilter` for a path's selection, :class:`NoTarget`,
    :class:`MutabilityError`,
    :class:`InvalidValue`, :class:`InvalidSyntax`.
    """
    patch = _Patch(_copy(resource), resource_type, dialect)
    for operation in operations:
        patch.apply(operation)
    return patch.finish(resource)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(member) for name, member in value.items()}
    return [_copy(element) for element in value] if isinstance(value, list) else value


class _Patch:
    def __init__(self, resource: Resource, resource_type: ResourceType, dialect: Dialect) -> None:
        self._resource = resource
        self._type = resource_type
        self._dialect = dialect
        self._writes = 0

    def apply(self, operation: PatchOperation) -> None:
        if operation.path is None:
            self._apply_without_path(operation)
        elif (path := self._path(operation.path, operation.new_value, Leniency.UNKNOWN_PATH)) is not None:
            _refuse_read_only(path)
            self._apply_at(path, operation)

    def finish(self, before: Resource) -> Resource:
        """Return the resource without empty values. Raise an error if it breaks a rule that holds for all of it."""
        resource = {name: value for name, value in self._resource.items() if value not in ({}, [])}
        for schema in self._type.schemas:
            if schema is self._type.core:
                _refuse_unassigned(schema, before, resource)
            elif schema.id in resource:
                _refuse_unassigned(schema, before.get(schema.id), resource[schema.id])
        check_immutable(before, resource, self._type)
        return finalize(resource, self._type)

    def _path(self, text: str, asked: Any, leniency: Leniency) -> Path | None:
        """The path, or ``None`` for one to an attribute that no schema knows, where that is let pass."""
        try:
            return parse_path(text, self._type, self._dialect)
        except UnknownAttribute as unknown:
            self._dialect.record_ignored(unknown.name, asked)
            if self._dialect.tolerate(leniency):
                return None
            raise InvalidPath(
                f"No schema has the attribute {unknown.name[:120]}; remove its mapping.",
                rule=Rule.UNKNOWN_ATTRIBUTE,
                attribute=unknown.name[:120],
            ) from unknown

    def _apply_without_path(self, operation: PatchOperation) -> None:
        """The keys of the value are attributes, extensions or, from Entra ID, whole paths."""
        if operation.op == "remove":
            raise NoTarget("remove needs a path: the attribute that is to be removed.")
        if not isinstance(operation.value, dict):
            raise InvalidValue(f"{operation.op} without a path needs an object of attributes as its value.")
        if not self._dialect.tolerate(Leniency.PATHLESS_PATCH):
            raise InvalidSyntax(f"{operation.op} needs a path: this tenant is in strict mode.")
        self._write_attributes(operation.value, operation.op)

    def _write_attributes(self, members: Mapping[str, Any], op: str) -> None:
        for name, value in members.items():
            path = self._key_path(name, value)
            if path is None:
                continue
            if _is_read_only(path):
                if name.lower() not in ("id", "meta"):  # which come back with whatever was read
                    self._dialect.record_ignored(str(path.without_selection), value, is_known=True)
                continue
            is_path = str(path).lower() != name.lower() or path.selection or path.sub_attribute
            if is_path and not self._dialect.tolerate(Leniency.PATH_AS_KEY):
                raise InvalidValue(
                    f"{path.without_selection} is a path: name it as an operation's path, not inside a value."
                )
            self._write(path, value, op)

    def _key_path(self, name: str, value: Any) -> Path | None:
        """The path that a key of a value stands for: mostly a plain name, whatever characters that has."""
        if "[" in name:
            return self._path(name, value, Leniency.UNKNOWN_ATTRIBUTE)
        try:
            return resolve_path(name, self._type, self._dialect)
        except UnknownAttribute:
            self._dialect.record_ignored(name, value)
            if self._dialect.tolerate(Leniency.UNKNOWN_ATTRIBUTE):
                return None
            raise InvalidPath(
                f"No schema has the attribute {name[:120]}; remove its mapping.",
                rule=Rule.UNKNOWN_ATTRIBUTE,
                attribute=name[:120],
            ) from None

    def _apply_at(self, path: Path, operation: PatchOperation) -> None:
        if operation.op != "remove":
            if not operation.has_value:
                raise InvalidValue(f"{operation.op} needs a value.")
            self._write(path, operation.value, operation.op)
        elif operation.value in (None, [], "") or path.selection or path.sub_attribute:
            self._write(path, None, "remove")
        else:
            self._remove_values(path, operation.value)

    def _write(self, path: Path, value: Any, op: str) -> None:
        """Write ``value`` at ``path``; null clears it."""
        self._writes += 1
        if self._writes > MAX_PATCH_OPERATIONS:
            raise InvalidValue(f"A PATCH writes at most {MAX_PATCH_OPERATIONS} attributes: send several requests.")
        members = self._members(path.extension)
        if path.attribute is None:
            self._write_schema(path, value, op)
        elif path.attribute.multi_valued:
            MultiValuedPatch(members, path.attribute, self._dialect).write(path, value, op)
        elif path.sub_attribute is not None:
            complex_value = members.setdefault(path.attribute.name, {})
            write_attribute(complex_value, path.sub_attribute, value, self._dialect)
            prune(members, path.attribute)
        else:
            write_attribute(members, path.attribute, value, self._dialect)

    def _write_schema(self, path: Path, value: Any, op: str) -> None:
        """The path is a URN: an extension as a whole, or the core, which is the resource itself."""
        if value is None and path.extension is not None:
            self._resource[path.extension] = {}
        elif not isinstance(value, dict):
            raise InvalidValue(f"{path.extension or self._type.core.id} takes an object with attributes.")
        elif path.extension is None:
            self._write_attributes(value, op)
        else:
            self._write_attributes({f"{path.extension}:{name}": member for name, member in value.items()}, op)

    def _members(self, extension: str | None) -> dict[str, Any]:
        """The object whose member the attribute is."""
        if extension is None:
            return self._resource
        members: dict[str, Any] = self._resource.setdefault(extension, {})
        return members

    def _remove_values(self, path: Path, value: Any) -> None:
        """Remove only the listed elements, each named by some of its sub-attributes."""
        attribute = path.attribute
        if attribute is None or not attribute.multi_valued:
            self._write(path, None, "remove")
            return
        if not self._dialect.tolerate(Leniency.REMOVED_VALUES):
            raise InvalidValue(
                f"remove takes no value: select what is to be removed, as in {path.without_selection}[value eq ...]."
            )
        listed = [parse_element(attribute, each, self._dialect) for each in _listed(value)]
        named = {normalize_element(attribute, each) for each in listed if each is not None}
        shapes = {frozenset(name for name, _ in each) for each in named}

        def is_named(element: Any) -> bool:
            whole = normalize_element(attribute, element)
            return any(frozenset(part for part in whole if part[0] in shape) in named for shape in shapes)

        members = self._members(path.extension)
        members[attribute.name] = [each for each in members.get(attribute.name, []) if not is_named(each)]
        prune(members, attribute)


def _refuse_unassigned(schema: Schema, before: Mapping[str, Any] | None, members: Mapping[str, Any]) -> None:
    """What was required later than it was written must not stand in the way of other changes."""
    for attribute in schema.attributes.values():
        was_assigned = before is None or attribute.name in before
        if (
            attribute.required
            and was_assigned
            and not attribute.is_read_only
            and members.get(attribute.name) in (None, "")
        ):
            raise MutabilityError(
                f"{attribute.name} is required and can't be removed: map it to a value that nobody lacks.",
                rule=Rule.REQUIRED,
                attribute=attribute.name,
            )


def _is_read_only(path: Path) -> bool:
    return any(part is not None and part.is_read_only for part in (path.attribute, path.sub_attribute))


def _refuse_read_only(path: Path) -> None:
    if _is_read_only(path):
        raise MutabilityError(
            f"{path.without_selection} is readOnly: remove its mapping from the identity provider.",
            rule=Rule.READ_ONLY,
            attribute=str(path.without_selection),
        )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
