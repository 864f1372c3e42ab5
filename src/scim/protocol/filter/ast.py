"""The nodes of a filter's syntax tree. ``str(node)`` is a filter that parses to the same tree."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from scim.protocol.schema import Attribute

FilterLiteral = str | int | float | bool | None
"""The value on the right side of a comparison (``compValue`` in the RFC's grammar)."""


class ComparisonOperator(StrEnum):
    """The comparison operators of RFC 7644 section 3.4.2.2 except ``pr``, which is the node :class:`Present`."""

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
    """A comparison, such as ``userName eq "bjensen"``.

    Unlike the RFC's grammar, this one allows a value filter in the path, because Entra ID sends it:
    ``emails[type eq "work"].value eq "b@example.com"``.
    """

    path: AttributePath
    operator: ComparisonOperator
    value: FilterLiteral

    def __str__(self) -> str:
        return f"{self.path} {self.operator} {json.dumps(self.value, ensure_ascii=False)}"


@dataclass(frozen=True, slots=True)
class Present:
    """A test whether an attribute has a value, such as ``title pr``."""

    path: AttributePath

    def __str__(self) -> str:
        return f"{self.path} pr"


@dataclass(frozen=True, slots=True)
class ValuePath:
    """A test whether an element matches a value filter, such as ``emails[type eq "work"]``."""

    path: AttributePath

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Not:
    """A negation, such as ``not (title pr)``."""

    operand: Filter

    def __str__(self) -> str:
        return f"not ({self.operand})"


@dataclass(frozen=True, slots=True)
class And:
    """Two or more filters joined by ``and``. The parser flattens nested ones, so no operand is an ``And``."""

    operands: tuple[Filter, ...]

    def __str__(self) -> str:
        return " and ".join(f"({operand})" if isinstance(operand, Or) else str(operand) for operand in self.operands)


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more filters joined by ``or``, which binds less tightly than ``and``. No operand is an ``Or``."""

    operands: tuple[Filter, ...]

    def __str__(self) -> str:
        return " or ".join(str(operand) for operand in self.operands)


Filter = Comparison | Present | ValuePath | Not | And | Or


@dataclass(frozen=True, slots=True)
class AttributePath:
    """The path of an attribute or sub-attribute, resolved with the schemas.

    ``extension`` is the URN of the attribute's extension, or ``None`` for the core schema. A path without
    ``attribute`` is the URN of a schema. ``value_filter`` selects elements of a multi-valued attribute; the paths in it
    are sub-attributes.
    """

    attribute: Attribute | None
    sub_attribute: Attribute | None = None
    extension: str | None = None
    value_filter: Filter | None = None

    def __str__(self) -> str:
        if self.attribute is None:
            return self.extension or ""
        prefix = f"{self.extension}:" if self.extension else ""
        value_filter = f"[{self.value_filter}]" if self.value_filter is not None else ""
        suffix = f".{self.sub_attribute.name}" if self.sub_attribute else ""
        return f"{prefix}{self.attribute.name}{value_filter}{suffix}"

    @property
    def without_value_filter(self) -> AttributePath:
        """Return the path without its value filter, which can contain personal data."""
        return AttributePath(self.attribute, self.sub_attribute, self.extension)

    @property
    def is_single_valued_core_attribute(self) -> bool:
        """Return whether the path is a single-valued attribute of the core schema, without a sub-attribute."""
        is_nested = self.sub_attribute or self.extension or self.value_filter
        return not is_nested and self.attribute is not None and not self.attribute.is_multi_valued

    def is_core(self, name: str) -> bool:
        """Return whether the path is the core attribute with this name, or one of its sub-attributes."""
        return self.extension is None and self.attribute is not None and self.attribute.name == name

    def reads(self, name: str) -> bool:
        """Return whether the path or its value filter reads the sub-attribute with this name."""
        if self.sub_attribute is not None and self.sub_attribute.name == name:
            return True
        inner_paths = list_paths(self.value_filter) if self.value_filter is not None else []
        return any(path.attribute is not None and path.attribute.name == name for path in inner_paths)

    @property
    def leaf(self) -> Attribute | None:
        """Return the attribute or sub-attribute at the end of the path, or ``None`` for the path of a schema."""
        return self.sub_attribute or self.attribute


def list_paths(tree: Filter) -> list[AttributePath]:
    """Return the paths in a filter from left to right.

    Paths inside value filters are left out, because they are relative to an attribute.
    """
    match tree:
        case And(operands) | Or(operands):
            return [path for operand in operands for path in list_paths(operand)]
        case Not(operand):
            return list_paths(operand)
        case Comparison() | Present() | ValuePath():
            return [tree.path]
