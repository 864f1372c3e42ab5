r"""Parse filters and attribute paths (RFC 7644 sections 3.4.2.2 and 3.5.2) by recursive descent.

    filter      = conjunction *("or" conjunction)
    conjunction = factor *("and" factor)
    factor      = "not" "(" filter ")" / "(" filter ")" / expression
    expression  = path "pr" / path operator value / path
    path        = name ["[" filter "]" ["." subName]]

The parser resolves names with the schemas while it parses. Only the schemas show where a name with spaces, or a URN
with dots, ends. Operators and names are case-insensitive.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isfinite

from scim.protocol.errors import InvalidFilter, InvalidPath, Rule, ScimError
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
from scim.protocol.filter.path import UnknownAttribute, resolve_path, resolve_sub_attribute
from scim.protocol.filter.quotes import QUOTED_VALUE, has_stray_quote, to_json_string
from scim.protocol.filter.tokenizer import Tokenizer
from scim.protocol.leniency import Leniency, LeniencyTracker
from scim.protocol.schema import Attribute, DataType, ResourceType

# Limits that protect the server. Identity providers send far smaller filters.
MAX_DEPTH = 40
"""The maximum nesting of brackets. The parser and the compiler recurse once for each level."""
MAX_COMPARISONS = 200
"""The maximum number of comparisons in a filter."""
MAX_PATH_COMPARISONS = 10
"""The maximum number of comparisons in the value filter of a PATCH path. One request can have a thousand paths."""

_NAME = re.compile(r"[A-Za-z$][A-Za-z0-9$:._-]*")
_SIMPLE_NAME = re.compile(r"[A-Za-z$][A-Za-z0-9$_-]*")
_SUB_NAME = re.compile(rf"\.{_SIMPLE_NAME.pattern}")
_FULL_NAME = re.compile(rf"(?:urn:[a-z0-9:._-]+:)?{_SIMPLE_NAME.pattern}(?:{_SUB_NAME.pattern})?", re.IGNORECASE)
_AND = re.compile(r"and(?![A-Za-z0-9$:._-])", re.IGNORECASE)
_OR = re.compile(r"or(?![A-Za-z0-9$:._-])", re.IGNORECASE)
_NOT = re.compile(r"not\s*(?=\()", re.IGNORECASE)
_OPERATOR = re.compile(r"(?:pr|eq|ne|co|sw|ew|gt|ge|lt|le)(?![A-Za-z0-9$:._-])", re.IGNORECASE)
_LEFT_PARENTHESIS, _RIGHT_PARENTHESIS = re.compile(r"\("), re.compile(r"\)")
_LEFT_BRACKET, _RIGHT_BRACKET = re.compile(r"\["), re.compile(r"\]")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_QUOTE = re.compile(r'"')
_UNQUOTED = re.compile(r'[^\s()\[\]"]+')
_JSON_SCALAR = re.compile(
    r"(?:true|false|null)|-?(?:0|[1-9][0-9]{0,99})(?:\.[0-9]{1,100})?(?:e[+-]?[0-9]{1,3})?", re.IGNORECASE
)

_TEXT_TYPES = (DataType.STRING, DataType.REFERENCE, DataType.BINARY, DataType.DATE_TIME)
_NUMBER_EXPECTED = "A finite number is expected"
_OPERATOR_EXPECTED = "An operator (eq, ne, co, sw, ew, pr, gt, ge, lt, le) is expected"


def parse_filter(text: str, resource_type: ResourceType, leniencies: LeniencyTracker) -> Filter:
    """Parse a filter into its syntax tree. Raise :class:`InvalidFilter` for wrong syntax or an unknown attribute."""
    if not text.strip():
        raise InvalidFilter("The filter is empty. Leave it out, or compare an attribute with a value.")
    parser = _create_parser(text, resource_type, leniencies, InvalidFilter)
    try:
        tree = parser.parse_filter()
    except UnknownAttribute as error:
        raise InvalidFilter(
            f"No schema has the attribute {_truncate(error.name)}. Use an attribute that /Schemas lists, such as "
            "userName, externalId or emails.value.",
            rule=Rule.FILTER_ATTRIBUTE,
            attribute=_truncate(error.name),
        ) from error
    parser.tokenizer.expect_end()
    return tree


def parse_path(text: str, resource_type: ResourceType, leniencies: LeniencyTracker) -> AttributePath:
    """Parse the path of a PATCH operation.

    Raise :class:`InvalidPath` for a malformed path, and :class:`UnknownAttribute` for a well-formed path to an
    attribute that no schema has.
    """
    parser = _create_parser(text, resource_type, leniencies, InvalidPath)
    try:
        path = parser.parse_path()
    except UnknownAttribute:
        _check_syntax(text)
        raise
    parser.tokenizer.expect_end()
    return path


def parse_attribute_name(text: str, resource_type: ResourceType, leniencies: LeniencyTracker) -> AttributePath:
    """Parse an attribute in standard notation (RFC 7644 section 3.10), which parameters such as ``sortBy`` have.

    Unlike a path, it has no value filter. One is accepted as a leniency. Raise the errors of :func:`parse_path`, and
    :class:`InvalidPath` for a value filter in strict mode.
    """
    path = parse_path(text, resource_type, leniencies)
    if path.value_filter is not None and not leniencies.tolerate(Leniency.VALUE_FILTER):
        raise InvalidPath(f"{path.without_value_filter} has a filter in brackets. Leave it out: strict mode is on.")
    return path


def _create_parser(
    text: str, resource_type: ResourceType, leniencies: LeniencyTracker, error_class: type[ScimError]
) -> _Parser:
    return _Parser(
        Tokenizer(text, error_class),
        lambda name: resolve_path(name, resource_type, leniencies),
        resource_type.names_with_spaces,
        leniencies,
    )


def _check_syntax(text: str) -> None:
    """Raise :class:`InvalidPath` for a malformed path. Treat every well-formed name as the name of an attribute."""
    tokenizer = Tokenizer(text, InvalidPath)
    names = (name for pattern in (_NAME, _SIMPLE_NAME) for name in pattern.findall(text))
    sub_attributes = {name.lower(): Attribute(name, DataType.STRING) for name in names}
    any_path = AttributePath(Attribute("", DataType.COMPLEX, is_multi_valued=True, sub_attributes=sub_attributes))

    def resolve_any_name(name: str) -> AttributePath:
        return any_path if _FULL_NAME.fullmatch(name) else tokenizer.fail_at_last_token("Malformed attribute name")

    _Parser(tokenizer, resolve_any_name, [], LeniencyTracker()).parse_path()
    tokenizer.expect_end()


def _truncate(name: str) -> str:
    return name if len(name) <= 120 else f"{name[:120]}..."


class _Parser:
    """A recursive descent parser. Each method parses the grammar rule that it is named after.

    ``resolve`` returns the path of an attribute name, or raises :class:`UnknownAttribute`. ``names_with_spaces`` are
    the attribute names that the grammar alone cannot delimit, in lower case.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        resolve: Callable[[str], AttributePath],
        names_with_spaces: Sequence[str],
        leniencies: LeniencyTracker,
    ) -> None:
        self.tokenizer = tokenizer
        self._resolve = resolve
        self._names_with_spaces = names_with_spaces
        self._leniencies = leniencies
        self._depth = 0
        self._comparison_count = 0
        self._max_comparisons = MAX_PATH_COMPARISONS if tokenizer.error_class is InvalidPath else MAX_COMPARISONS

    def parse_filter(self) -> Filter:
        """Parse ``filter = conjunction *("or" conjunction)``."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self.tokenizer.fail_at_last_token(f"More than {MAX_DEPTH} nested brackets")
        operands = [self._parse_conjunction()]
        while self.tokenizer.take_token(_OR):
            operands.append(self._parse_conjunction())
        self._depth -= 1
        return operands[0] if len(operands) == 1 else Or(_flatten(Or, operands))

    def _parse_conjunction(self) -> Filter:
        """Parse ``conjunction = factor *("and" factor)``."""
        operands = [self._parse_factor()]
        while self.tokenizer.take_token(_AND):
            operands.append(self._parse_factor())
        return operands[0] if len(operands) == 1 else And(_flatten(And, operands))

    def _parse_factor(self) -> Filter:
        """Parse ``factor = "not" "(" filter ")" / "(" filter ")" / expression``."""
        is_negated = self.tokenizer.take_token(_NOT) is not None
        if not self.tokenizer.take_token(_LEFT_PARENTHESIS):
            return self._parse_expression()
        operand = self.parse_filter()
        self.tokenizer.expect_token(_RIGHT_PARENTHESIS, "A closing bracket")
        return Not(operand) if is_negated else operand

    def _parse_expression(self) -> Filter:
        """Parse ``expression = path "pr" / path operator value / path``. A path alone must end in a value filter.

        A value filter in front of an operator is a leniency: RFC 7644 section 3.4.2.2 only has value filters alone.
        """
        self._comparison_count += 1
        if self._comparison_count > self._max_comparisons:
            self.tokenizer.fail_at_position(f"More than {self._max_comparisons} comparisons")
        path = self.parse_path(is_compared=True)
        if path.attribute is None:
            self.tokenizer.fail_at_last_token("An attribute is expected, but there is only the URN of a schema")
        operator = (self.tokenizer.take_token(_OPERATOR) or "").lower()
        if operator and path.value_filter and not self._leniencies.tolerate(Leniency.VALUE_FILTER):
            self.tokenizer.fail_at_last_token("A comparison inside the square brackets is expected")
        if operator == "pr":
            return Present(path)
        if operator:
            return Comparison(path, ComparisonOperator(operator), self._parse_value(path.leaf))
        if path.value_filter is None or path.sub_attribute is not None:
            self.tokenizer.fail_at_position(_OPERATOR_EXPECTED)
        return ValuePath(path)

    def parse_path(self, *, is_compared: bool = False) -> AttributePath:
        """Parse ``path = name ["[" filter "]" ["." subName]]``.

        ``is_compared`` is true in a filter. There, an unknown name is reported as an unknown attribute only if an
        operator or a bracket follows. A word that nothing follows can be personal data, so the error does not quote it.
        """
        name = self._parse_name()
        try:
            path = self._resolve(name)
        except UnknownAttribute:
            if is_compared and not (
                self.tokenizer.take_adjacent_token(_LEFT_BRACKET) or self.tokenizer.take_token(_OPERATOR)
            ):
                self.tokenizer.fail_at_position(_OPERATOR_EXPECTED)
            raise
        if not self.tokenizer.take_adjacent_token(_LEFT_BRACKET):
            return path
        attribute = path.attribute
        if attribute is None or path.sub_attribute or not attribute.is_multi_valued:
            self.tokenizer.fail_at_last_token("The attribute is not multi-valued, so square brackets are not allowed")
        path = replace(path, value_filter=self._parse_value_filter(attribute))
        self.tokenizer.expect_token(_RIGHT_BRACKET, "A closing square bracket")
        if sub_name := self.tokenizer.take_adjacent_token(_SUB_NAME):
            path = replace(path, sub_attribute=resolve_sub_attribute(sub_name[1:], attribute).attribute)
        return path

    def _parse_value_filter(self, attribute: Attribute) -> Filter:
        """Parse the filter in square brackets, in which names are sub-attributes of ``attribute``."""
        outer_resolve, outer_names = self._resolve, self._names_with_spaces
        self._resolve, self._names_with_spaces = (lambda name: resolve_sub_attribute(name, attribute)), ()
        value_filter = self.parse_filter()
        self._resolve, self._names_with_spaces = outer_resolve, outer_names
        return value_filter

    def _parse_name(self) -> str:
        """Take the name of an attribute, in the case of the text."""
        name = self.tokenizer.take_name(self._names_with_spaces)
        return name if name is not None else self.tokenizer.expect_token(_NAME, "The name of an attribute")

    def _parse_value(self, attribute: Attribute | None) -> FilterLiteral:
        """Parse a JSON string, a number, ``true``, ``false`` or ``null``.

        Two leniencies apply: a string in other quotation marks, and one without quotes.
        """
        if text := self.tokenizer.take_token(_STRING):
            return self._parse_string(text)
        if self.tokenizer.take_token(_QUOTE):
            self.tokenizer.fail_at_last_token("The closing quote is missing for the quote")
        if quoted := self.tokenizer.take_token(QUOTED_VALUE):
            self._require_leniency(Leniency.OTHER_QUOTES)
            return self._parse_string(to_json_string(quoted))
        return self._parse_unquoted_value(attribute)

    def _parse_unquoted_value(self, attribute: Attribute | None) -> FilterLiteral:
        unquoted = self.tokenizer.expect_token(_UNQUOTED, "A value")
        is_text = attribute is None or attribute.type in _TEXT_TYPES or attribute.type is DataType.COMPLEX
        is_scalar = _JSON_SCALAR.fullmatch(unquoted) is not None
        if is_scalar and (not is_text or unquoted.lower() == "null"):
            value: FilterLiteral = json.loads(unquoted.lower())
            if isinstance(value, float) and not isfinite(value):
                self.tokenizer.fail_at_last_token(_NUMBER_EXPECTED)
            return value
        self._require_leniency(Leniency.UNQUOTED_VALUE)
        if has_stray_quote(unquoted):
            self.tokenizer.fail_at_last_token("The quotes do not match. Put double quotes around the value")
        return unquoted

    def _require_leniency(self, leniency: Leniency) -> None:
        if not self._leniencies.tolerate(leniency):
            self.tokenizer.fail_at_last_token("A value in double quotes is expected")

    def _parse_string(self, text: str) -> str:
        """Parse a JSON string in its double quotes."""
        try:
            value: str = json.loads(text)
            value.encode()
        except ValueError:  # a control character, an unknown escape, half a surrogate pair
            self.tokenizer.fail_at_last_token("A valid JSON string is expected")
        return value


def _flatten(node_class: type[And] | type[Or], operands: list[Filter]) -> tuple[Filter, ...]:
    """Replace operands of the same class with their own operands, so that equal filters have equal syntax trees."""
    flat_operands: list[Filter] = []
    for operand in operands:
        flat_operands.extend(operand.operands if isinstance(operand, node_class) else (operand,))
    return tuple(flat_operands)
