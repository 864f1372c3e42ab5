"""The differences from scim2-models on purpose.

The examples are run on ``EXAMPLE``, and a test checks that each of them has different results.
"""

import json
import re
from collections.abc import Callable

from tests.differential.comparison import Case, Difference, Rejection
from tests.differential.generator import CORE, ENTERPRISE

Condition = Callable[[Case], bool]

EXAMPLE = {
    "schemas": [CORE.id, ENTERPRISE.id],
    "userName": "Straße",
    "emails": [{"value": "bob@example.com", "type": "work"}, {"type": "home", "display": "Straße"}],
    ENTERPRISE.id: {"manager": {"value": "1"}, "department": "Tours"},
}
MANAGER = f"{ENTERPRISE.id}:manager"


def _text(pattern: str) -> Condition:
    """Return a condition: the filter, or the JSON of the operations, matches a pattern, without regard to case."""
    compiled = re.compile(pattern, re.IGNORECASE)

    def applies(case: Case) -> bool:
        text = case.request if isinstance(case.request, str) else json.dumps(case.request, ensure_ascii=False)
        return compiled.search(text) is not None

    return applies


def _leniency(name: str) -> Condition:
    return lambda case: name in case.leniencies


def _ours(scim_type: str) -> Condition:
    return lambda case: bool(case.ours == Rejection(scim_type))


def _theirs(scim_type: str) -> Condition:
    return lambda case: bool(case.theirs == Rejection(scim_type))


def _served(case: Case) -> bool:
    return not isinstance(case.ours, Rejection)


def _only_ours_served(case: Case) -> bool:
    return _served(case) and isinstance(case.theirs, Rejection)


def _both_rejected(case: Case) -> bool:
    return isinstance(case.ours, Rejection) and isinstance(case.theirs, Rejection)


def _several_operations(case: Case) -> bool:
    return isinstance(case.request, list) and len(case.request) > 1


def _all(*conditions: Condition) -> Condition:
    return lambda case: all(condition(case) for condition in conditions)


def _any(*conditions: Condition) -> Condition:
    return lambda case: any(condition(case) for condition in conditions)


DIFFERENCES = [
    Difference(
        "values without quotes",
        "authentik, WSO2 and Okta's tests send them; an unquoted 7 or true is the text of a string",
        _leniency("unquoted-value"),
        ["title eq 7", [{"op": "remove", "path": "emails[display eq true]"}]],
    ),
    Difference(
        "no formats of strings",
        "an e-mail address, a URL or base64 may look as it likes: Entra ID's validator sends URLs that are none",
        _all(_text(r'"x\\?"|""'), _only_ours_served),
        ['emails eq "x"', [{"op": "replace", "path": "profileUrl", "value": "x"}]],
    ),
    Difference(
        "no order of null",
        "null has no order and no parts: gt null is a mistake, of which the client learns by invalidFilter",
        _all(_text(r"\b(?:co|sw|ew|gt|ge|lt|le) null\b"), _ours("invalidFilter")),
        ["title gt null", [{"op": "remove", "path": "emails[display co null]"}]],
    ),
    Difference(
        "null is absence",
        "eq null asks whether the attribute has no value at all, the elements of a multi-valued one included",
        _text(r"\b(?:eq|ne) null\b"),
        ["emails.value eq null"],
    ),
    Difference(
        "ne negates eq",
        'also behind a selection, where the reference reads x[type eq "a"].value ne "b" as x[type eq "a" and value '
        'ne "b"]; RFC 7644 has neither',
        _text(r"\]\.\w+ ne "),
        ['ims[type eq "a"].value ne "b"'],
    ),
    Difference(
        "one of several faults",
        "of several faults either may be reported: the reference looks for some of them in all operations first",
        _all(_both_rejected, _any(_several_operations, _theirs("noTarget"))),
        [
            [{"op": "add", "path": "ims.type", "value": "aim"}, {"op": "remove", "path": "id"}],
            [{"op": "replace", "path": 'ims[type eq "aim"]', "value": 7}],
        ],
    ),
    Difference(
        "selection where there is one value",
        'name[familyName eq "a"] selects nothing: RFC 7644, table 9, has invalidPath for such a path',
        _all(_ours("invalidPath"), _theirs("invalidFilter"), _text(r'"path": "name\[')),
        [[{"op": "remove", "path": 'name[familyName eq "a"]'}]],
    ),
    Difference(
        "empty path",
        "an empty path is a malformed one, not the whole user",
        _all(_ours("invalidPath"), _text('"path": ""')),
        [[{"op": "replace", "path": "", "value": {"title": "Guide"}}]],
    ),
    Difference(
        "no element to write",
        'ims.type where there are no ims "did not yield an attribute that could be operated on" (RFC 7644, table 9)',
        _all(_ours("noTarget"), lambda case: not isinstance(case.theirs, Rejection)),
        [[{"op": "add", "path": "ims.type", "value": "aim"}]],
    ),
    Difference(
        "null clears",
        "null unassigns, by add too, and an extension too",
        _all(_text('"value": null'), _only_ours_served),
        [
            [{"op": "add", "path": "title", "value": None}],
            [{"op": "replace", "path": ENTERPRISE.id, "value": None}],
        ],
    ),
    Difference(
        "nothing to clear",
        "null where no element is selected clears nothing; the reference creates the element to clear it",
        _all(_text(r'\]\S*", "value": null'), _served),
        [[{"op": "replace", "path": 'ims[type eq "aim"].value', "value": None}]],
    ),
    Difference(
        "path of an unknown attribute",
        "is skipped, and the operation with it, also where it is inside a selection",
        _all(_leniency("unknown-path"), _only_ours_served),
        [[{"op": "add", "path": 'emails[unknown eq "a"].value', "value": "b@example.com"}]],
    ),
    Difference(
        "part of a manager",
        "value and $ref of a manager are RECOMMENDED in RFC 7643, section 4.3, and not required",
        _all(_text(":manager"), _served, _theirs("mutability")),
        [[{"op": "remove", "path": f"{MANAGER}.value"}]],
    ),
    Difference(
        "bare value of a complex attribute",
        "Entra ID sends a manager as a string",
        _all(_leniency("scalar-value"), _only_ours_served),
        [[{"op": "replace", "path": MANAGER, "value": "2"}]],
    ),
    Difference(
        "list for a single value",
        "an empty list stands for no value of a multi-valued attribute only (RFC 7643, section 2.5)",
        _all(_ours("invalidValue"), _text(r'"value": \[\]')),
        [[{"op": "replace", "path": "userName", "value": []}]],
    ),
    Difference(
        "folded case",
        "case is folded as Unicode says, so that Straße is STRASSE, not lowered as the reference does by default",
        _all(_text(r"stra(?:ß|\\u00df)e|strasse"), _any(_text("^[^{]*$"), _text(r'"(?:value|path)": (?:\[|"\S*\[)'))),
        [
            'userName eq "STRASSE"',
            [{"op": "remove", "path": "emails", "value": [{"display": "STRASSE"}]}],
        ],
    ),
]
