"""Compile a filter into a function that refuses stored documents that cannot match, without parsing them.

To parse a document takes several times as long as to search its text (docs/decisions/queries/prefilter.md). The
function tests a necessary condition: a document that it does not refuse may still not match.

A condition reads the values of all members with the name of the compared attribute, wherever they are in the document.
If none of them passes the test of the filter, then no value at its path does. This relies on two facts:

- A document is JSON without whitespace between its tokens (:func:`scim.service.model.stored_resource.encode_json`).
- A string without a backslash stands in the text as it is. A document that has a backslash is never refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from scim.protocol.filter.ast import (
    And,
    AttributePath,
    Comparison,
    ComparisonOperator,
    Filter,
    FilterLiteral,
    Or,
    Present,
    ValuePath,
)
from scim.protocol.filter.evaluator import ValueTest, compile_test, resolve_compared_attribute
from scim.protocol.leniency import LeniencyTracker
from scim.protocol.schema import DataType

DocumentTest = Callable[[str], bool]
"""Returns whether a document may match."""

_MAX_SEARCHES = 4
"""The maximum number of searches in a document. More take longer than to parse it."""
_CORE_ATTRIBUTES_OUTSIDE = ("meta", "schemas")
"""The core attributes whose values are not those in the document."""
_STRING_TYPES = (DataType.STRING, DataType.DATE_TIME, DataType.REFERENCE, DataType.BINARY)


class _Condition(NamedTuple):
    """A test whether a document may match, and how often it searches the document."""

    test: DocumentTest
    searches: int = 1


def compile_prefilter(tree: Filter, leniencies: LeniencyTracker) -> DocumentTest | None:
    """Compile a filter into a function that returns whether a document may match.

    Return ``None`` if a few searches of the text cannot show that. The filter must be valid: compile it with
    :func:`scim.protocol.filter.evaluator.compile_filter` first.
    """
    condition = _compile_condition(tree, leniencies)
    if condition is None:
        return None
    test = condition.test
    return lambda document: test(document) or "\\" in document


def _compile_condition(tree: Filter, leniencies: LeniencyTracker) -> _Condition | None:
    """Compile a condition on documents without a backslash. Return ``None`` if any of them may match."""
    match tree:
        case And(operands):
            return _require_all(_compile_condition(operand, leniencies) for operand in operands)
        case Or(operands):
            return _require_any([_compile_condition(operand, leniencies) for operand in operands])
        case Present(path) | ValuePath(path) | Comparison(path, ComparisonOperator.NE, None):
            return _compile_presence(path, leniencies)
        case Comparison(path, operator, literal) if operator is not ComparisonOperator.NE and literal is not None:
            return _compile_comparison(path, operator, literal, leniencies)
        case _:  # an attribute without a value may match
            return None


def _require_all(conditions: Iterable[_Condition | None]) -> _Condition | None:
    """Return the first conditions as one. The others may be left out, because the condition is only necessary."""
    tests: list[DocumentTest] = []
    searches = 0
    for condition in conditions:
        if condition is not None and searches + condition.searches <= _MAX_SEARCHES:
            tests.append(condition.test)
            searches += condition.searches
    if len(tests) < 2:
        return _Condition(tests[0], searches) if tests else None
    return _Condition(lambda document: all(test(document) for test in tests), searches)


def _require_any(conditions: Sequence[_Condition | None]) -> _Condition | None:
    tests = [condition.test for condition in conditions if condition is not None]
    searches = sum(condition.searches for condition in conditions if condition is not None)
    if len(tests) < len(conditions) or searches > _MAX_SEARCHES:
        return None
    return _Condition(lambda document: any(test(document) for test in tests), searches)


def _compile_presence(path: AttributePath, leniencies: LeniencyTracker) -> _Condition | None:
    """Compile the condition that an attribute occurs, and that its value filter may match."""
    if path.leaf is None or not _is_in_document(path):
        return None
    return _add_value_filter(path, _require_text(f'"{path.leaf.name}":'), leniencies)


def _compile_comparison(
    path: AttributePath, operator: ComparisonOperator, literal: FilterLiteral, leniencies: LeniencyTracker
) -> _Condition | None:
    """Compile the condition that a value with the name of the compared attribute passes the test of the comparison."""
    path, attribute = resolve_compared_attribute(path)
    test = compile_test(attribute, operator, literal, leniencies)
    is_matched_by_absence = attribute.absent_value is not None and test(attribute.absent_value)
    if is_matched_by_absence or attribute.is_multi_valued or not _is_in_document(path):
        return None
    if attribute.type in _STRING_TYPES:
        condition = _Condition(_compile_string_test(attribute.name, test))
    elif attribute.type is DataType.BOOLEAN:
        condition = _require_text(f'"{attribute.name}":{"true" if test(True) else "false"}')
    else:
        condition = _require_text(f'"{attribute.name}":')
    return _add_value_filter(path, condition, leniencies)


def _require_text(text: str) -> _Condition:
    return _Condition(lambda document: text in document)


def _compile_string_test(name: str, test: ValueTest) -> DocumentTest:
    """Compile a test whether one of the strings with this name passes ``test``."""
    beginning = f'"{name}":"'
    length = len(beginning)

    def has_passing_value(document: str) -> bool:
        start = document.find(beginning)
        while start >= 0:
            start += length
            end = document.find('"', start)
            if test(document[start:end]):
                return True
            start = document.find(beginning, end)
        return False

    return has_passing_value


def _add_value_filter(path: AttributePath, condition: _Condition, leniencies: LeniencyTracker) -> _Condition | None:
    """Add the condition of the path's value filter, which an element has to match."""
    if path.value_filter is None or path.attribute is None or not path.attribute.is_multi_valued:
        return condition
    return _require_all([_compile_condition(path.value_filter, leniencies), condition])


def _is_in_document(path: AttributePath) -> bool:
    """Return whether the values at a path are those in the stored document. The ``$ref`` of a link is not."""
    is_outside = any(map(path.is_core, _CORE_ATTRIBUTES_OUTSIDE))
    return not is_outside and (path.leaf is None or path.leaf.name != "$ref")
