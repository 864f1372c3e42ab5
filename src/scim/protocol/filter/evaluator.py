"""A filter's tree compiled into a Python function over a resource.

What the RFC leaves open is decided once: ``ne`` is the negation of ``eq``, so it holds for an absent attribute and for
a multi-valued one of which no value is equal; every other comparison with an absent attribute is false; ``eq null``
asks for absence. Everything is checked while compiling, so that an invalid filter fails whatever it would be tried on.
"""

from __future__ import annotations

import operator as python
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from scim.protocol.errors import InvalidFilter
from scim.protocol.filter.ast import And, Comparison, Filter, Literal, Not, Operator, Or, Path, Present, ValuePath
from scim.protocol.leniency import Dialect, Leniency
from scim.protocol.normalize import normalize, parse_date_time
from scim.protocol.schema import Attribute, DataType, Format
from scim.protocol.values.conformance import conform

Resource = Mapping[str, Any]
Predicate = Callable[[Resource], bool]
Values = Callable[[Resource], Iterable[Any]]
Test = Callable[[Any], bool]

_ORDER: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQ: python.eq,
    Operator.GT: python.gt,
    Operator.GE: python.ge,
    Operator.LT: python.lt,
    Operator.LE: python.le,
}
_SUBSTRING: dict[Operator, Callable[[str, str], bool]] = {
    Operator.CO: python.contains,
    Operator.SW: str.startswith,
    Operator.EW: str.endswith,
}


def compile_filter(tree: Filter, dialect: Dialect) -> Predicate:
    """A function that tells whether a resource matches. Raises :class:`InvalidFilter`."""
    match tree:
        case And(terms):
            every = [compile_filter(term, dialect) for term in terms]
            return lambda resource: all(predicate(resource) for predicate in every)
        case Or(terms):
            some = [compile_filter(term, dialect) for term in terms]
            return lambda resource: any(predicate(resource) for predicate in some)
        case Not(term):
            negated = compile_filter(term, dialect)
            return lambda resource: not negated(resource)
        case Present(path) | ValuePath(path):
            return _present(path, dialect)
        case Comparison(path, operator, value):
            return _comparison(path, operator, value, dialect)


def _present(path: Path, dialect: Dialect) -> Predicate:
    values = compile_value_getter(path, dialect)
    return lambda resource: any(value not in (None, "", {}, []) for value in values(resource))


def _comparison(path: Path, operator: Operator, literal: Literal, dialect: Dialect) -> Predicate:
    if literal is None:
        return _null_comparison(path, operator, dialect)
    path, attribute = _compared(path)
    values = compile_value_getter(path, dialect)
    negated = operator is Operator.NE
    test = _test(attribute, Operator.EQ if negated else operator, literal, dialect)
    if path.is_simple:  # a single value at the top needs no search: most filters of walks ask for one
        name = attribute.name
        if negated:
            return lambda resource: (value := resource.get(name)) is None or not test(value)
        return lambda resource: (value := resource.get(name)) is not None and test(value)
    if negated:
        return lambda resource: not any(test(value) for value in values(resource))
    return lambda resource: any(test(value) for value in values(resource))


def _null_comparison(path: Path, operator: Operator, dialect: Dialect) -> Predicate:
    """An attribute that is null has no value (RFC 7643 section 2.5)."""
    present = _present(path, dialect)
    if operator is Operator.NE:
        return present
    if operator is Operator.EQ:
        return lambda resource: not present(resource)
    raise InvalidFilter(f"{path.without_selection} {operator} null compares nothing: only eq and ne take null.")


def _compared(path: Path) -> tuple[Path, Attribute]:
    """Where the compared values lie: a complex attribute stands for its ``value`` (RFC 7644 section 3.4.2.2)."""
    leaf = path.leaf
    if leaf is not None and leaf.type is DataType.COMPLEX:
        value = leaf.find_sub_attribute("value")
        path, leaf = Path(path.attribute, value, path.extension, path.selection), value
    if leaf is None:
        raise InvalidFilter(
            f"{path.without_selection} has no value of its own to compare: name one of its sub-attributes."
        )
    return path, leaf


