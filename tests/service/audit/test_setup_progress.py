"""The progress of a set-up: which records are problems that are not solved yet."""

import pytest

from scim.protocol.errors import MALFORMED_TOKEN_RULES, Rule
from scim.service.audit.setup_progress import SetupState, assess_setup
from scim.service.model.audit.failure import Failure, FailureCount
from scim.service.model.audit.log_record import RejectedTokenCount
from scim.service.model.identifiers import IdentifierKind
from scim.service.model.timestamps import format_rfc3339
from scim.service.model.token import TokenUsage

NOW = 1_800_000_000.0


def count_rejected(rule: str, seconds_ago: float) -> RejectedTokenCount:
    at = format_rfc3339(NOW - seconds_ago)
    return RejectedTokenCount(at, at, 1, rule)


def use_token(seconds_ago: float) -> TokenUsage:
    return TokenUsage(NOW - seconds_ago, "version", first_used=NOW - seconds_ago)


@pytest.mark.parametrize("rule", [*sorted(MALFORMED_TOKEN_RULES), Rule.TOKEN, Rule.TOKEN_EXPIRED])
def test_each_rule_of_tokens_has_a_title(rule: Rule) -> None:
    (issue,) = assess_setup(None, 0, [count_rejected(rule, 5)], None, NOW).issues
    assert issue.title != "A request failed"


@pytest.mark.parametrize(("used_ago", "number"), [(None, 1), (20, 1), (5, 0)])
def test_a_valid_request_solves_earlier_mistakes(used_ago: float | None, number: int) -> None:
    usage = None if used_ago is None else use_token(used_ago)
    assert len(assess_setup(usage, 0, [count_rejected(Rule.TOKEN_CUT_SHORT, 10)], None, NOW).issues) == number


def test_mistakes_of_the_day_before_are_omitted() -> None:
    assert assess_setup(None, 0, [count_rejected(Rule.TOKEN_CUT_SHORT, 86_401)], None, NOW).issues == []


def test_the_newest_of_each_rule_is_returned() -> None:
    records = [count_rejected(rule, ago) for rule, ago in ((Rule.TOKEN, 1), (Rule.TOKEN_CUT_SHORT, 2), (Rule.TOKEN, 3))]
    issues = assess_setup(None, 0, records, None, NOW).issues
    assert [issue.at for issue in issues] == [format_rfc3339(NOW - 1), format_rfc3339(NOW - 2)]


@pytest.mark.parametrize(
    ("kind", "identifier", "title"),
    [
        (IdentifierKind.USER_NAME, "ada@example.com", "A request for ada@example.com failed"),
        (IdentifierKind.ID, "7d1f", "A request failed"),
        ("", "", "A request failed"),
    ],
)
def test_failure_names_the_person(kind: str, identifier: str, title: str) -> None:
    at = format_rfc3339(NOW - 1)
    failure = Failure(
        at=at,
        operation="create",
        status=409,
        scim_type="uniqueness",
        rule=Rule.UNIQUENESS,
        detail="",
        attribute=None,
        identifier_kind=kind,
        identifier=identifier,
        identifier_hashes=frozenset(),
        attributes_sent=(),
        ignored=(),
        rejected_leniency=None,
        provider=None,
        request_id="1",
    )
    (issue,) = assess_setup(use_token(1), 1, [FailureCount(failure, at, 1)], None, NOW).issues
    assert issue.title == title


@pytest.mark.parametrize(
    ("usage", "users", "state"),
    [
        (None, 0, SetupState.WAITING),
        (use_token(1), 0, SetupState.TESTED),
        (use_token(1), 2, SetupState.PROVISIONING),
    ],
)
def test_state(usage: TokenUsage | None, users: int, state: SetupState) -> None:
    progress = assess_setup(usage, users, [], None, NOW)
    assert (progress.state, progress.is_finished) == (state, state is SetupState.PROVISIONING)
