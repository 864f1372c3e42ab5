"""The leniencies towards identity providers: each has a name, says what it accepts and who sends it.

The mechanisms that read bodies, paths, filters and patches ask the request's :class:`Dialect` before they accept
what the RFC does not. Those that fired stand in the log line and in the change record; a tenant's strict mode turns
them all off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

_NAME = re.compile(r"(?:urn:[\w:.-]{1,200}[:.])?[a-z$][\w$.-]{0,99}", re.ASCII | re.IGNORECASE)

_MAX_LEFT_OUT = 40
"""Change records and failures have these names. They are items of at most 400 KB, and a body can have any number."""


def is_name(text: str) -> bool:
    """Whether ``text`` has the form of an attribute's name (RFC 7643 section 2.1), with or without its schema."""
    return _NAME.fullmatch(text) is not None


class Leniency(Enum):
    """Name, what is accepted, who sends it."""

    STRING_BOOLEAN = ("string-boolean", 'booleans as "True", "False", "true", "false"', "Entra ID, OneLogin, Peakon")
    EMPTY_STRING = ("empty-string", "an empty string for an attribute without a value", "Entra ID, OneLogin")
    SCALAR_VALUE = ("scalar-value", "a bare value for a complex attribute that has `value`", "Entra ID, OneLogin")
    LISTED_VALUE = ("listed-value", "a list of one for a single-valued complex attribute", "Entra ID")
    MISSING_SCHEMAS = ("missing-schemas", "a body without `schemas`", "OneLogin, hand-written templates")
    FOREIGN_SCHEMAS = (
        "foreign-schemas",
        "`schemas` with URNs that are not served",
        "Google Workspace, OneLogin, Okta, Entra ID",
    )
    UNKNOWN_ATTRIBUTE = (
        "unknown-attribute",
        "attributes that no schema knows, which are left out",
        "Okta, Entra ID, OneLogin, Peakon",
    )
    UNKNOWN_PATH = ("unknown-path", "PATCH paths to attributes that no schema knows, which are skipped", "Entra ID")
    PATHLESS_PATCH = ("pathless-patch", "PATCH without path", "Okta, Entra ID (aadOptscim062020), Peakon")
    PATH_AS_KEY = ("path-as-key", "attribute paths as keys of a PATCH without path", "Entra ID (aadOptscim062020)")
    BARE_EXTENSION = ("bare-extension", "attributes of an extension without its URN", "Entra ID")
    DOTTED_URN = ("dotted-urn", "a dot between URN and attribute", "Entra ID (customappsso)")
    CREATED_ELEMENT = ("created-element", "add and replace of an element that is not there yet", "Entra ID")
    REMOVED_VALUES = ("removed-values", "`remove` with a list of the values to remove", "Entra ID, JumpCloud")
    UNQUOTED_VALUE = ("unquoted-value", "comparison values without quotes", "authentik, WSO2, Okta's test suite")

    def __init__(self, label: str, accepts: str, sent_by: str) -> None:
        self.label = label
        self.accepts = accepts
        self.sent_by = sent_by


@dataclass(slots=True)
class Dialect:
    """What one request may take for granted, and what of it was needed."""

    strict: bool = False
    _fired: set[Leniency] = field(default_factory=set)
    _refused: list[Leniency] = field(default_factory=list)
    _left_out: set[str] = field(default_factory=set)

    def accepts(self, leniency: Leniency) -> bool:
        """Whether the leniency holds for this request; asking means that it is needed."""
        if self.strict:
            self._refused.append(leniency)
            return False
        self._fired.add(leniency)
        return True

    def leave_out(self, name: str, value: Any, *, is_known: bool = False) -> None:
        """Note that what was sent for an attribute was ignored, unless nothing was sent for it.

        A name that no schema has (``is_known`` is false) is kept only if it looks like a name, as it may be a value.
        """
        if value not in (None, "", [], {}):
            self._left_out.add(name if is_known or is_name(name) else "?")

    def absorb(self, part: Dialect) -> None:
        """Add what a part of the request needed."""
        self._fired |= part._fired  # of its own class
        self._left_out |= part._left_out

    @property
    def fired(self) -> list[str]:
        """The names of the leniencies that this request needed, sorted."""
        return sorted(leniency.label for leniency in self._fired)

    @property
    def refused(self) -> str | None:
        """The name of the leniency that was asked for last, and that strict mode refused."""
        return self._refused[-1].label if self._refused else None

    @property
    def left_out(self) -> list[str]:
        """The names of the attributes that were ignored, as they were sent, sorted: the first 40."""
        return sorted(self._left_out)[:_MAX_LEFT_OUT]
