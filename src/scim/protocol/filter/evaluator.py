"""Compile the syntax tree of a filter into a Python function that evaluates the filter on a resource.

A comparison matches if any of the values at its path matches (RFC 7644 section 3.4.2.2). These rules apply to absent
values:

- A single-valued attribute without a value has the value null. So it matches ``ne`` and ``eq null``, but no other
  comparison. The same applies to a sub-attribute of a single element.
- A multi-valued attribute without elements has no values. It matches ``eq null``, but no other comparison.
- ``primary`` is false in an element that does not have it (RFC 7643 section 2.4).
- ``pr`` tests only what is stored.

All checks happen at compile time, so an invalid filter fails even if there are no resources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import contains, eq, ge, gt, le, lt
from typing import Any

from scim.protocol.errors import InvalidFilter
from scim.protocol.filter.ast import (
    And,
    AttributePath,
    Comparison,
    ComparisonOperator,
    Filter,
    FilterLiteral,
    Not,
    Or,
    Present,
    ValuePath,
)
from scim.protocol.leniency import Leniency, LeniencyTracker
from scim.protocol.normalize import list_substring_forms, normalize_string, parse_date_time
from scim.protocol.schema import Attribute, DataType, StringFormat
from scim.protocol.values.conformance import select_conforming

Predicate = Callable[[Mapping[str, Any]], bool]
"""Returns whether a resource, or an element of a multi-valued attribute, matches."""
ValueGetter = Callable[[Mapping[str, Any]], Sequence[Any]]
"""Returns the values at a path in a resource, or in an element of a multi-valued attribute.

