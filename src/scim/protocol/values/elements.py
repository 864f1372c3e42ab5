"""Compare the elements of multi-valued attributes, and keep at most one of them primary (RFC 7643 section 2.4).

Elements have no ids. Two elements with the same ``type`` and ``value`` are the same. Elements without a ``value``, such
as addresses, are the same if all their members except ``primary`` are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from scim.protocol.errors import InvalidValue, Rule
from scim.protocol.normalize import normalize_string
from scim.protocol.schema import Attribute


def merge_duplicates(attribute: Attribute, elements: Sequence[Any], stored: Sequence[Any] = ()) -> list[Any]:
    """Return the elements, with each duplicate merged into the first of its kind, in place.

    Elements that occur several times in ``stored`` may occur several times: they can differ in values that no schema
    describes any more, and that clients do not see.
    """
    if len(set(identify(attribute, elements))) == len(elements):  # nearly always
        return list(elements)
    counts = Counter(identify(attribute, stored)) if len(stored) > 1 else Counter()
    return add_elements(attribute, [], elements, {identity for identity, count in counts.items() if count > 1})


def add_elements(
    attribute: Attribute,
    elements: Sequence[Any],
    new_elements: Sequence[Any],
    repeatable: Container[Hashable] = frozenset(),
) -> list[Any]:
    """Return the elements with the new ones added. A new element that is in the list already is merged, in place.

    The element in the list gets the members of the new one that it lacks or that differ. It keeps the case of its other
    values. Elements whose identity is in ``repeatable`` are added in any case.
    """
    added = list(elements)
    index: dict[Hashable, Any] = {}
    for identity, element in zip(identify(attribute, elements), elements, strict=True):
        index.setdefault(identity, element)
    for identity, element in zip(identify(attribute, new_elements), new_elements, strict=True):
        if identity not in index or identity in repeatable:
            index[identity] = element
            added.append(element)
        elif attribute.is_complex:
            _merge_members(attribute, index[identity], element)
    return added


def identify(attribute: Attribute, elements: Iterable[Any]) -> Iterator[Hashable]:
    """Yield what identifies each element among those of its attribute."""
    if not attribute.is_complex:
        yield from (_normalize_value(attribute, element) for element in elements)
        return
    value_name = _find_name(attribute, "value")
    for element in elements:
        yield _build_key(element, attribute.key_with_value if value_name in element else attribute.key_without_value)


def select_changed_identities(
    attribute: Attribute, changes: Iterable[tuple[Mapping[str, Any], dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Return the complex elements that are not the same as before. ``changes`` has each one before and after a write.

    An element that has become empty is left out.
    """
    type_name, value_name = _find_name(attribute, "type"), _find_name(attribute, "value")
    candidates = [
        (before, after)
        for before, after in changes
        if after
        and (
            value_name not in after
            or before.get(value_name) != after[value_name]
            or before.get(type_name) != after.get(type_name)
        )
    ]
    stored, written = [before for before, _ in candidates], [after for _, after in candidates]
    identities = zip(identify(attribute, stored), identify(attribute, written), strict=True)
    return [after for after, (old, new) in zip(written, identities, strict=True) if old != new]


def _merge_members(attribute: Attribute, target: dict[str, Any], element: Mapping[str, Any]) -> None:
    """Write the members of an element into ``target``, except those that are the same after normalization."""
    for name, value in element.items():
        sub_attribute = attribute.sub_attributes[name.lower()]
        normalized = _normalize_value(sub_attribute, value)
        if name not in target or _normalize_value(sub_attribute, target[name]) != normalized:
            target[name] = value


def check_primary(attribute: Attribute, elements: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether one of the elements is primary. An element without ``primary`` is not.

    Raise :class:`InvalidValue` if several are.
    """
    name = _find_name(attribute, "primary")
    count = sum(element.get(name) is True for element in elements)
    if count > 1:
        raise InvalidValue(
            f"Only one value of {attribute.name} can be primary. Set primary to true on one of them.",
            rule=Rule.PRIMARY,
            attribute=attribute.name,
        )
    return count == 1


def unmark_primary(attribute: Attribute, elements: Iterable[dict[str, Any]]) -> None:
    """Set ``primary`` to false on those elements that are primary, in place."""
    name = _find_name(attribute, "primary")
    for element in elements:
        if element.get(name) is True:
            element[name] = False


def exclude_elements(attribute: Attribute, elements: Sequence[Any], excluded: Iterable[Any]) -> list[Any]:
    """Return the elements, without those that have all members of an element in ``excluded``.

    An element without ``primary`` has ``primary: false`` (RFC 7643 section 2.4). Each element is compared by hash,
    because comparing all pairs is slow for large lists.
    """
    if not attribute.is_complex:
        excluded_values = {_normalize_value(attribute, element) for element in excluded}
        return [element for element in elements if _normalize_value(attribute, element) not in excluded_values]
    keys_by_members: dict[tuple[Attribute, ...], set[Hashable]] = {}
    for element in excluded:
        members = tuple(attribute.sub_attributes[name.lower()] for name in sorted(element))
        keys_by_members.setdefault(members, set()).add(_build_key(element, members))
    for members, excluded_keys in keys_by_members.items():
        elements = [element for element in elements if _build_key(element, members) not in excluded_keys]
    return list(elements)


def _build_key(element: Mapping[str, Any], members: Iterable[Attribute]) -> Hashable:
    """Return the normalized values of these members of a complex element.

    A missing member is ``None``, or false for ``primary``. One operation may read hundreds of elements, so the most
    frequent values, ASCII strings, are normalized without a call.
    """
    return tuple(
        [
            value.lower()
            if (value := element.get(member.name, member.absent_value)).__class__ is str
            and not member.is_case_exact
            and value.isascii()
            else _normalize(value, is_case_exact=member.is_case_exact)
            for member in members
        ]
    )


def _normalize_value(attribute: Attribute, value: Any) -> Any:
    return _normalize(value, is_case_exact=attribute.is_case_exact)


def _normalize(value: Any, *, is_case_exact: bool) -> Any:
    """Return a string in the form that comparisons use, and any other value as it is."""
    return normalize_string(value, is_case_exact=is_case_exact) if isinstance(value, str) else value


def _find_name(attribute: Attribute, name: str) -> str:
    """Return the name of a sub-attribute as the schema spells it. ``name`` is in lower case."""
    sub_attribute = attribute.sub_attributes.get(name)
    return name if sub_attribute is None else sub_attribute.name
