"""Leniencies: requests beyond the RFC that identity providers really send, and that this server accepts.

The code that reads bodies, paths, filters and patches calls :meth:`LeniencyTracker.tolerate` before it accepts one.
The log line and the change record name the leniencies that a request used. Strict mode, a setting of a tenant, turns
all of them off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

_ATTRIBUTE_NAME = re.compile(r"(?:urn:[\w:.-]{1,200}[:.])?[a-z$][\w$.-]{0,99}", re.ASCII | re.IGNORECASE)

_MAX_IGNORED = 40
"""The maximum number of names in a change record or failure. A body can have any number, a DynamoDB item 400 KB."""


def is_attribute_name(text: str) -> bool:
    """Return whether ``text`` has the form of an attribute's name (RFC 7643 section 2.1), with or without a URN."""
    return _ATTRIBUTE_NAME.fullmatch(text) is not None


class Leniency(Enum):
    """A kind of non-standard request that is accepted. The members are named after their labels.

    ``label`` is the name that is logged and stored, ``description`` says what is accepted, ``sent_by`` lists the
    identity providers that send it.
    """

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

    def __init__(self, label: str, description: str, sent_by: str) -> None:
        self.label = label
        self.description = description
        self.sent_by = sent_by


@dataclass(slots=True)
class LeniencyTracker:
    """Records the leniencies that one request uses, and the attributes that are ignored.

    In strict mode (``is_strict``) no leniency is allowed.
    """

    is_strict: bool = False
    _used: set[Leniency] = field(default_factory=set)
    _last_rejected: Leniency | None = None
    _ignored: set[str] = field(default_factory=set)

    def tolerate(self, leniency: Leniency) -> bool:
        """Record that the request needs a leniency, and return whether it is allowed: true unless in strict mode."""
        if self.is_strict:
            self._last_rejected = leniency
            return False
        self._used.add(leniency)
        return True

    def record_ignored(self, name: str, value: Any, *, is_known: bool = False) -> None:
        """Record that the value sent for an attribute was ignored. An empty value is not recorded.

        A name that does not look like an attribute's name may be somebody's data. It is recorded as ``?``, unless
        ``is_known`` says that it is the name of an attribute.
        """
        if value not in (None, "", [], {}):
            self._ignored.add(name if is_known or is_attribute_name(name) else "?")

    def merge(self, other: LeniencyTracker) -> None:
        """Add the leniencies and ignored attributes of a part of the request, such as one bulk operation."""
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
        """Return the names of the ignored attributes as they were sent, sorted; at most 40."""
        return sorted(self._ignored)[:_MAX_IGNORED]
