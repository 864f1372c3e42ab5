"""The open problems of a tenant: their causes, counts and order."""

from dataclasses import replace

import pytest

from scim.protocol.errors import Rule
from scim.service.audit.explanations import EXPLANATIONS
from scim.service.model.audit.failure import DailyFailures, FailureCount
from scim.service.model.audit.log_record import FailureSearchResult, RejectedTokenCount
from scim.service.model.change_record import Operation
from scim.service.model.deactivations.brake import BrakeSettings, MassDeactivation
from scim.service.model.identifiers import IdentifierKind
from scim.service.model.identity_provider import IdentityProvider
from scim.service.model.tenant import Tenant
from scim.service.model.token import TokenState, TokenUsage
from scim.service.problems.causes import describe_cause
from scim.service.problems.open_problems import find_open_problems, list_people_ids
from scim.service.problems.problem import OpenProblems
from scim.service.tenants.health import Health, HealthState, RecentActivity
from tests.service.problems.test_open_failures import (
    AFTER,
    BY_ID,
    HOUR_AGO,
    MINUTE_AGO,
    NOW,
    FakeProblemStore,
    build_count,
)

TENANT = Tenant("acme", token=TokenState("v1"))
ALERT = MassDeactivation(HOUR_AGO, 30, 100, is_held=True, request_id="")


def find(
    *failures: FailureCount,
    state: HealthState = HealthState.HEALTHY,
    tenant: Tenant = TENANT,
    alert: MassDeactivation | None = None,
    store: FakeProblemStore | None = None,
    usage: TokenUsage | None = None,
) -> OpenProblems:
    activity = RecentActivity(DailyFailures())
    health = Health(state, activity, provider=IdentityProvider.OKTA, alert=alert, token_usage=usage)
    store = store or FakeProblemStore(FailureSearchResult(failures))
    return find_open_problems(store, tenant, health, NOW)


def build_people(number: int, **changes: object) -> list[FailureCount]:
    people = [(IdentifierKind.EXTERNAL_ID, f"person-{index}") for index in range(number)]
    return [build_count(identifier=person, **changes) for person in people]  # type: ignore[arg-type]


def test_failures_with_same_cause_are_one_problem() -> None:
    (problem,) = find(*build_people(14)).problems
    assert problem.summary == "14 people lack userName."
    assert (problem.cause, problem.people_count, problem.request_count) == ("required userName", 14, 14)
    assert (problem.first_at, problem.last_at) == (HOUR_AGO, HOUR_AGO)
    assert problem.remediation.startswith("Correct the attribute mapping of userName")
    assert len(problem.people) == 5


def test_remediation_names_the_menu_of_the_provider() -> None:
    count = build_count()
    in_entra = replace(count, failure=replace(count.failure, provider=IdentityProvider.ENTRA))
    (problem,) = find(in_entra).problems
    assert problem.remediation.startswith("Enterprise application > Provisioning > Attribute mapping > userName")


def test_causes_differ_by_attribute() -> None:
    problems = find(*build_people(2), build_count(rule=Rule.REQUIRED, attribute="emails.value")).problems
    assert [problem.summary for problem in problems] == ["2 people lack userName.", "1 person lacks emails.value."]


def test_requests_of_one_person_count_once() -> None:
    patch = build_count(Operation.PATCH, Rule.TYPE, BY_ID, attribute="active", count=3, user_id=BY_ID[1])
    put = build_count(Operation.REPLACE, Rule.TYPE, BY_ID, attribute="active", user_id=BY_ID[1])
    user = replace(AFTER, modified=HOUR_AGO)
    store = FakeProblemStore(FailureSearchResult([patch, put]), {BY_ID: user})
    (problem,) = find(store=store).problems
    assert problem.summary == "1 person has a value of the wrong type in active."
    assert (problem.people_count, problem.request_count) == (1, 4)
    assert list_people_ids(find(store=store)) == [BY_ID[1]]