def compile_value_getter(path: Path, dialect: Dialect) -> Values:
    """A function that yields the values at ``path``, none where nothing is assigned."""
    if path.leaf is not None and path.leaf.is_write_only:
        raise InvalidFilter(f"{path.without_selection} is writeOnly: nothing can be found by it.")
    values = _attribute_values(path)
    if path.selection is not None:
        selected = compile_filter(path.selection, dialect)
        all_values = values
        values = lambda resource: [each for each in all_values(resource) if selected(each)]  # noqa: E731  # a step of a pipe
    if path.sub_attribute is None:
        return values
    name, elements = path.sub_attribute.name, values
    return lambda resource: [each[name] for each in elements(resource) if name in each]


def _attribute_values(path: Path) -> Values:
    extension, attribute = path.extension, path.attribute
    if attribute is None:
        return lambda resource: [resource]
    if extension is not None:
        return _extension_values(extension, attribute)
    name = attribute.name
    if attribute.multi_valued:
        return lambda resource: resource.get(name, ())
    return lambda resource: [resource[name]] if name in resource else []


def _extension_values(extension: str, attribute: Attribute) -> Values:
    """Return a function that yields the values of an extension's attribute; values of another type count as unassigned.

    A tenant's schemas change, and the documents that are stored do not change with them.
    """
    name, is_multi_valued, value_class = attribute.name, attribute.multi_valued, attribute.value_class

    def values(resource: Resource) -> Iterable[Any]:
        members = resource.get(extension)
        if members.__class__ is not dict or (stored := members.get(name)) is None:
            return ()
        if stored.__class__ is value_class:
            return (stored,)
        held = conform(attribute, stored)
        return () if held is None else held if is_multi_valued else (held,)

    return values


def _test(attribute: Attribute, operator: Operator, literal: Literal, dialect: Dialect) -> Test:
    """A function that compares one value of ``attribute`` with ``literal``."""
    match attribute.type:
        case DataType.BOOLEAN:
            return _boolean_test(attribute, operator, literal, dialect)
        case DataType.INTEGER | DataType.DECIMAL:
            return _number_test(attribute, operator, literal)
        case DataType.DATE_TIME if operator in _ORDER:
            return _instant_test(attribute, operator, literal)
        case _:
            return _text_test(attribute, operator, literal)


def _boolean_test(attribute: Attribute, operator: Operator, literal: Literal, dialect: Dialect) -> Test:
    if operator is not Operator.EQ:
        raise InvalidFilter(f"{attribute.name} is a boolean: only eq, ne and pr apply to it, not {operator}.")
    word = literal.lower() if isinstance(literal, str) else ""
    if word in ("true", "false") and dialect.tolerate(Leniency.STRING_BOOLEAN):
        literal = word == "true"
    if not isinstance(literal, bool):
        raise InvalidFilter(f"{attribute.name} is a boolean: compare it with true or false.")
    return lambda value: value is literal


def _number_test(attribute: Attribute, operator: Operator, literal: Literal) -> Test:
    if operator not in _ORDER:
        raise InvalidFilter(f"{attribute.name} is a number: {operator} does not apply to it.")
    if isinstance(literal, bool) or not isinstance(literal, int | float):
        raise InvalidFilter(f"{attribute.name} is a number: compare it with a number, without quotes.")
    compare = _ORDER[operator]
    return lambda value: compare(value, literal)


def _instant_test(attribute: Attribute, operator: Operator, literal: Literal) -> Test:
    bound = parse_date_time(literal) if isinstance(literal, str) else None
    if bound is None:
        raise InvalidFilter(f'{attribute.name} is a date and time: compare it with one such as "2026-01-31T00:00:00Z".')
    compare = _ORDER[operator]
    return lambda value: (point := parse_date_time(value)) is not None and compare(point, bound)


def _text_test(attribute: Attribute, operator: Operator, literal: Literal) -> Test:
    if not isinstance(literal, str):
        raise InvalidFilter(f"{attribute.name} is a string: compare it with a value in double quotes.")
    if attribute.type is DataType.BINARY and operator is not Operator.EQ:
        raise InvalidFilter(f"{attribute.name} is binary: only eq, ne and pr apply to it, not {operator}.")
    exact = attribute.case_exact
    # Days are compared as days, whether or not a time comes along.
    length = len("2026-01-31") if attribute.format is Format.DATE and operator in _ORDER else None
    sought = normalize(literal[:length], case_exact=exact)
    compare = _ORDER.get(operator) or _SUBSTRING[operator]
    return lambda value: compare(normalize(value[:length], case_exact=exact), sought)