An absent single value is ``None``. A multi-valued attribute without elements has no values.
"""
ValueTest = Callable[[Any], bool]
"""Returns whether a single value satisfies a comparison."""

_ORDER_OPERATORS: dict[ComparisonOperator, Callable[[Any, Any], bool]] = {
    ComparisonOperator.EQ: eq,
    ComparisonOperator.GT: gt,
    ComparisonOperator.GE: ge,
    ComparisonOperator.LT: lt,
    ComparisonOperator.LE: le,
}
_SUBSTRING_OPERATORS: dict[ComparisonOperator, Callable[[str, str], bool]] = {
    ComparisonOperator.CO: contains,
    ComparisonOperator.SW: str.startswith,
    ComparisonOperator.EW: str.endswith,
}

_UNASSIGNED: tuple[Any, ...] = (None, "", {}, [])
"""The values that are equivalent to no value (RFC 7643 section 2.5)."""


def compile_filter(tree: Filter, leniencies: LeniencyTracker) -> Predicate:
    """Compile a filter into a function that returns whether a resource matches.

    Raise :class:`InvalidFilter` if an operator or a value does not fit the type of its attribute.
    """
    match tree:
        case And(operands):
            return _combine_with_and([compile_filter(operand, leniencies) for operand in operands])
        case Or(operands):
            return _combine_with_or([compile_filter(operand, leniencies) for operand in operands])
        case Not(operand):
            return _negate(compile_filter(operand, leniencies))
        case Present(path) | ValuePath(path):
            return _compile_presence(path, leniencies)
        case Comparison(path, operator, value):
            return _compile_comparison(path, operator, value, leniencies)


def _combine_with_and(predicates: Sequence[Predicate]) -> Predicate:
    return lambda resource: all(predicate(resource) for predicate in predicates)


def _combine_with_or(predicates: Sequence[Predicate]) -> Predicate:
    return lambda resource: any(predicate(resource) for predicate in predicates)


def _negate(predicate: Predicate) -> Predicate:
    return lambda resource: not predicate(resource)


def _compile_presence(path: AttributePath, leniencies: LeniencyTracker) -> Predicate:
    """Compile a test whether there is a value at a path."""
    get_values = compile_value_getter(path, leniencies)
    return lambda resource: any(value not in _UNASSIGNED for value in get_values(resource))


def _compile_comparison(
    path: AttributePath, operator: ComparisonOperator, literal: FilterLiteral, leniencies: LeniencyTracker
) -> Predicate:
    """Compile a comparison of the values at a path: whether any of them matches."""
    if literal is None:
        return _compile_null_comparison(path, operator, leniencies)
    path, attribute = resolve_compared_attribute(path)
    get_values = compile_value_getter(path, leniencies, attribute.absent_value)
    is_negated = operator is ComparisonOperator.NE
    test = compile_test(attribute, ComparisonOperator.EQ if is_negated else operator, literal, leniencies)
    if path.is_single_valued_core_attribute:
        return _compile_single_value_test(attribute, test, is_negated=is_negated)
    if is_negated:
        return lambda resource: any(value is None or not test(value) for value in get_values(resource))
    return lambda resource: any(value is not None and test(value) for value in get_values(resource))


def _compile_single_value_test(attribute: Attribute, test: ValueTest, *, is_negated: bool) -> Predicate:
    """Compile a comparison of a single-valued core attribute. Most filters do this, so it has a separate, fast path."""
    name, absent = attribute.name, attribute.absent_value
    if is_negated:
        return lambda resource: (value := resource.get(name, absent)) is None or not test(value)
    return lambda resource: (value := resource.get(name, absent)) is not None and test(value)


def _compile_null_comparison(
    path: AttributePath, operator: ComparisonOperator, leniencies: LeniencyTracker
) -> Predicate:
    """Compile a comparison with null: an attribute that is null has no value (RFC 7643 section 2.5)."""
    if operator is ComparisonOperator.NE:
        return _compile_presence(path, leniencies)
    if operator is ComparisonOperator.EQ:
        get_values = compile_value_getter(path, leniencies)
        # A path without any value is unassigned, which is equivalent to null.
        return lambda resource: any(value in _UNASSIGNED for value in get_values(resource) or (None,))
    raise InvalidFilter(f"{path.without_value_filter} cannot be compared with null by {operator}. Use eq or ne.")


def resolve_compared_attribute(path: AttributePath) -> tuple[AttributePath, Attribute]:
    """Return the path of the compared values, and the attribute or sub-attribute at its end.

    A complex attribute is compared by its sub-attribute ``value`` (RFC 7644 section 3.4.2.2). Raise
    :class:`InvalidFilter` if it has none.
    """
    leaf = path.leaf
    if leaf is not None and leaf.type is DataType.COMPLEX:
        value = leaf.find_sub_attribute("value")
        path, leaf = AttributePath(path.attribute, value, path.extension, path.value_filter), value
    if leaf is None:
        raise InvalidFilter(
            f"{path.without_value_filter} is a complex attribute without a value. Compare one of its sub-attributes."
        )
    return path, leaf


def compile_value_getter(path: AttributePath, leniencies: LeniencyTracker, absent_value: object = None) -> ValueGetter:
    """Compile a path into a function that returns the values at the path.

    ``absent_value`` is the value of a sub-attribute that a complex value does not have. Raise
    :class:`InvalidFilter` for a writeOnly attribute.
    """
    if path.leaf is not None and path.leaf.is_write_only:
        raise InvalidFilter(f"{path.without_value_filter} is writeOnly and cannot be used in a filter.")
    get_values = _compile_attribute_getter(path)
    if path.value_filter is not None:
        get_values = _compile_element_getter(get_values, compile_filter(path.value_filter, leniencies))
    if path.sub_attribute is None:
        return get_values
    return _compile_sub_value_getter(get_values, path.sub_attribute.name, absent_value)


def _compile_element_getter(get_elements: ValueGetter, matches: Predicate) -> ValueGetter:
    return lambda resource: [element for element in get_elements(resource) if matches(element)]


def _compile_sub_value_getter(get_elements: ValueGetter, name: str, absent_value: object) -> ValueGetter:
    return lambda resource: [
        None if element is None else element.get(name, absent_value) for element in get_elements(resource)
    ]


def _compile_attribute_getter(path: AttributePath) -> ValueGetter:
    """Compile a getter for the values of the path's attribute. For the URN of a schema, it gets the resource itself."""
    extension, attribute = path.extension, path.attribute
    if attribute is None:
        return lambda resource: (resource,)
    if extension is not None:
        return _compile_extension_getter(extension, attribute)
    name = attribute.name
    if attribute.is_multi_valued:
        return lambda resource: resource.get(name, ())
    return lambda resource: (resource.get(name),)