def test_requests_without_person_are_counted() -> None:
    (problem,) = find(build_count(identifier=("", ""), count=7)).problems
    assert problem.summary == "7 requests lack userName."
    assert (problem.people_count, problem.people) == (0, [])


def test_incomplete_search_is_a_lower_bound() -> None:
    store = FakeProblemStore(FailureSearchResult(build_people(2), is_complete=False))
    problems = find(store=store)
    assert problems.problems[0].summary == "At least 2 people lack userName."
    assert (problems.is_complete, problems.count) == (False, "at least 1")


@pytest.mark.parametrize("rule", [Rule.GROUPS_ENDPOINT, Rule.RATE_LIMIT, Rule.SCIM_URL])
def test_problem_of_the_connection_is_described_as_in_the_log(rule: Rule) -> None:
    (problem,) = find(build_count("POST Groups", rule, ("", ""), attribute=None)).problems
    assert problem.summary == EXPLANATIONS[rule].summary.format(detail="")


def test_rejected_tokens_are_a_problem_until_a_valid_one_is_used() -> None:
    store = FakeProblemStore(rejected=[RejectedTokenCount(HOUR_AGO, HOUR_AGO, 3, Rule.TOKEN)])
    (problem,) = find(state=HealthState.TOKEN_REJECTED, store=store).problems
    assert problem.summary == "At least 3 requests were rejected. The token is not valid: it was replaced or revoked."
    assert "In Okta, enter it under" in problem.remediation
    assert not find(state=HealthState.HEALTHY, store=store).problems


def test_problems_of_all_requests_come_first() -> None:
    tenant = replace(TENANT, token=TokenState("v1", expires=NOW - 60))
    first, second = find(*build_people(3), state=HealthState.NO_VALID_TOKEN, tenant=tenant).problems
    assert first.summary == "The token has expired, so all requests are rejected."
    assert first.first_at == MINUTE_AGO
    assert second.people_count == 3


def test_revoked_token_is_a_problem() -> None:
    tenant = replace(TENANT, token=TokenState(revoked_version_ids=("v1",)))
    (problem,) = find(state=HealthState.NO_VALID_TOKEN, tenant=tenant).problems
    assert problem.summary == "All tokens were revoked, so all requests are rejected."


class TestBrake:
    held = replace(TENANT, brake=BrakeSettings(is_on=True))

    def test_held_people_are_one_problem(self) -> None:
        count = build_count(Operation.PATCH, Rule.BRAKE, BY_ID, attribute=None, user_id=BY_ID[1])
        store = FakeProblemStore(FailureSearchResult([count]), {BY_ID: AFTER})
        (problem,) = find(state=HealthState.DEACTIVATIONS_HELD, tenant=self.held, alert=ALERT, store=store).problems
        assert problem.summary == "1 person keeps the access, because the brake holds the deactivation."

    def test_alert_is_a_problem_without_held_people(self) -> None:
        (problem,) = find(state=HealthState.DEACTIVATIONS_HELD, tenant=self.held, alert=ALERT).problems
        assert problem.cause == HealthState.DEACTIVATIONS_HELD
        assert problem.summary == "30 of 100 active users were deactivated or deleted within an hour."

    def test_alert_without_brake_is_a_problem(self) -> None:
        (problem,) = find(state=HealthState.MASS_DEACTIVATION, alert=ALERT).problems
        assert problem.cause == HealthState.MASS_DEACTIVATION


def test_disconnected_tenant_has_no_problems() -> None:
    assert find(*build_people(3), tenant=replace(TENANT, is_connected=False)) == OpenProblems()


@pytest.mark.parametrize("rule", Rule)
def test_every_cause_is_a_sentence_without_placeholders(rule: Rule) -> None:
    failure = build_count(rule=rule, attribute=None).failure
    for people in (0, 1, 2):
        sentence = describe_cause(failure, people, 2, is_complete=True)
        assert sentence.endswith(".")
        assert "{" not in sentence
