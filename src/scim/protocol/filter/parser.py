r"""The grammar of filters and paths (RFC 7644 sections 3.4.2.2 and 3.5.2), read by recursive descent.

    filter      = conjunction *("or" conjunction)
    conjunction = factor *("and" factor)
    factor      = "not" "(" filter ")" / "(" filter ")" / expression
    expression  = path "pr" / path operator value / path
    path        = name ["[" filter "]" ["." subName]]

Names are resolved against the schemas while they are read, because the length of a name with spaces, and where a URN
that holds dots ends, are known only to them. Operators and names have no case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isfinite

from scim.protocol.errors import InvalidFilter, InvalidPath, Rule, ScimError
from scim.protocol.filter.ast import And, Comparison, Filter, Literal, Not, Operator, Or, Path, Present, ValuePath
from scim.protocol.filter.path import UnknownAttribute, resolve_path, resolve_sub_attribute
from scim.protocol.filter.tokenizer import Tokenizer
from scim.protocol.leniency import Dialect, Leniency
from scim.protocol.schema import Attribute, DataType, ResourceType

# A recursive descent is as deep as its input; and a person or a provider never comes near either.
MAX_DEPTH = 40
MAX_TERMS = 200
# In the brackets of a PATCH path, of which a request may have a thousand; providers send one or two.
MAX_PATH_TERMS = 10

_NAME = re.compile(r"[A-Za-z$][A-Za-z0-9$:._-]*")
_SIMPLE_NAME = re.compile(r"[A-Za-z$][A-Za-z0-9$_-]*")
_SUB_NAME = re.compile(rf"\.{_SIMPLE_NAME.pattern}")
_FULL_NAME = re.compile(rf"(?:urn:[a-z0-9:._-]+:)?{_SIMPLE_NAME.pattern}(?:{_SUB_NAME.pattern})?", re.IGNORECASE)
_AND = re.compile(r"and(?![A-Za-z0-9$:._-])", re.IGNORECASE)
_OR = re.compile(r"or(?![A-Za-z0-9$:._-])", re.IGNORECASE)
_NOT = re.compile(r"not\s*(?=\()", re.IGNORECASE)
_OPERATOR = re.compile(r"(?:pr|eq|ne|co|sw|ew|gt|ge|lt|le)(?![A-Za-z0-9$:._-])", re.IGNORECASE)
_OPEN, _CLOSE = re.compile(r"\("), re.compile(r"\)")
_SELECT, _SELECTED = re.compile(r"\["), re.compile(r"\]")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BARE = re.compile(r'[^\s()\[\]"]+')
_JSON_SCALAR = re.compile(
    r"(?:true|false|null)|-?(?:0|[1-9][0-9]{0,99})(?:\.[0-9]{1,100})?(?:e[+-]?[0-9]{1,3})?", re.IGNORECASE
)

_TEXTUAL = (DataType.STRING, DataType.REFERENCE, DataType.BINARY, DataType.DATE_TIME)
_NO_NUMBER = "A finite number is expected"
_NO_OPERATOR = "An operator (eq, ne, co, sw, ew, pr, gt, ge, lt, le) is expected"


def parse_filter(text: str, resource_type: ResourceType, dialect: Dialect) -> Filter:
    """The tree of a filter. Raises :class:`InvalidFilter`, also for an attribute that no schema knows."""
    parser = _parser(text, resource_type, dialect, InvalidFilter)
    try:
        tree = parser.filter()
    except UnknownAttribute as unknown:
        raise InvalidFilter(
            f"No schema has the attribute {_shown(unknown.name)}. Use an attribute that /Schemas lists, such as "
            "userName, externalId or emails.value.",
            rule=Rule.FILTER_ATTRIBUTE,
            attribute=_shown(unknown.name),
        ) from unknown
    parser.scanner.expect_end()
    return tree


def parse_path(text: str, resource_type: ResourceType, dialect: Dialect) -> Path:
    """The path of a PATCH operation. Raises :class:`InvalidPath`, or :class:`UnknownAttribute` if well formed."""
    parser = _parser(text, resource_type, dialect, InvalidPath)
    try:
        path = parser.path()
    except UnknownAttribute:
        _check_form(text)
        raise
    parser.scanner.expect_end()
    return path


def _parser(text: str, resource_type: ResourceType, dialect: Dialect, error: type[ScimError]) -> _Parser:
    return _Parser(
        Tokenizer(text, error),
        lambda name: resolve_path(name, resource_type, dialect),
        resource_type.names_with_spaces,
        dialect,
    )


def _check_form(text: str) -> None:
    """Raise :class:`InvalidPath` unless the path would be one if some schema knew its names."""
    scanner = Tokenizer(text, InvalidPath)
    members = {name.lower(): Attribute(name, DataType.STRING) for name in _SIMPLE_NAME.findall(text)}
    known = Path(Attribute("", DataType.COMPLEX, multi_valued=True, sub_attributes=members))

    def resolve_any(name: str) -> Path:
        return known if _FULL_NAME.fullmatch(name) else scanner.fail_token("A malformed name begins")

    _Parser(scanner, resolve_any, [], Dialect()).path()
    scanner.expect_end()


def _shown(name: str) -> str:
    return name if len(name) <= 120 else f"{name[:120]}..."


class _Parser:
    """Each method reads the rule of its name."""

    def __init__(
        self, scanner: Tokenizer, resolve: Callable[[str], Path], spaced_names: Sequence[str], dialect: Dialect
    ) -> None:
        self.scanner = scanner
        self._resolve = resolve
        self._spaced_names = spaced_names
        self._dialect = dialect
        self._depth = 0
        self._terms = 0
        self._most_terms = MAX_PATH_TERMS if scanner.error is InvalidPath else MAX_TERMS

    def filter(self) -> Filter:
        """``filter = conjunction *("or" conjunction)``"""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self.scanner.fail_token(f"At most {MAX_DEPTH} brackets may be nested; there is one more")
        terms = [self._conjunction()]
        while self.scanner.take(_OR):
            terms.append(self._conjunction())
        self._depth -= 1
        return terms[0] if len(terms) == 1 else Or(_flat(Or, terms))

    def _conjunction(self) -> Filter:
        """``conjunction = factor *("and" factor)``"""
        terms = [self._factor()]
        while self.scanner.take(_AND):
            terms.append(self._factor())
        return terms[0] if len(terms) == 1 else And(_flat(And, terms))

    def _factor(self) -> Filter:
        """``factor = "not" "(" filter ")" / "(" filter ")" / expression``"""
        negated = self.scanner.take(_NOT) is not None
        if not self.scanner.take(_OPEN):
            return self._expression()
        term = self.filter()
        self.scanner.expect(_CLOSE, "A closing bracket")
        return Not(term) if negated else term

    def _expression(self) -> Filter:
        """``expression = path "pr" / path operator value / path``; the last only with a selection."""
        self._terms += 1
        if self._terms > self._most_terms:
            self.scanner.fail(f"At most {self._most_terms} comparisons are read; there is one more")
        path = self.path(compared=True)
        if path.attribute is None:
            self.scanner.fail_token("An attribute is expected and not the URN of a schema")
        operator = (self.scanner.take(_OPERATOR) or "").lower()
        if operator == "pr":
            return Present(path)
        if operator:
            return Comparison(path, Operator(operator), self._value(path.leaf))
        if path.selection is None or path.sub_attribute is not None:
            self.scanner.fail(_NO_OPERATOR)
        return ValuePath(path)

    def path(self, *, compared: bool = False) -> Path:
        """``path = name ["[" filter "]" ["." subName]]``

        What no schema knows is only called an attribute where it is ``compared``: a lone word may be a person's name.
        """
        name = self._name()
        try:
            path = self._resolve(name)
        except UnknownAttribute:
            if compared and not (self.scanner.take_adjacent(_SELECT) or self.scanner.take(_OPERATOR)):
                self.scanner.fail(_NO_OPERATOR)
            raise
        if not self.scanner.take_adjacent(_SELECT):
            return path
        attribute = path.attribute
        if attribute is None or path.sub_attribute or not attribute.multi_valued:
            self.scanner.fail_token("Brackets can only follow a multi-valued attribute, which this is not; they begin")
        path = replace(path, selection=self._selection(attribute))
        self.scanner.expect(_SELECTED, "A closing square bracket")
        if sub_name := self.scanner.take_adjacent(_SUB_NAME):
            path = replace(path, sub_attribute=resolve_sub_attribute(sub_name[1:], attribute).attribute)
        return path

    def _selection(self, attribute: Attribute) -> Filter:
        """The filter in square brackets: its names are relative to the attribute, and brackets don't nest there."""
        outer, spaced_names = self._resolve, self._spaced_names
        self._resolve, self._spaced_names = (lambda name: resolve_sub_attribute(name, attribute)), ()
        selection = self.filter()
        self._resolve, self._spaced_names = outer, spaced_names
        return selection

    def _name(self) -> str:
        name = self.scanner.take_name(self._spaced_names)
        return name if name is not None else self.scanner.expect(_NAME, "An attribute's name")

    def _value(self, attribute: Attribute | None) -> Literal:
        """A JSON string, number, ``true``, ``false`` or ``null``; some providers leave the quotes out."""
        if text := self.scanner.take(_STRING):
            return self._string(text)
        bare = self.scanner.expect(_BARE, "A value")
        textual = attribute is None or attribute.type in _TEXTUAL or attribute.type is DataType.COMPLEX
        scalar = _JSON_SCALAR.fullmatch(bare) is not None
        if scalar and (not textual or bare.lower() == "null"):
            value: Literal = json.loads(bare.lower())
            return value if not isinstance(value, float) or isfinite(value) else self.scanner.fail_token(_NO_NUMBER)
        if not self._dialect.tolerate(Leniency.UNQUOTED_VALUE):
            self.scanner.fail_token("A value in double quotes is expected")
        return bare

    def _string(self, text: str) -> str:
        try:
            value: str = json.loads(text)
            value.encode()
        except ValueError:  # a control character, an unknown escape, half a surrogate pair
            self.scanner.fail_token("A valid JSON string is expected")
        return value


def _flat(kind: type[And] | type[Or], terms: list[Filter]) -> tuple[Filter, ...]:
    """The terms without nesting of the same kind, so that equal filters have equal trees."""
    return tuple(each for term in terms for each in (term.terms if isinstance(term, kind) else (term,)))
