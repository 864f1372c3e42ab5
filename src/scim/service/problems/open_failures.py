"""Decide which failures are still open: those that no success for the same person has followed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scim.protocol.errors import Rule
from scim.protocol.normalize import normalize_string
from scim.service.model.audit.failure import FailureCount
from scim.service.model.change_record import Operation
from scim.service.model.identifiers import Identifier, IdentifierKind, hash_identifier
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import DAY_S, TokenUsage
from scim.service.problems.ports import ProblemStore
from scim.service.problems.problem import UserWriteState

MAX_AGE_S = 7 * DAY_S
"""After this time without another failure, the failure of a person is no longer open."""
MAX_AGE_WITHOUT_PERSON_S = DAY_S
"""The same for a failure after which no success can be found: no person is identified, or it was a query."""

_WRITES = (Operation.CREATE, Operation.REPLACE, Operation.PATCH, Operation.DELETE)
_SEARCHED_KINDS = (IdentifierKind.USER_NAME, IdentifierKind.EXTERNAL_ID, IdentifierKind.EMAIL, IdentifierKind.ID)


@dataclass(frozen=True, slots=True)
class OpenFailure:
    """A failure that is still open.

    ``since`` is when it happened first since the last success (RFC 3339 in UTC). ``request_count`` is the number of
    requests since that day. ``person`` is the same for all failures of a person, empty if no person is identified.
    """

    count: FailureCount
    since: str
    request_count: int
    person: str


def select_open_failures(
    store: ProblemStore, failures: Sequence[FailureCount], usage: TokenUsage | None, now: float
) -> tuple[list[OpenFailure], bool]:
    """Return the failures that are still open, and whether all of them could be examined.

    ``failures`` are those since :data:`MAX_AGE_S`. ``usage`` is the last use of the tenant's token. A failure that
    could not be examined is omitted.
    """
    candidates = [count for count in failures if _can_be_open(count, usage, now)]
    searched = [_get_identifier(count) for count in candidates if _is_about_person(count)]
    states = store.find_user_states(dict.fromkeys(searched)) if searched else {}
    examined = [count for count in candidates if not _is_about_person(count) or _get_identifier(count) in states]
    return list(_yield_open_failures(examined, states)), len(examined) == len(candidates)


def _yield_open_failures(
    failures: Sequence[FailureCount], states: Mapping[Identifier, UserWriteState | None]
) -> Iterator[OpenFailure]:
    for count in failures:
        user = states.get(_get_identifier(count)) if _is_about_person(count) else None
        if not _is_about_person(count) or not _is_resolved(count, user):
            yield _build_open_failure(count, user)


def _can_be_open(count: FailureCount, usage: TokenUsage | None, now: float) -> bool:
    """Return whether a failure is recent enough, and one that keeps people from being provisioned."""
    failure = count.failure
    if failure.is_no_op or failure.rule == Rule.CURSOR:  # it succeeded; the identity provider starts the query again
        return False
    if failure.rule == Rule.UNKNOWN_USER and failure.operation not in (Operation.REPLACE, Operation.PATCH):
        return False  # the user is deleted, as requested; or the identity provider has looked whether there is one
    if failure.rule == Rule.SCIM_URL and usage is not None and format_rfc3339(usage.last_used) > failure.at:
        return False
    max_age_s = MAX_AGE_S if _is_about_person(count) else MAX_AGE_WITHOUT_PERSON_S
    return failure.at > format_rfc3339(now - max_age_s)


def _is_about_person(count: FailureCount) -> bool:
    """Return whether a success for the same person can be found later: the request was a write for a known person."""
    failure = count.failure
    is_searched = failure.identifier_kind in _SEARCHED_KINDS and bool(failure.identifier)
    return failure.operation in _WRITES and is_searched and failure.rule != Rule.UNKNOWN_USER


def _get_identifier(count: FailureCount) -> Identifier:
    return count.failure.identifier_kind, count.failure.identifier


def _is_resolved(count: FailureCount, user: UserWriteState | None) -> bool:
    """Return whether a later request has succeeded. ``user`` is the user with the identifier in the failed request."""
    failure = count.failure
    is_identified_by_id = failure.identifier_kind == IdentifierKind.ID
    if user is None:
        return failure.operation == Operation.DELETE or (failure.operation != Operation.CREATE and is_identified_by_id)
    if failure.operation != Operation.CREATE and hash_identifier(user.id) not in failure.identifier_hashes:
        return False  # another user has the name that the request would have given to this one
    if failure.rule == Rule.BRAKE:
        return not user.is_active
    if failure.operation == Operation.CREATE and failure.rule != Rule.UNIQUENESS:
        return True
    return user.modified > failure.at


def _build_open_failure(count: FailureCount, user: UserWriteState | None) -> OpenFailure:
    failure = count.failure
    since = count.first_at
    if user is not None and since < user.modified < failure.at:  # it had succeeded in between
        since = user.modified
    requests = sum(number for day, number in count.counts_by_day.items() if day >= since[:10])
    if user is not None:
        person = user.id
    elif failure.identifier:
        person = normalize_string(failure.identifier)
    else:
        person = ",".join(sorted(failure.identifier_hashes))  # the names in the request, if it has any
    return OpenFailure(count, since, requests or count.count, person)
