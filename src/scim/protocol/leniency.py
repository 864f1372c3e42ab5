"""Leniencies: kinds of requests that this server accepts because identity providers send them.

Most of them break the RFCs. The RFCs allow some of them, such as a PATCH operation without a path.

The code that parses bodies, paths and filters calls :meth:`LeniencyTracker.tolerate` before it accepts one. The log
line and the change record list the leniencies that a request used. In strict mode, a setting of a tenant, none is
accepted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

_ATTRIBUTE_NAME = re.compile(r"(?:urn:[\w:.-]{1,200}[:.])?[a-z$][\w$.-]{0,99}", re.ASCII | re.IGNORECASE)

_MAX_IGNORED = 40
"""The maximum number of ignored attributes in a change record or failure. A DynamoDB item is limited to 400 KB."""


def is_attribute_name(text: str) -> bool:
    """Return whether ``text`` has the syntax of an attribute name (RFC 7643 section 2.1), with or without a URN."""
    return _ATTRIBUTE_NAME.fullmatch(text) is not None


class Leniency(Enum):
    """A kind of request that the server accepts, and rejects in strict mode.

    ``label`` is logged and stored, so it never changes. ``description`` says what the server accepts. ``sent_by`` lists
    the identity providers that send it. The documentation lists all three.
    """

    STRING_BOOLEAN = ("string-boolean", 'booleans as strings, such as "True" and "false"', "Entra ID, OneLogin, Peakon")
    EMPTY_STRING = ("empty-string", "an empty string for an attribute without a value", "Entra ID, OneLogin")
    SCALAR_VALUE = ("scalar-value", "a plain value instead of an object with `value`", "Entra ID, OneLogin")
    LISTED_VALUE = ("listed-value", "a list with one element instead of a single object", "Entra ID")
    MISSING_SCHEMAS = ("missing-schemas", "a body without `schemas`", "OneLogin, hand-written templates")
    FOREIGN_SCHEMAS = (
        "foreign-schemas",
        "unknown URNs in `schemas`",
        "Google Workspace, OneLogin, Okta, Entra ID",
    )
    UNKNOWN_ATTRIBUTE = (
        "unknown-attribute",
        "unknown attributes, which are ignored",
        "Okta, Entra ID, OneLogin, Peakon",
    )
    UNKNOWN_PATH = ("unknown-path", "PATCH operations on unknown attributes, which are skipped", "Entra ID")
    PATHLESS_PATCH = ("pathless-patch", "PATCH operations without a path", "Okta, Entra ID (aadOptscim062020), Peakon")
    PATH_AS_KEY = (
        "path-as-key",
        "attribute paths as keys in a body or in the value of a PATCH operation",
        "Entra ID (aadOptscim062020), hand-written clients",
    )
    BARE_EXTENSION = ("bare-extension", "attributes of a schema extension without the URN", "Entra ID")
    DOTTED_URN = ("dotted-urn", "a dot instead of a colon between URN and attribute", "Entra ID (customappsso)")
    CREATED_ELEMENT = (
        "created-element",
        "`add` and `replace` with a path to a value that does not exist yet",
        "Entra ID",
    )
    REMOVED_VALUES = ("removed-values", "`remove` with a list of the values to remove", "Entra ID, JumpCloud")
    UNQUOTED_VALUE = ("unquoted-value", "comparison values without quotes", "authentik, WSO2, Okta's test suite")
    OTHER_QUOTES = (
        "other-quotes",
        "comparison values in quotation marks other than double quotes, such as 'x'",
        "PingOne, WSO2, hand-written clients",
    )
    VALUE_FILTER = (
        "value-filter",
        "a value filter in `attributes`, `excludedAttributes` or `sortBy`, or in front of a comparison, as in "
        '`emails[type eq "work"].value eq "x"`',
        "Entra ID",
    )
    USER_NAME_CHARACTER = (
        "user-name-character",
        "a `userName` with characters that RFC 8265 disallows, such as a typographic apostrophe or an emoji",
        "Okta",
    )

    def __init__(self, label: str, description: str, sent_by: str) -> None:
        self.label = label
        self.description = description
        self.sent_by = sent_by


@dataclass(slots=True)
class LeniencyTracker:
    """Records the leniencies that one request uses, and the attributes that the server ignores.

    In strict mode (``is_strict``), it allows no leniency.
    """

    is_strict: bool = False
    _used: set[Leniency] = field(default_factory=set)
    _last_rejected: Leniency | None = None
    _ignored: set[str] = field(default_factory=set)

    def tolerate(self, leniency: Leniency) -> bool:
        """Record that the request needs a leniency. Return whether it is allowed: false only in strict mode."""
        if self.is_strict:
            self._last_rejected = leniency
            return False
        self._used.add(leniency)
        return True

    def record_ignored(self, name: str, value: Any, *, is_known: bool = False) -> None:
        """Record that the value sent for an attribute is ignored. Do not record an empty value.

        A name that does not have the syntax of an attribute name can be personal data. It is recorded as ``?``, unless
        ``is_known`` says that it is the name of an attribute.
        """
        if value not in (None, "", [], {}):
            self._ignored.add(name if is_known or is_attribute_name(name) else "?")

    def merge(self, other: LeniencyTracker) -> None:
        """Add the leniencies and ignored attributes of a part of the request, such as a bulk operation."""
        self._used |= other._used
        self._ignored |= other._ignored

    @property
    def used(self) -> list[str]:
        """Return the labels of the leniencies that the request used, sorted."""
        return sorted(leniency.label for leniency in self._used)

    @property
    def last_rejected(self) -> str | None:
        """Return the label of the leniency that strict mode rejected last, or ``None``."""
        return self._last_rejected.label if self._last_rejected else None

    @property
    def ignored(self) -> list[str]:
        """Return the names of the ignored attributes as the client sent them, sorted. At most 40 are returned."""
        return sorted(self._ignored)[:_MAX_IGNORED]
