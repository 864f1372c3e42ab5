"""The intended differences from scim2-models.

A test applies each example to ``EXAMPLE`` and checks that the results differ.
"""

import copy
import json
import re
from collections.abc import Callable

from scim.protocol.values.elements import merge_duplicates
from tests.differential.comparison import Case, Difference, Rejection
from tests.differential.generator import CORE, ENTERPRISE, MULTIPLE

Condition = Callable[[Case], bool]

EXAMPLE = {
    "schemas": [CORE.id, ENTERPRISE.id],
    "userName": "Straße",
    "active": True,
    "emails": [
        {"value": "bob@example.com", "type": "work", "primary": True},
        {"type": "home", "display": "Straße"},
    ],
    ENTERPRISE.id: {"manager": {"value": "1"}, "department": "Tours"},
}
MANAGER = f"{ENTERPRISE.id}:manager"
_MULTI_VALUED = "|".join(attribute.name for attribute in MULTIPLE)
MULTIPLE_NAMES = {attribute.name for attribute in MULTIPLE}


def _matches_text(pattern: str) -> Condition:
    """Return a condition: the filter or the JSON of the operations matches a pattern, ignoring case."""
    compiled = re.compile(pattern, re.IGNORECASE)

    def applies(case: Case) -> bool:
        text = case.request if isinstance(case.request, str) else json.dumps(case.request, ensure_ascii=False)
        return compiled.search(text) is not None

    return applies


def _uses_leniency(name: str) -> Condition:
    return lambda case: name in case.leniencies


def _is_rejected_by_ours(scim_type: str) -> Condition:
    return lambda case: bool(case.ours == Rejection(scim_type))


def _is_rejected_by_theirs(scim_type: str) -> Condition:
    return lambda case: bool(case.theirs == Rejection(scim_type))


def _is_accepted_by_ours(case: Case) -> bool:
    return not isinstance(case.ours, Rejection)


def _is_accepted_by_ours_only(case: Case) -> bool:
    return _is_accepted_by_ours(case) and isinstance(case.theirs, Rejection)


def _is_rejected_by_both(case: Case) -> bool:
    return isinstance(case.ours, Rejection) and isinstance(case.theirs, Rejection)


def _has_several_operations(case: Case) -> bool:
    return isinstance(case.request, list) and len(case.request) > 1


def _has_duplicates(case: Case) -> bool:
    """Return whether the reference stores elements that are the same."""
    stored = copy.deepcopy(case.theirs) if isinstance(case.theirs, dict) else {}
    lists = [(CORE.attributes[name.lower()], value) for name, value in stored.items() if name in MULTIPLE_NAMES]
    return any(len(merge_duplicates(attribute, elements)) < len(elements) for attribute, elements in lists)


def _all(*conditions: Condition) -> Condition:
    return lambda case: all(condition(case) for condition in conditions)


def _any(*conditions: Condition) -> Condition:
    return lambda case: any(condition(case) for condition in conditions)


