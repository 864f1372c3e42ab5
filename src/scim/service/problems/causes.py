"""Describe the cause of a problem in one sentence, such as "14 people lack userName."."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scim.protocol.errors import Rule
from scim.protocol.leniency import Leniency
from scim.service.audit.explanations import EXPLANATIONS
from scim.service.model.audit.failure import Failure


@dataclass(frozen=True, slots=True)
class _Predicate:
    """What is said of the people, or of the requests, in the plural and in the singular.

    ``{attribute}`` is the attribute that violates the rule, ``{leniency}`` describes the leniency that was rejected.
    """

    plural: str
    singular: str


def _have(complement: str) -> _Predicate:
    return _Predicate(f"have {complement}", f"has {complement}")


def _are_sent_with(complement: str) -> _Predicate:
    return _Predicate(f"are sent with {complement}", f"is sent with {complement}")


_PREDICATES: Mapping[str, _Predicate] = {
    Rule.UNIQUENESS: _have("a userName that another user already has"),
    Rule.REQUIRED: _Predicate("lack {attribute}", "lacks {attribute}"),
    Rule.TYPE: _have("a value of the wrong type in {attribute}"),
    Rule.FORMAT: _have("a value of the wrong format in {attribute}"),
    Rule.ELEMENT_COUNT: _have("too many values in {attribute}"),
    Rule.PRIMARY: _have("several primary values in {attribute}"),
    Rule.VALUE: _have("a value that does not fit its attribute"),
    Rule.UNKNOWN_ATTRIBUTE: _are_sent_with("{attribute}, which no schema has"),
    Rule.READ_ONLY: _are_sent_with("{attribute}, which is read-only"),
    Rule.IMMUTABLE: _are_sent_with("a new value of {attribute}, which cannot be changed"),
    Rule.MUTABILITY: _are_sent_with("a change that an attribute does not allow"),
    Rule.PATH: _are_sent_with("a malformed PATCH path"),
    Rule.NO_TARGET: _are_sent_with("a PATCH path that selects no value"),
    Rule.TOO_LARGE: _are_sent_with("too much data"),
    Rule.STRICT_MODE: _are_sent_with("{leniency}, which strict mode rejects"),
    Rule.UNKNOWN_USER: _Predicate("have an id that no user has", "has an id that no user has"),
    Rule.FILTER_ATTRIBUTE: _Predicate(
        "are looked up by {attribute}, which no schema has", "is looked up by {attribute}, which no schema has"
    ),
    Rule.BRAKE: _Predicate(
        "keep their access, because the brake holds their deactivation",
        "keeps the access, because the brake holds the deactivation",
    ),
    Rule.UNAVAILABLE: _Predicate(
        "failed, because the service did not answer in time", "failed, because the service did not answer in time"
    ),
    Rule.FAULT: _Predicate("failed because of an error in the service", "failed because of an error in the service"),
}
"""Rules that are about the people in requests. The others are about the connection, and described as in the log."""


def describe_cause(failure: Failure, people_count: int, request_count: int, *, is_complete: bool) -> str:
    """Return the cause of a problem in one sentence, with the number of people. It contains no personal data.

    ``failure`` is one of its failures. If it is not ``is_complete``, there may be more people and requests.
    """
    values = {
        "attribute": failure.attribute or "an attribute",
        "names": ", ".join(failure.ignored),
        "leniency": _describe_leniency(failure),
        "detail": failure.detail,
    }
    predicate = _PREDICATES.get(failure.rule)
    if predicate is None:
        explanation = EXPLANATIONS.get(failure.rule) or EXPLANATIONS[Rule.BAD_REQUEST]
        return explanation.summary.format(**values)
    number, nouns = (people_count, ("person", "people")) if people_count else (request_count, ("request", "requests"))
    at_least = "" if is_complete else "At least "
    if number == 1:
        return f"{at_least}1 {nouns[0]} {predicate.singular.format(**values)}."
    return f"{at_least}{number} {nouns[1]} {predicate.plural.format(**values)}."


def _describe_leniency(failure: Failure) -> str:
    labels = {leniency.label: leniency.description for leniency in Leniency}
    return labels.get(failure.rejected_leniency or "", "some requests")
