"""The syntax tree of a filter. The string of each node is a filter that parses to the same tree."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from scim.protocol.schema import Attribute

FilterLiteral = str | int | float | bool | None


class ComparisonOperator(StrEnum):
    """The comparison operators of RFC 7644 section 3.4.2.2 but ``pr``, which has its own node."""

    EQ = "eq"
    NE = "ne"
    CO = "co"
    SW = "sw"
    EW = "ew"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


@dataclass(frozen=True, slots=True)
class Comparison:
    """``userName eq "bjensen"``; beyond the RFC also ``emails[type eq "work"].value eq "b@example.com"``."""

    path: AttributePath
    operator: ComparisonOperator
    value: FilterLiteral

    def __str__(self) -> str:
        return f"{self.path} {self.operator} {json.dumps(self.value, ensure_ascii=False)}"


@dataclass(frozen=True, slots=True)
class Present:
    """``title pr``: the attribute has a value."""

    path: AttributePath

    def __str__(self) -> str:
        return f"{self.path} pr"


@dataclass(frozen=True, slots=True)
class ValuePath:
    """``emails[type eq "work"]``: an element of the attribute matches the filter in brackets."""

    path: AttributePath

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Not:
    """``not (title pr)``."""

    operand: Filter

    def __str__(self) -> str:
        return f"not ({self.operand})"


@dataclass(frozen=True, slots=True)
class And:
    """Two or more terms, none of which is an ``And``."""

    operands: tuple[Filter, ...]

    def __str__(self) -> str:
        return " and ".join(f"({term})" if isinstance(term, Or) else str(term) for term in self.operands)


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more terms, none of which is an ``Or``. ``And`` has precedence."""

    operands: tuple[Filter, ...]

    def __str__(self) -> str:
        return " or ".join(str(term) for term in self.operands)


Filter = Comparison | Present | ValuePath | Not | And | Or


@dataclass(frozen=True, slots=True)
class AttributePath:
    """The path of an attribute, resolved with the schemas.

    ``extension`` is the URN of the attribute's extension, ``None`` for the core schema. Without ``attribute`` the path
    is that of a whole schema. ``value_filter`` selects elements of a multi-valued attribute; its names are those of
    sub-attributes.
    """

    attribute: Attribute | None
    sub_attribute: Attribute | None = None
    extension: str | None = None
    value_filter: Filter | None = None

    def __str__(self) -> str:
        if self.attribute is None:
            return self.extension or ""
        prefix = f"{self.extension}:" if self.extension else ""
        selection = f"[{self.value_filter}]" if self.value_filter is not None else ""
        suffix = f".{self.sub_attribute.name}" if self.sub_attribute else ""
        return f"{prefix}{self.attribute.name}{selection}{suffix}"

    @property
    def without_value_filter(self) -> AttributePath:
        """The path without its selection, which may have somebody's data."""
        return AttributePath(self.attribute, self.sub_attribute, self.extension)

    @property
    def is_single_valued_core_attribute(self) -> bool:
        """Whether the path is that of a single-valued attribute in the core schema."""
        is_nested = self.sub_attribute or self.extension or self.value_filter
        return not is_nested and self.attribute is not None and not self.attribute.is_multi_valued

    @property
    def leaf(self) -> Attribute | None:
        """The attribute or sub-attribute at the end of the path."""
        return self.sub_attribute or self.attribute


def list_paths(tree: Filter) -> list[AttributePath]:
    """Return the path of each term of a filter, in their order.

    A path has its selection with it. The paths in the selection are not in the list: they are relative to the
    attribute.
    """
    match tree:
        case And(terms) | Or(terms):
            return [path for term in terms for path in list_paths(term)]
        case Not(term):
            return list_paths(term)
        case Comparison() | Present() | ValuePath():
            return [tree.path]