DIFFERENCES = [
    Difference(
        "values without quotes",
        "authentik, WSO2 and Okta's tests send them. An unquoted 7 or true is compared as a string.",
        _uses_leniency("unquoted-value"),
        ["title eq 7", [{"op": "remove", "path": "emails[display eq true]"}]],
    ),
    Difference(
        "no formats of strings",
        "The formats of email addresses, URLs and base64 are not checked: Entra ID's validator sends invalid URLs.",
        _all(_matches_text(r'"x\\?"|""'), _is_accepted_by_ours_only),
        ['emails eq "x"', [{"op": "replace", "path": "profileUrl", "value": "x"}]],
    ),
    Difference(
        "no order of null",
        "Only eq and ne are defined for null. Other operators are rejected with invalidFilter.",
        _all(_matches_text(r"\b(?:co|sw|ew|gt|ge|lt|le) null\b"), _is_rejected_by_ours("invalidFilter")),
        ["title gt null", [{"op": "remove", "path": "emails[display co null]"}]],
    ),
    Difference(
        "null is absence",
        "emails eq null matches if there are no emails, not if an email has no value. After a value filter, eq null "
        "matches also if no element is selected. RFC 7644 does not define this.",
        _matches_text(rf"\]\.\w+ eq null\b|\b(?:{_MULTI_VALUED}) (?:eq|ne) null\b"),
        ["emails eq null", 'emails[type eq "other"].value eq null'],
    ),
    Difference(
        "ne of any value",
        'For a multi-valued attribute, RFC 7644, section 3.4.2.2 says that "the filter matches if any of the values of '
        'the specified attribute match the specified criterion". The reference demands that no value is equal.',
        _matches_text(rf"\b(?:{_MULTI_VALUED})(?:\.\w+)? ne "),
        ['emails.type ne "work"', 'emails ne "bob@example.com"', 'ims ne "a"'],
    ),
    Difference(
        "primary is false by default",
        "RFC 7643, section 2.4: an element without primary is not primary. The reference compares it as null.",
        _matches_text(r'\bprimary (?:eq|ne) false|"op": "remove", "path": "\w+", "value": \[[^\]]*"primary": false'),
        [
            "emails.primary eq false",
            "emails[primary eq false]",
            [{"op": "replace", "path": "emails[primary eq false].display", "value": "Bob"}],
            [{"op": "remove", "path": "emails", "value": [{"primary": False}]}],
        ],
    ),
    Difference(
        "one of several errors",
        "If a request has several errors, any of them may be reported. The reference checks all operations first.",
        _all(
            _is_rejected_by_both,
            _any(
                _has_several_operations,
                _is_rejected_by_theirs("noTarget"),
                _all(_is_rejected_by_ours("invalidPath"), _is_rejected_by_theirs("invalidValue")),
            ),
        ),
        [
            [{"op": "add", "path": "ims.type", "value": "aim"}, {"op": "remove", "path": "id"}],
            [{"op": "replace", "path": 'ims[type eq "aim"]', "value": 7}],
            [{"op": "add", "path": 'name[familyName eq "a"]', "value": None}],
        ],
    ),
    Difference(
        "value filter on a single-valued attribute",
        'name[familyName eq "a"] is an invalid path (RFC 7644, table 9, invalidPath).',
        _all(
            _is_rejected_by_ours("invalidPath"),
            _is_rejected_by_both,
            _matches_text(r'"path": "name\['),
        ),
        [[{"op": "remove", "path": 'name[familyName eq "a"]'}]],
    ),
    Difference(
        "empty path",
        "An empty path is malformed. It does not stand for the whole user.",
        _all(_is_rejected_by_ours("invalidPath"), _matches_text('"path": ""')),
        [[{"op": "replace", "path": "", "value": {"title": "Guide"}}]],
    ),
    Difference(
        "no element to write",
        'ims.type of a user without ims "did not yield an attribute that could be operated on" (RFC 7644, table 9).',
        _all(_is_rejected_by_ours("noTarget"), lambda case: not isinstance(case.theirs, Rejection)),
        [[{"op": "add", "path": "ims.type", "value": "aim"}]],
    ),
    Difference(
        "null clears",
        "null removes a value, also with add. It also removes an extension.",
        _all(_matches_text('"value": null'), _is_accepted_by_ours_only),
        [
            [{"op": "add", "path": "title", "value": None}],
            [{"op": "replace", "path": ENTERPRISE.id, "value": None}],
        ],
    ),
    Difference(
        "nothing to clear",
        "null removes nothing if no element matches. The reference creates an element and clears it.",
        _all(_matches_text(r'\]\S*", "value": null'), _is_accepted_by_ours),
        [[{"op": "replace", "path": 'ims[type eq "aim"].value', "value": None}]],
    ),
    Difference(
        "null for active",
        "null changes nothing for active. Only remove removes it.",
        _all(_is_accepted_by_ours, _matches_text(r'"path": "\S*active", "value": null|"active": null')),
        [[{"op": "replace", "path": "active", "value": None}]],
    ),
    Difference(
        "path of an unknown attribute",
        "An operation on an unknown attribute is skipped, also if the attribute is in a value filter.",
        _all(_uses_leniency("unknown-path"), _is_accepted_by_ours_only),
        [[{"op": "add", "path": 'emails[unknown eq "a"].value', "value": "b@example.com"}]],
    ),
    Difference(
        "sub-attribute of a manager",
        "RFC 7643, section 4.3 recommends value and $ref of a manager, but does not require them.",
        _all(_matches_text(":manager"), _is_accepted_by_ours, _is_rejected_by_theirs("mutability")),
        [[{"op": "remove", "path": f"{MANAGER}.value"}]],
    ),
    Difference(
        "bare value of a complex attribute",
        "Entra ID sends a manager as a string.",
        _all(_uses_leniency("scalar-value"), _is_accepted_by_ours_only),
        [[{"op": "replace", "path": MANAGER, "value": "2"}]],
    ),
    Difference(
        "list for a single value",
        "An empty list means no value only for multi-valued attributes (RFC 7643, section 2.5).",
        _all(_is_rejected_by_ours("invalidValue"), _matches_text(r'"value": \[\]')),
        [[{"op": "replace", "path": "userName", "value": []}]],
    ),
    Difference(
        "no duplicates",
        "Elements with the same type and value are stored once (RFC 7643, section 2.4).",
        _all(_is_accepted_by_ours, _has_duplicates),
        [[{"op": "add", "path": "emails", "value": [{"value": "bob@example.com", "type": "work"}]}]],
    ),
    Difference(
        "several primary values",
        "An operation that marks several values as primary is rejected. The reference accepts it if one was primary.",
        _all(_is_rejected_by_ours("invalidValue"), _matches_text("primary")),
        [[{"op": "replace", "path": "emails.primary", "value": True}]],
    ),
]
