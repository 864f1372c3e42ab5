"""Apply all operations of a PATCH request to a resource, or none (RFC 7644 section 3.5.2).

This module finds the attributes that an operation writes. :mod:`scim.protocol.patch.patch_values` writes their values.
After all operations, the resource is checked as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from scim.protocol.errors import InvalidPath, InvalidSyntax, InvalidValue, MutabilityError, NoTarget, Rule
from scim.protocol.filter.ast import AttributePath
from scim.protocol.filter.parser import parse_path
from scim.protocol.filter.path import UnknownAttribute, resolve_path
from scim.protocol.leniency import Leniency, LeniencyTracker
from scim.protocol.messages import MAX_PATCH_OPERATIONS, PatchOperation, PatchOperationType
from scim.protocol.patch.patch_values import (
    MultiValuedPatch,
    create_removal_error,
    finish_attribute,
    write_attribute,
    write_complex,
)
from scim.protocol.resource import Resource, set_schemas
from scim.protocol.schema import ResourceType, Schema
from scim.protocol.values.elements import exclude_elements
from scim.protocol.values.parser import accept_as_unassigned, check_element_count, parse_element
from scim.protocol.values.unique_value import check_changed_unique_value


def apply_patch(
    resource: Resource,
    operations: Iterable[PatchOperation],
    resource_type: ResourceType,
    leniencies: LeniencyTracker,
    require_time: Callable[[], None] = lambda: None,
) -> Resource:
    """Apply the operations to a copy of the resource, and return the copy.

    ``require_time`` is called before each write of an attribute. It raises an exception if the time has run out.
    Raise :class:`InvalidPath`, :class:`NoTarget`, :class:`MutabilityError`, :class:`InvalidValue` or
    :class:`InvalidSyntax`. Raise :class:`InvalidFilter` for a wrong comparison in the value filter of a path.
    """
    patch = _Patch(_copy(resource), resource_type, leniencies, require_time)
    for operation in operations:
        patch.apply_operation(operation)
    return patch.build_result(resource)


def _copy(value: Any) -> Any:
    """Return a deep copy of a JSON value. This is faster than ``copy.deepcopy``."""
    if isinstance(value, dict):
        return {name: _copy(member) for name, member in value.items()}
    return [_copy(element) for element in value] if isinstance(value, list) else value


class _Patch:
    """Applies operations to a resource in place."""

    def __init__(
        self,
        resource: Resource,
        resource_type: ResourceType,
        leniencies: LeniencyTracker,
        require_time: Callable[[], None],
    ) -> None:
        self._resource = resource
        self._type = resource_type
        self._leniencies = leniencies
        self._require_time = require_time
        self._writes = 0

    def apply_operation(self, operation: PatchOperation) -> None:
        """Apply one operation. Raise the errors of :func:`apply_patch`, after which the resource is not usable."""
        if operation.path is None:
            self._apply_without_path(operation)
        elif (path := self._parse_path(operation.path, operation.new_value, Leniency.UNKNOWN_PATH)) is not None:
            _check_not_read_only(path)
            self._apply_at_path(path, operation)

    def build_result(self, before: Resource) -> Resource:
        """Check the resource as a whole, and return it without empty values. ``before`` is the resource as stored.

        Raise :class:`MutabilityError` if a required attribute is removed. Raise :class:`InvalidValue` if the new value
        of the unique attribute is not acceptable. An old one stays allowed, because the rules can have changed since
        the last write. The rules for changes of other values are checked later (:mod:`scim.protocol.stored_values`).
        """
        resource = {name: value for name, value in self._resource.items() if value not in ({}, [])}
        for schema in self._type.schemas:
            if schema is self._type.core_schema:
                _check_required_attributes(schema, before, resource)
            elif schema.id in resource:
                _check_required_attributes(schema, before.get(schema.id), resource[schema.id])
        check_changed_unique_value(self._type.unique_attribute, before, resource, self._leniencies)
        return set_schemas(resource, self._type)

    def _parse_path(self, text: str, value: Any, leniency: Leniency) -> AttributePath | None:
        """Parse a path. Return ``None`` if no schema has the attribute and ``leniency`` is allowed."""
        try:
            return parse_path(text, self._type, self._leniencies)
        except UnknownAttribute as error:
            self._ignore_unknown_attribute(error.name, value, leniency)
            return None

    def _ignore_unknown_attribute(self, name: str, value: Any, leniency: Leniency) -> None:
        """Record that an unknown attribute is ignored. Raise :class:`InvalidPath` in strict mode."""
        self._leniencies.record_ignored(name, value)
        if not self._leniencies.tolerate(leniency):
            raise InvalidPath(
                f"No schema has the attribute {name[:120]}. Remove its mapping.",
                rule=Rule.UNKNOWN_ATTRIBUTE,
                attribute=name[:120],
            ) from None

    def _apply_without_path(self, operation: PatchOperation) -> None:
        """Apply an operation without a path.

        The member names of its value are attributes, URNs of extensions or, from Entra ID, paths.
        """
        if operation.op is PatchOperationType.REMOVE:
            raise NoTarget("remove needs a path: the attribute to remove.")
        if not isinstance(operation.value, dict):
            raise InvalidValue(f"{operation.op} without a path needs an object with attributes as its value.")
        if not self._leniencies.tolerate(Leniency.PATHLESS_PATCH):
            raise InvalidSyntax(f"{operation.op} needs a path, because strict mode is on.")
        self._write_attributes(operation.value, operation.op)

    def _write_attributes(self, members: Mapping[str, Any], op: PatchOperationType) -> None:
        """Write each member of an operation's value. Ignore unknown and readOnly attributes."""
        for name, value in members.items():
            path = self._parse_member_name(name, value)
            if path is None:
                continue
            if _is_read_only(path):
                if name.lower() not in ("id", "meta"):  # clients send them back with a whole resource
                    self._leniencies.record_ignored(str(path.without_value_filter), value, is_known=True)
                continue
            is_path = str(path).lower() != name.lower() or path.value_filter or path.sub_attribute
            if is_path and not self._leniencies.tolerate(Leniency.PATH_AS_KEY):
                raise InvalidValue(
                    f"{path.without_value_filter} is a path. Send it as the path of an operation, not inside a value."
                )
            self._write(path, value, op)

    def _parse_member_name(self, name: str, value: Any) -> AttributePath | None:
        """Resolve the name of a member to a path. Return ``None`` if the attribute is unknown.

        Only a name with a bracket is parsed as a path. An attribute name can contain characters that the grammar of
        paths does not allow.
        """
        if "[" in name:
            return self._parse_path(name, value, Leniency.UNKNOWN_ATTRIBUTE)
        try:
            return resolve_path(name, self._type, self._leniencies)
        except UnknownAttribute:
            self._ignore_unknown_attribute(name, value, Leniency.UNKNOWN_ATTRIBUTE)
            return None

    def _apply_at_path(self, path: AttributePath, operation: PatchOperation) -> None:
        """Apply an operation with a path."""
        if operation.op is not PatchOperationType.REMOVE:
            if not operation.has_value:
                raise InvalidValue(f"{operation.op} needs a value.")
            self._write(path, operation.value, operation.op)
        elif operation.value in (None, [], "") or path.value_filter or path.sub_attribute:
            self._write(path, None, PatchOperationType.REMOVE)
        else:
            self._remove_values(path, operation.value)

    def _write(self, path: AttributePath, value: Any, op: PatchOperationType) -> None:
        """Write a value to a path. Null removes the stored value, except that of ``active``."""
        self._count_write()
        if op is not PatchOperationType.REMOVE and self._is_empty_active(path, value):
            self._leniencies.record_ignored("active", value=True)
            return
        members = self._get_members(path.extension)
        if path.attribute is None:
            self._write_schema(path, value, op)
        elif path.attribute.is_multi_valued:
            MultiValuedPatch(members, path.attribute, self._leniencies).write(path, value, op)
        elif path.sub_attribute is not None:
            write_complex(members, path.attribute, path.sub_attribute, value, self._leniencies)
        else:
            write_attribute(members, path.attribute, value, self._leniencies)

    def _is_empty_active(self, path: AttributePath, value: Any) -> bool:
        """Return whether an empty value is written to the core attribute ``active``.

        It says nothing about the user, so it must neither activate nor deactivate: only ``remove`` removes ``active``.
        """
        return path.is_core("active") and accept_as_unassigned(value, self._leniencies)

    def _count_write(self) -> None:
        """Count a write of an attribute. Each one can read all values of a multi-valued attribute."""
        self._writes += 1
        if self._writes > MAX_PATCH_OPERATIONS:
            raise InvalidValue(
                f"A PATCH request can write at most {MAX_PATCH_OPERATIONS:,} attributes. Send several requests."
            )
        self._require_time()

    def _write_schema(self, path: AttributePath, value: Any, op: PatchOperationType) -> None:
        """Write attributes of the schema whose URN is the path."""
        if path.extension is not None and accept_as_unassigned(value, self._leniencies):
            self._resource[path.extension] = {}
        elif not isinstance(value, dict):
            raise InvalidValue(
                f"{path.extension or self._type.core_schema.id} needs an object with attributes as its value."
            )
        elif path.extension is None:
            self._write_attributes(value, op)
        else:
            self._write_attributes({f"{path.extension}:{name}": member for name, member in value.items()}, op)

    def _get_members(self, extension: str | None) -> dict[str, Any]:
        """Return the object that contains the attributes of an extension. For ``None``, return the whole resource."""
        if extension is None:
            return self._resource
        members: dict[str, Any] = self._resource.setdefault(extension, {})
        return members

    def _remove_values(self, path: AttributePath, value: Any) -> None:
        """Remove the elements that ``value`` lists. For a single-valued attribute, remove the value.

        An element is removed if it has all members of a listed element.
        """
        attribute = path.attribute
        if attribute is None or not attribute.is_multi_valued:
            self._write(path, None, PatchOperationType.REMOVE)
            return
        if not self._leniencies.tolerate(Leniency.REMOVED_VALUES):
            raise InvalidValue(
                "remove does not take a value. Select the values to remove with a path, as in "
                f"{path.without_value_filter}[value eq ...]."
            )
        self._count_write()
        values = value if isinstance(value, list) else [value]
        check_element_count(attribute, values)
        parsed_elements = [parse_element(attribute, element, self._leniencies) for element in values]
        members = self._get_members(path.extension)
        elements = members.get(attribute.name, [])
        excluded_elements = [element for element in parsed_elements if element is not None]
        members[attribute.name] = exclude_elements(attribute, elements, excluded_elements)
        finish_attribute(members, attribute)


def _check_required_attributes(schema: Schema, before: Mapping[str, Any] | None, members: Mapping[str, Any]) -> None:
    """Raise :class:`MutabilityError` if a required attribute is removed.

    An attribute that was already missing stays allowed, because the schema can have changed since the last write.
    """
    for attribute in schema.attributes.values():
        was_assigned = before is None or attribute.name in before
        if (
            attribute.is_required
            and was_assigned
            and not attribute.is_read_only
            and members.get(attribute.name) in (None, "")
        ):
            raise create_removal_error(attribute.name)


def _is_read_only(path: AttributePath) -> bool:
    """Return whether the attribute or sub-attribute at a path is readOnly."""
    return any(part is not None and part.is_read_only for part in (path.attribute, path.sub_attribute))


def _check_not_read_only(path: AttributePath) -> None:
    """Raise :class:`MutabilityError` for the path of a readOnly attribute."""
    if _is_read_only(path):
        raise MutabilityError(
            f"{path.without_value_filter} is readOnly. Remove its mapping in the identity provider.",
            rule=Rule.READ_ONLY,
            attribute=str(path.without_value_filter),
        )