def _compile_extension_getter(extension: str, attribute: Attribute) -> ValueGetter:
    """Compile a getter for the values of an extension's attribute.

    A tenant can change its custom schemas, and stored values are not migrated. So a stored value of a wrong type counts
    as unassigned.
    """
    name, is_multi_valued, value_class = attribute.name, attribute.is_multi_valued, attribute.value_class
    unassigned: Sequence[Any] = () if is_multi_valued else (None,)

    def get_values(resource: Mapping[str, Any]) -> Sequence[Any]:
        members = resource.get(extension)
        if members.__class__ is not dict or (stored := members.get(name)) is None:
            return unassigned
        if stored.__class__ is value_class:
            return (stored,)
        value = select_conforming(attribute, stored)
        return unassigned if value is None else value if is_multi_valued else (value,)

    return get_values


def compile_test(
    attribute: Attribute, operator: ComparisonOperator, literal: FilterLiteral, leniencies: LeniencyTracker
) -> ValueTest:
    """Compile a comparison of one value of an attribute with ``literal``."""
    match attribute.type:
        case DataType.BOOLEAN:
            return _compile_boolean_test(attribute, operator, literal, leniencies)
        case DataType.INTEGER | DataType.DECIMAL:
            return _compile_number_test(attribute, operator, literal)
        case DataType.DATE_TIME if operator in _ORDER_OPERATORS:
            return _compile_date_time_test(attribute, operator, literal)
        case _:
            return _compile_text_test(attribute, operator, literal)


def _compile_boolean_test(
    attribute: Attribute, operator: ComparisonOperator, literal: FilterLiteral, leniencies: LeniencyTracker
) -> ValueTest:
    if operator is not ComparisonOperator.EQ:
        raise InvalidFilter(f"{attribute.name} is a boolean. It supports eq, ne and pr, but not {operator}.")
    word = literal.lower() if isinstance(literal, str) else ""
    if word in ("true", "false") and leniencies.tolerate(Leniency.STRING_BOOLEAN):
        literal = word == "true"
    if not isinstance(literal, bool):
        raise InvalidFilter(f"{attribute.name} is a boolean. Compare it with true or false.")
    return lambda value: value is literal


def _compile_number_test(attribute: Attribute, operator: ComparisonOperator, literal: FilterLiteral) -> ValueTest:
    if operator not in _ORDER_OPERATORS:
        raise InvalidFilter(f"{attribute.name} is a number. It does not support {operator}.")
    if isinstance(literal, bool) or not isinstance(literal, int | float):
        raise InvalidFilter(f"{attribute.name} is a number. Compare it with a number without quotes.")
    compare = _ORDER_OPERATORS[operator]
    return lambda value: compare(value, literal)


def _compile_date_time_test(attribute: Attribute, operator: ComparisonOperator, literal: FilterLiteral) -> ValueTest:
    bound = parse_date_time(literal) if isinstance(literal, str) else None
    if bound is None:
        raise InvalidFilter(
            f'{attribute.name} is a date and time. Compare it with a value such as "2026-01-31T00:00:00Z".'
        )
    compare = _ORDER_OPERATORS[operator]
    return lambda value: (instant := parse_date_time(value)) is not None and compare(instant, bound)


def _compile_text_test(attribute: Attribute, operator: ComparisonOperator, literal: FilterLiteral) -> ValueTest:
    if not isinstance(literal, str):
        raise InvalidFilter(f"{attribute.name} is a string. Compare it with a value in double quotes.")
    if attribute.type is DataType.BINARY and operator is not ComparisonOperator.EQ:
        raise InvalidFilter(f"{attribute.name} is binary. It supports eq, ne and pr, but not {operator}.")
    case_exact = attribute.is_case_exact
    # The value can include a time. Only its date is compared.
    length = len("2026-01-31") if attribute.format is StringFormat.DATE and operator in _ORDER_OPERATORS else None
    if operator in _SUBSTRING_OPERATORS:
        return _compile_substring_test(operator, literal, is_case_exact=case_exact)
    expected = normalize_string(literal[:length], is_case_exact=case_exact)
    compare = _ORDER_OPERATORS[operator]
    return lambda value: compare(normalize_string(value[:length], is_case_exact=case_exact), expected)


def _compile_substring_test(operator: ComparisonOperator, literal: str, *, is_case_exact: bool) -> ValueTest:
    forms = list_substring_forms(literal, is_case_exact=is_case_exact)
    contains_form = _SUBSTRING_OPERATORS[operator]
    if len(forms) > 1:
        return lambda value: any(
            contains_form(normalize_string(value, is_case_exact=is_case_exact), form) for form in forms
        )
    (expected,) = forms
    return lambda value: contains_form(normalize_string(value, is_case_exact=is_case_exact), expected)
