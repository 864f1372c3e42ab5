"""Writing values into a resource, as one PATCH operation does: a member of an object, or elements of a list.

``add`` and ``replace`` differ only where a list is written as a whole; both keep the sub-attributes that a complex
value leaves out, and both clear what is written with null. ``remove`` is that clearing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scim.protocol.errors import InvalidValue, NoTarget, Rule
from scim.protocol.filter.ast import And, Comparison, Filter, Operator, Path
from scim.protocol.filter.evaluator import compile_filter
from scim.protocol.json_body import lower_member_names
from scim.protocol.leniency import Dialect, Leniency
from scim.protocol.normalize import normalize
from scim.protocol.schema import Attribute
from scim.protocol.stored_values.immutability import check_sub_attributes_unchanged
from scim.protocol.values.parser import (
    accept_as_unassigned,
    check_element_count,
    check_required,
    parse_element,
    parse_members,
    parse_value,
)


class MultiValuedPatch:
    """The elements of a multi-valued attribute, as one operation changes them."""

    def __init__(self, members: dict[str, Any], attribute: Attribute, dialect: Dialect) -> None:
        self._members = members
        self._attribute = attribute
        self._dialect = dialect
        self._elements: list[Any] = members.get(attribute.name, [])
        self._primary = [id(each) for each in self._elements if _is_primary(each)]

    def write(self, path: Path, value: Any, op: str) -> None:
        if path.selection is not None:
            self._write_selected(path, path.selection, value, op)
        elif path.sub_attribute is not None:
            self._write_each(self._elements, path, value)
        else:
            self._write_all(value, op)
        self._elements = [each for each in self._elements if each != {}]
        self._settle_primary()
        self._members[self._attribute.name] = self._elements
        prune(self._members, self._attribute)

    def _write_all(self, value: Any, op: str) -> None:
        if isinstance(value, dict):  # one element may be sent as itself
            value = [value]
        written = parse_value(self._attribute, value, self._dialect) or []
        kept = self._elements if op == "add" else []
        there = {normalize_element(self._attribute, each) for each in kept}
        self._elements = kept + [each for each in written if normalize_element(self._attribute, each) not in there]

    def _write_selected(self, path: Path, selection: Filter, value: Any, op: str) -> None:
        matches = compile_filter(selection, self._dialect)
        if op == "remove" and path.sub_attribute is None:
            self._elements = [each for each in self._elements if not matches(each)]
            return
        selected = [each for each in self._elements if matches(each)]
        if selected or accept_as_unassigned(value, self._dialect):
            self._write_each(selected, path, value)
        else:
            created = self._created(path, selection, value)
            if not matches(created):  # sent again, it would be created again
                raise InvalidValue(
                    f"The value contradicts the selection of {path.without_selection}: send one that it would select."
                )
            self._elements = [*self._elements, created]

    def _write_each(self, elements: list[Any], path: Path, value: Any) -> None:
        if not elements and not accept_as_unassigned(value, self._dialect):
            raise NoTarget(
                f"{path.without_selection} has no element that could be written; "
                f"add one to {self._attribute.name} first."
            )
        for element in elements:
            before = dict(element)
            _write_into(element, self._attribute, path.sub_attribute, value, self._dialect)
            if element or path.sub_attribute:  # else the operation removes the whole element, which is allowed
                check_sub_attributes_unchanged(self._attribute, before, element)

    def _created(self, path: Path, selection: Filter, value: Any) -> dict[str, Any]:
        """Nothing matches: Entra ID expects the element that the filter describes."""
        seed = _described(selection)
        if seed is None or not self._dialect.tolerate(Leniency.CREATED_ELEMENT):
            raise NoTarget(f"No element of {self._attribute.name} matches the path, and there is none to be written.")
        element: dict[str, Any] = parse_element(self._attribute, seed, self._dialect) or {}
        _write_into(element, self._attribute, path.sub_attribute, value, self._dialect)
        return element

    def _settle_primary(self) -> None:
        """An element that has become primary makes the others not so (RFC 7644 section 3.5.2)."""
        marked = [each for each in self._elements if _is_primary(each) and id(each) not in self._primary]
        if len(marked) > 1:
            raise InvalidValue(
                f"Only one of {self._attribute.name} may be primary: one operation marks several.",
                rule=Rule.PRIMARY,
                attribute=self._attribute.name,
            )
        for element in self._elements if marked else []:
            if _is_primary(element) and element is not marked[0]:
                element["primary"] = False


def _write_into(
    element: dict[str, Any], attribute: Attribute, sub_attribute: Attribute | None, value: Any, dialect: Dialect
) -> None:
    """Write a sub-attribute of an element, or several of them at once."""
    if sub_attribute is not None:
        write_attribute(element, sub_attribute, value, dialect)
    elif accept_as_unassigned(value, dialect):
        element.clear()
    elif isinstance(value, dict):
        _merge(element, attribute, value, dialect)
    else:
        raise InvalidValue(
            f"An element of {attribute.name} takes an object with its sub-attributes.",
            rule=Rule.TYPE,
            attribute=attribute.name,
        )


def write_attribute(members: dict[str, Any], attribute: Attribute, value: Any, dialect: Dialect) -> None:
    """Write one member; a complex one keeps the sub-attributes that ``value`` leaves out."""
    if attribute.is_complex and isinstance(value, dict) and not _clears(attribute, value, dialect):
        _merge(members.setdefault(attribute.name, {}), attribute, value, dialect)
        prune(members, attribute)
        return
    read = parse_value(attribute, value, dialect)
    if isinstance(read, dict):
        read = {**members.get(attribute.name, {}), **read}
    _assign(members, attribute.name, read)


def _assign(members: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        members.pop(name, None)
    else:
        members[name] = value


def _clears(attribute: Attribute, value: Mapping[str, Any], dialect: Dialect) -> bool:
    """Whether an object stands for no value: Entra ID unassigns a manager by ``{"value": ""}``."""
    return (
        attribute.find_sub_attribute("value") is not None
        and lower_member_names(value) == {"value": ""}
        and dialect.tolerate(Leniency.EMPTY_STRING)
    )


def _merge(members: dict[str, Any], attribute: Attribute, value: Mapping[str, Any], dialect: Dialect) -> None:
    for name, read in parse_members(attribute.sub_attributes, value, dialect, f"{attribute.name}.").items():
        _assign(members, name, read)


def prune(members: dict[str, Any], attribute: Attribute) -> None:
    """What is empty is unassigned; and what is assigned has its required sub-attributes."""
    if not (value := members.get(attribute.name)):
        members.pop(attribute.name, None)
        return
    if isinstance(value, list):
        check_element_count(attribute, value)
    for element in value if isinstance(value, list) else [value]:
        if isinstance(element, dict):
            check_required(attribute.required_sub_attributes, element, f"{attribute.name}.")


def _is_primary(element: Any) -> bool:
    return isinstance(element, dict) and element.get("primary") is True


def normalize_element(attribute: Attribute, element: Any) -> frozenset[tuple[str, Any]]:
    """The same for elements that a filter finds equal; comparing all with all would take a large list too long."""
    if not isinstance(element, dict):
        return frozenset({("", _comparable(attribute, element))})
    subs = attribute.sub_attributes
    return frozenset((name, _comparable(subs[name.lower()], value)) for name, value in element.items())


def _comparable(attribute: Attribute, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_comparable(attribute, each) for each in value)
    return normalize(value, case_exact=attribute.case_exact) if isinstance(value, str) else value


def _described(selection: Filter) -> dict[str, Any] | None:
    """The sub-attributes that a selection fixes: ``eq`` comparisons, joined by ``and``, and nothing else."""
    terms = selection.terms if isinstance(selection, And) else (selection,)
    described: dict[str, Any] = {}
    for term in terms:
        if not isinstance(term, Comparison) or term.operator is not Operator.EQ or term.path.attribute is None:
            return None
        described[term.path.attribute.name] = term.value
    return described
