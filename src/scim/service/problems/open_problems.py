"""Find the open problems of a tenant: its open failures by cause, and what keeps all of its requests from working."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scim.protocol.errors import Rule
from scim.service.audit.explanations import explain, explain_rejected_token
from scim.service.model.deactivations.brake import MassDeactivation
from scim.service.model.identifiers import Identifier, IdentifierKind
from scim.service.model.tenant import Tenant
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import DAY_S, TokenUsage
from scim.service.problems.causes import describe_cause
from scim.service.problems.open_failures import MAX_AGE_S, OpenFailure, select_open_failures
from scim.service.problems.ports import ProblemStore
from scim.service.problems.problem import OpenProblems, Problem
from scim.service.tenants.health import Health, HealthState

_MAX_PEOPLE = 5
"""The number of people of a problem that are named."""
_NEW_TOKEN = (
    "Create a new token (console: Token; for operators also: `muster rotate`) and enter it in the identity provider."  # noqa: S105  # words
)


def find_open_problems(store: ProblemStore, tenant: Tenant, health: Health, now: float) -> OpenProblems:
    """Return the open problems of a tenant, the most urgent first. A disconnected tenant has none.

    ``now`` is in seconds since 1970.
    """
    usage = health.token_usage
    if not tenant.is_connected:
        return OpenProblems()
    search = store.find_recent_failures(format_rfc3339(now - MAX_AGE_S))
    failures, are_all_examined = select_open_failures(store, search.failures, usage, now)
    is_complete = search.is_complete and are_all_examined
    by_cause: dict[tuple[str, ...], list[OpenFailure]] = {}
    for failure in failures:
        by_cause.setdefault(_get_cause(failure), []).append(failure)
    problems = [_build_problem(cause, group, is_complete=is_complete) for cause, group in by_cause.items()]
    has_held_people = any(problem.cause == Rule.BRAKE for problem in problems)
    of_all_requests = _find_problems_of_all_requests(store, tenant, usage, health, now, has_held_people=has_held_people)
    by_people = sorted(problems, key=lambda problem: (-problem.people_count, -problem.request_count, problem.cause))
    return OpenProblems([*of_all_requests, *by_people], is_complete)


def list_people_ids(open_problems: OpenProblems) -> list[str]:
    """Return the ids of the people in the problems, if requests identify them only by their id."""
    people = (identifier for problem in open_problems.problems for identifier in problem.people)
    return [value for kind, value in people if kind == IdentifierKind.ID]


def _get_cause(failure: OpenFailure) -> tuple[str, ...]:
    """Return what distinguishes causes: the rule, the attribute that violates it, and the leniency of strict mode."""
    last = failure.count.failure
    return tuple(filter(None, (last.rule, last.attribute, last.rejected_leniency)))


def _build_problem(cause: tuple[str, ...], failures: Sequence[OpenFailure], *, is_complete: bool) -> Problem:
    newest_first = sorted(failures, key=lambda failure: failure.count.failure.at, reverse=True)
    last = newest_first[0].count.failure
    people: dict[str, Identifier] = {}
    for failure in newest_first:
        if failure.person:
            people.setdefault(failure.person, _get_identifier(failure))
    request_count = sum(failure.request_count for failure in failures)
    _, remediation = explain(last)
    named = [identifier for identifier in people.values() if all(identifier)]
    return Problem(
        cause=" ".join(cause),
        summary=describe_cause(last, len(people), request_count, is_complete=is_complete),
        remediation=remediation,
        first_at=min(failure.since for failure in failures),
        last_at=last.at,
        people_count=len(people),
        request_count=request_count,
        people=named[:_MAX_PEOPLE],
    )


def _get_identifier(failure: OpenFailure) -> Identifier:
    return failure.count.failure.identifier_kind, failure.count.failure.identifier


def _find_problems_of_all_requests(
    store: ProblemStore,
    tenant: Tenant,
    usage: TokenUsage | None,
    health: Health,
    now: float,
    *,
    has_held_people: bool,
) -> Iterator[Problem]:
    """Yield the problems that are not failures of single people: of the token, and mass deactivations."""
    match health.state:
        case HealthState.NO_VALID_TOKEN if tenant.token.is_revoked:
            yield Problem(
                HealthState.NO_VALID_TOKEN, "All tokens were revoked, so all requests are rejected.", _NEW_TOKEN
            )
        case HealthState.NO_VALID_TOKEN:
            expired = format_rfc3339(tenant.token.expires or now)
            summary = "The token has expired, so all requests are rejected."
            yield Problem(HealthState.NO_VALID_TOKEN, summary, _NEW_TOKEN, first_at=expired, last_at=expired)
        case HealthState.TOKEN_REJECTED:
            yield from _describe_rejected_tokens(store, usage, health, now)
    alert = health.alert
    if alert is not None and not (has_held_people and alert.is_holding(tenant.brake)):
        yield _describe_mass_deactivation(alert, is_holding=alert.is_holding(tenant.brake))


def _describe_rejected_tokens(
    store: ProblemStore, usage: TokenUsage | None, health: Health, now: float
) -> Iterator[Problem]:
    """Yield the problem of requests that were rejected because of their token since a valid one was used."""
    last_used = usage.last_used if usage else 0.0
    if not (minutes := store.list_rejected_tokens(format_rfc3339(max(now - DAY_S, last_used)))):
        return
    number = sum(minute.count for minute in minutes)
    summary, remediation = explain_rejected_token(minutes[-1].rule, health.provider)
    yield Problem(
        HealthState.TOKEN_REJECTED,
        f"At least {number} {'request was' if number == 1 else 'requests were'} rejected. {summary}",
        remediation,
        first_at=minutes[0].first_at,
        last_at=minutes[-1].last_at,
        request_count=number,
    )


def _describe_mass_deactivation(alert: MassDeactivation, *, is_holding: bool) -> Problem:
    """Return the problem of the alert about a mass deactivation."""
    return Problem(
        HealthState.DEACTIVATIONS_HELD if is_holding else HealthState.MASS_DEACTIVATION,
        f"{alert.summary}.",
        "Check whether that is intended. If so, release the deactivations (console: Status, command: `muster release "
        "TENANT`). If not, correct the assignments in the identity provider"
        + ("; the brake refuses further deactivations until then." if is_holding else " and pause provisioning there."),
        first_at=alert.at,
        last_at=alert.at,
    )
