"""Write the value of a PATCH operation into a resource, in place (RFC 7644 section 3.5.2).

- ``add`` and ``replace`` differ only for a whole multi-valued attribute: ``add`` keeps its elements.
- Both keep the sub-attributes of a complex value that the operation does not send.
- Both remove a value if the operation sends null. ``remove`` is the same as writing null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scim.protocol.errors import InvalidValue, MutabilityError, NoTarget, Rule
from scim.protocol.filter.ast import And, AttributePath, Comparison, ComparisonOperator, Filter
from scim.protocol.filter.evaluator import compile_filter
from scim.protocol.json_body import lower_member_names
from scim.protocol.leniency import Leniency, LeniencyTracker
from scim.protocol.messages import PatchOperationType
from scim.protocol.schema import Attribute
from scim.protocol.stored_values.immutability import check_sub_attributes_unchanged
from scim.protocol.values.elements import (
    add_elements,
    check_primary,
    merge_duplicates,
    select_changed_identities,
    unmark_primary,
)
from scim.protocol.values.parser import (
    accept_as_unassigned,
    check_element_count,
    parse_element,
    parse_members,
    parse_value,
)


class MultiValuedPatch:
    """Writes the value of one operation into a multi-valued attribute."""

    def __init__(self, members: dict[str, Any], attribute: Attribute, leniencies: LeniencyTracker) -> None:
        self._members = members
        self._attribute = attribute
        self._leniencies = leniencies
        self._elements: list[Any] = members.get(attribute.name, [])

    def write(self, path: AttributePath, value: Any, op: PatchOperationType) -> None:
        """Write a value to the attribute.

        With a value filter, ``path`` selects the elements that match. With only a sub-attribute, it selects every
        element. Otherwise it selects the whole list.
        """
        if path.value_filter is not None:
            self._write_matching(path, path.value_filter, value, op)
        elif path.sub_attribute is not None:
            self._write_elements(self._elements, path, value)
        else:
            self._write_all(value, op)
        self._members[self._attribute.name] = self._elements
        finish_attribute(self._members, self._attribute)

    def _write_all(self, value: Any, op: PatchOperationType) -> None:
        """Replace the whole list, or add the elements that are not in it yet."""
        if self._is_single_element(value):
            value = [value]
        new_elements = parse_value(self._attribute, value, self._leniencies) or []
        if op is PatchOperationType.ADD:
            self._add_elements(merge_duplicates(self._attribute, new_elements))
        else:
            self._elements = merge_duplicates(self._attribute, new_elements, self._elements)
            self._unmark_others(self._elements)

    def _is_single_element(self, value: Any) -> bool:
        """Return whether a value is one element without a list, which an operation may add (section 3.5.2.1)."""
        if self._attribute.is_complex:
            return isinstance(value, dict)
        return not isinstance(value, list) and value not in (None, "")

    def _write_matching(self, path: AttributePath, value_filter: Filter, value: Any, op: PatchOperationType) -> None:
        """Write to the elements that match a value filter. Create an element if none matches."""
        matches = compile_filter(value_filter, self._leniencies)
        if op is PatchOperationType.REMOVE and path.sub_attribute is None:
            self._elements = [element for element in self._elements if not matches(element)]
            return
        matching_elements = [element for element in self._elements if matches(element)]
        if matching_elements or accept_as_unassigned(value, self._leniencies):
            self._write_elements(matching_elements, path, value)
        else:
            new_element = self._create_element(path, value_filter, value)
            if not matches(new_element):  # a retry would create it again
                raise InvalidValue(
                    f"The value does not match the filter in the path of {path.without_value_filter}. "
                    "Send a value that matches it."
                )
            self._add_elements([new_element])

    def _write_elements(self, elements: list[Any], path: AttributePath, value: Any) -> None:
        """Write a value into each element, or into its sub-attribute if the path has one."""
        if not elements:
            if accept_as_unassigned(value, self._leniencies):
                return
            raise NoTarget(
                f"{path.without_value_filter} has no value that could be changed. "
                f"Add a value to {self._attribute.name} first."
            )
        written_members = _parse_written_members(self._attribute, path.sub_attribute, value, self._leniencies)
        changes: list[tuple[dict[str, Any], dict[str, Any]]] = []
        for element in elements:
            before = dict(element)
            _write_members(element, written_members)
            if element != before:
                changes.append((before, element))
        for before, element in changes:
            if element or path.sub_attribute:  # immutability does not forbid the removal of a whole element
                check_sub_attributes_unchanged(self._attribute, before, element)
            _check_required_kept(self._attribute, before, element)
        self._unmark_others(elements)
        self._elements = [element for element in self._elements if element]
        self._merge_changed(select_changed_identities(self._attribute, changes))

    def _create_element(self, path: AttributePath, value_filter: Filter, value: Any) -> dict[str, Any]:
        """Create the element that a value filter describes, as Entra ID expects if no element matches.

        Raise :class:`NoTarget` in strict mode, and for a value filter other than ``eq`` comparisons joined by ``and``.
        """
        described_element = _build_described_element(value_filter)
        if described_element is None or not self._leniencies.tolerate(Leniency.CREATED_ELEMENT):
            raise NoTarget(f"No value of {self._attribute.name} matches the path.")
        element: dict[str, Any] = parse_element(self._attribute, described_element, self._leniencies) or {}
        _write_members(element, _parse_written_members(self._attribute, path.sub_attribute, value, self._leniencies))
        return element

    def _add_elements(self, new_elements: list[Any]) -> None:
        """Add the elements that are not in the list yet. Merge the others into those of the list."""
        self._unmark_others(new_elements)
        self._elements = add_elements(self._attribute, self._elements, new_elements)

    def _merge_changed(self, changed_elements: list[dict[str, Any]]) -> None:
        """Merge elements that have another ``type`` or ``value`` than before into others that have the same."""
        if not changed_elements:
            return
        changed_ids = set(map(id, changed_elements))
        others = [element for element in self._elements if id(element) not in changed_ids]
        merged = add_elements(self._attribute, others, changed_elements)
        if len(merged) < len(self._elements):  # otherwise all elements keep their positions
            self._elements = merged

    def _unmark_others(self, written_elements: list[Any]) -> None:
        """If a written element is primary, set ``primary`` of the others to false (RFC 7644 section 3.5.2).

        Raise :class:`InvalidValue` if several written elements are primary.
        """
        if self._attribute.is_complex and check_primary(self._attribute, written_elements):
            written_ids = set(map(id, written_elements))
            unmark_primary(self._attribute, (element for element in self._elements if id(element) not in written_ids))


def _parse_written_members(
    attribute: Attribute, sub_attribute: Attribute | None, value: Any, leniencies: LeniencyTracker
) -> dict[str, Any] | None:
    """Return the members of a complex value that an operation writes, by name. Those that it removes are ``None``.

    ``value`` is that of one sub-attribute or, without a sub-attribute, an object. Return ``None`` instead of an object
    if the operation removes all members.
    """
    if sub_attribute is not None:
        return {sub_attribute.name: parse_value(sub_attribute, value, leniencies)}
    if accept_as_unassigned(value, leniencies):
        return None
    if isinstance(value, dict):
        return parse_members(attribute.sub_attributes, value, leniencies, f"{attribute.name}.")
    raise InvalidValue(
        f"A value of {attribute.name} must be an object with its sub-attributes.",
        rule=Rule.TYPE,
        attribute=attribute.name,
    )


def _write_members(members: dict[str, Any], written_members: Mapping[str, Any] | None) -> None:
    """Write the result of :func:`_parse_written_members` into the members of a complex value, in place."""
    if written_members is None:
        members.clear()
        return
    for name, value in written_members.items():
        _set_or_remove(members, name, value)


def write_attribute(members: dict[str, Any], attribute: Attribute, value: Any, leniencies: LeniencyTracker) -> None:
    """Write a single-valued attribute into ``members``, in place.

    A complex attribute keeps its stored sub-attributes that ``value`` lacks. Raise :class:`InvalidValue`.
    """
    if attribute.is_complex and isinstance(value, dict) and not _accept_as_removal(attribute, value, leniencies):
        write_complex(members, attribute, None, value, leniencies)
        return
    parsed = parse_value(attribute, value, leniencies)
    if isinstance(parsed, dict):
        parsed = {**members.get(attribute.name, {}), **parsed}
    _set_or_remove(members, attribute.name, parsed)


def write_complex(
    members: dict[str, Any],
    attribute: Attribute,
    sub_attribute: Attribute | None,
    value: Any,
    leniencies: LeniencyTracker,
) -> None:
    """Write one sub-attribute of a single-valued complex attribute into ``members``, in place.

    Without a sub-attribute, write those in the object ``value``, and keep the others. Raise :class:`InvalidValue` and
    :class:`MutabilityError`.
    """
    current = members.setdefault(attribute.name, {})
    before = dict(current)
    _write_members(current, _parse_written_members(attribute, sub_attribute, value, leniencies))
    _check_required_kept(attribute, before, current)
    finish_attribute(members, attribute)


def _set_or_remove(members: dict[str, Any], name: str, value: Any) -> None:
    """Set a member, or remove it if the value is ``None``."""
    if value is None:
        members.pop(name, None)
    else:
        members[name] = value


def create_removal_error(name: str) -> MutabilityError:
    """Return the error for the removal of a required attribute or sub-attribute (RFC 7644 section 3.5.2.2)."""
    return MutabilityError(
        f"{name} is required and cannot be removed. Map it to an attribute that every user has.",
        rule=Rule.REQUIRED,
        attribute=name,
    )


def _accept_as_removal(attribute: Attribute, value: Mapping[str, Any], leniencies: LeniencyTracker) -> bool:
    """Return whether an object means "no value", and record the leniency.

    Entra ID removes a manager with ``{"value": ""}``.
    """
    return (
        attribute.find_sub_attribute("value") is not None
        and lower_member_names(value) == {"value": ""}
        and leniencies.tolerate(Leniency.EMPTY_STRING)
    )


def _check_required_kept(attribute: Attribute, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Raise :class:`MutabilityError` if a write removes a required sub-attribute, but not the whole complex value."""
    for sub_attribute in attribute.required_sub_attributes if after else ():
        if sub_attribute.name in before and after.get(sub_attribute.name) in (None, ""):
            raise create_removal_error(f"{attribute.name}.{sub_attribute.name}")


def finish_attribute(members: dict[str, Any], attribute: Attribute) -> None:
    """Complete the write of an attribute: remove an empty value, or check the new one.

    Raise :class:`InvalidValue` for too many elements.
    """
    if not (value := members.get(attribute.name)):
        members.pop(attribute.name, None)
        return
    if isinstance(value, list):
        check_element_count(attribute, value)


def _build_described_element(value_filter: Filter) -> dict[str, Any] | None:
    """Return the element that ``eq`` comparisons joined by ``and`` describe. Return ``None`` for other filters."""
    operands = value_filter.operands if isinstance(value_filter, And) else (value_filter,)
    element: dict[str, Any] = {}
    for operand in operands:
        if (
            not isinstance(operand, Comparison)
            or operand.operator is not ComparisonOperator.EQ
            or operand.path.attribute is None
        ):
            return None
        element[operand.path.attribute.name] = operand.value
    return element
