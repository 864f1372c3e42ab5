"""The tree of a filter. Every node prints itself as a filter that reads back as the same tree."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from scim.protocol.path import Path

Literal = str | int | float | bool | None


class Operator(StrEnum):
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
    """``userName eq "bjensen"``, and beyond the RFC's grammar ``emails[type eq "work"].value eq "b@example.com"``."""

    path: Path
    operator: Operator
    value: Literal

    def __str__(self) -> str:
        return f"{self.path} {self.operator} {json.dumps(self.value, ensure_ascii=False)}"


@dataclass(frozen=True, slots=True)
class Present:
    """``title pr``."""

    path: Path

    def __str__(self) -> str:
        return f"{self.path} pr"


@dataclass(frozen=True, slots=True)
class ValuePath:
    """``emails[type eq "work"]``: an element of the attribute satisfies the selection."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Not:
    """``not (title pr)``."""

    term: Filter

    def __str__(self) -> str:
        return f"not ({self.term})"


@dataclass(frozen=True, slots=True)
class And:
    """Two or more terms, none of which is an ``And``."""

    terms: tuple[Filter, ...]

    def __str__(self) -> str:
        return " and ".join(f"({term})" if isinstance(term, Or) else str(term) for term in self.terms)


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more terms, none of which is an ``Or``; binds less tightly than ``And``."""

    terms: tuple[Filter, ...]

    def __str__(self) -> str:
        return " or ".join(str(term) for term in self.terms)


Filter = Comparison | Present | ValuePath | Not | And | Or
