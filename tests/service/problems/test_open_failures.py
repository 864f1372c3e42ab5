"""Which failures are still open."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import pytest

from scim.protocol.errors import Rule
from scim.service.model.audit.failure import Failure, FailureCount
from scim.service.model.audit.log_record import FailureSearchResult, RejectedTokenCount
from scim.service.model.change_record import Operation
from scim.service.model.identifiers import Identifier, IdentifierKind, hash_identifier
from scim.service.model.token import TokenUsage
from scim.service.problems.open_failures import OpenFailure, select_open_failures
from scim.service.problems.problem import UserWriteState

NOW = 1_769_851_800.0  # 2026-01-31T09:30:00Z
HOUR_AGO, MINUTE_AGO = "2026-01-31T08:30:00.000Z", "2026-01-31T09:29:00.000Z"
TWO_DAYS_AGO, EIGHT_DAYS_AGO = "2026-01-29T09:30:00.000Z", "2026-01-23T09:30:00.000Z"
ID = "00000000-0000-4000-8000-000000000001"
ADA = (IdentifierKind.USER_NAME, "ada")


@dataclass
class FakeProblemStore:
    """Failures, users and rejected tokens in memory. Identifiers in ``unknown`` are not looked up."""

    failures: FailureSearchResult = field(default_factory=FailureSearchResult)
    users: Mapping[Identifier, UserWriteState] = field(default_factory=dict)
    unknown: Collection[Identifier] = ()
    rejected: list[RejectedTokenCount] = field(default_factory=list)

    def find_recent_failures(self, since: str) -> FailureSearchResult:
        return replace(self.failures, failures=[count for count in self.failures.failures if count.failure.at >= since])

    def find_user_states(self, identifiers: Collection[Identifier]) -> dict[Identifier, UserWriteState | None]:
        return {identifier: self.users.get(identifier) for identifier in identifiers if identifier not in self.unknown}

    def list_rejected_tokens(self, since: str) -> list[RejectedTokenCount]:
        return [count for count in self.rejected if count.last_at >= since]


def build_count(  # the members of a failure that decide
    operation: str = Operation.CREATE,
    rule: str = Rule.REQUIRED,
    identifier: Identifier = ADA,
    at: str = HOUR_AGO,
    *,
    first_at: str = "",
    user_id: str = "",
    attribute: str | None = "userName",
    count: int = 1,
    status: int = 400,
) -> FailureCount:
    kind, value = identifier
    failure = Failure(
        at=at,
        operation=operation,
        status=status,
        scim_type=None,
        rule=rule,
        detail="",
        attribute=attribute,
        identifier_kind=kind,
        identifier=value,
        identifier_hashes=frozenset(hash_identifier(text) for text in (value, user_id) if text),
        attributes_sent=(),
        ignored=(),
        rejected_leniency=None,
        provider=None,
        request_id="",
    )
    first = first_at or at
    counts_by_day = {first[:10]: count - 1, at[:10]: 1} if first[:10] != at[:10] else {at[:10]: count}
    return FailureCount(failure, first, count, counts_by_day)


def select(
    count: FailureCount, user: UserWriteState | None = None, usage: TokenUsage | None = None
) -> tuple[list[OpenFailure], bool]:
    identifier = (count.failure.identifier_kind, count.failure.identifier)
    store = FakeProblemStore(users={identifier: user} if user else {})
    return select_open_failures(store, [count], usage, NOW)


def is_open(count: FailureCount, user: UserWriteState | None = None, usage: TokenUsage | None = None) -> bool:
    failures, is_complete = select(count, user, usage)
    assert is_complete
    return bool(failures)


BEFORE = UserWriteState(ID, is_active=True, modified=TWO_DAYS_AGO)
AFTER = UserWriteState(ID, is_active=True, modified=MINUTE_AGO)
INACTIVE = UserWriteState(ID, is_active=False, modified=MINUTE_AGO)
BY_ID = (IdentifierKind.ID, ID)


class TestCreate:
    def test_is_open_without_user(self) -> None:
        assert is_open(build_count())

    def test_user_with_identifier_resolves(self) -> None:
        assert not is_open(build_count(), BEFORE)

    def test_user_who_has_the_name_does_not_resolve_conflict(self) -> None:
        assert is_open(build_count(rule=Rule.UNIQUENESS), BEFORE)

    def test_later_write_resolves_conflict(self) -> None:
        assert not is_open(build_count(rule=Rule.UNIQUENESS), AFTER)

    def test_is_not_open_after_seven_days(self) -> None:
        assert is_open(build_count(at=TWO_DAYS_AGO))
        assert not is_open(build_count(at=EIGHT_DAYS_AGO))


@pytest.mark.parametrize("operation", [Operation.PATCH, Operation.REPLACE])
class TestUpdate:
    def test_later_write_resolves(self, operation: Operation) -> None:
        assert is_open(build_count(operation, identifier=BY_ID), BEFORE)
        assert not is_open(build_count(operation, identifier=BY_ID), AFTER)

    def test_deletion_resolves(self, operation: Operation) -> None:
        assert not is_open(build_count(operation, identifier=BY_ID), None)

    def test_write_of_another_user_does_not_resolve(self, operation: Operation) -> None:
        """The request would rename a user to the name that another user has."""
        other = "00000000-0000-4000-8000-000000000002"
        assert is_open(build_count(operation, Rule.UNIQUENESS, user_id=other), AFTER)
        assert not is_open(build_count(operation, Rule.UNIQUENESS, user_id=ID), AFTER)

    def test_missing_user_name_does_not_resolve(self, operation: Operation) -> None:
        """The user still exists under another name, so nothing shows that the rename has succeeded."""
        assert is_open(build_count(operation, user_id=ID), None)

    def test_unknown_id_is_open_for_a_day(self, operation: Operation) -> None:
        assert is_open(build_count(operation, Rule.UNKNOWN_USER, BY_ID), None)
        assert not is_open(build_count(operation, Rule.UNKNOWN_USER, BY_ID, TWO_DAYS_AGO), None)


class TestDelete:
    def test_is_open_while_user_exists(self) -> None:
        assert is_open(build_count(Operation.DELETE, Rule.FAULT, BY_ID), BEFORE)

    def test_deletion_resolves(self) -> None:
        assert not is_open(build_count(Operation.DELETE, Rule.FAULT, BY_ID))

    def test_deletion_of_unknown_user_is_no_problem(self) -> None:
        assert not is_open(build_count(Operation.DELETE, Rule.UNKNOWN_USER, BY_ID))


@pytest.mark.parametrize("operation", [Operation.PATCH, Operation.DELETE])
def test_held_deactivation_is_open_while_user_is_active(operation: Operation) -> None:
    count = build_count(operation, Rule.BRAKE, BY_ID)
    assert is_open(count, AFTER)
    assert not is_open(count, INACTIVE)
    assert not is_open(count)


def test_lookup_of_unknown_user_is_no_problem() -> None:
    assert not is_open(build_count("GET User", Rule.UNKNOWN_USER, BY_ID))


def test_partly_ignored_request_is_no_problem() -> None:
    assert not is_open(build_count(Operation.PATCH, Rule.NO_OP, BY_ID, status=200), BEFORE)


def test_query_is_open_for_a_day() -> None:
    query = build_count("GET Users", Rule.FILTER_ATTRIBUTE, (IdentifierKind.FILTER, "ada"))
    assert is_open(query)
    assert not is_open(replace(query, failure=replace(query.failure, at=TWO_DAYS_AGO)))


def test_later_use_of_token_resolves_wrong_url() -> None:
    wrong_url = build_count("GET Users", Rule.SCIM_URL, ("", ""))
    assert is_open(wrong_url, usage=TokenUsage(NOW - 7_200, "v1"))
    assert not is_open(wrong_url, usage=TokenUsage(NOW - 60, "v1"))


def test_failure_begins_after_last_success() -> None:
    count = build_count(Operation.PATCH, identifier=BY_ID, first_at="2026-01-26T09:30:00.000Z", count=9, user_id=ID)
    (failure,), _ = select(count, BEFORE)
    assert (failure.since, failure.request_count) == (TWO_DAYS_AGO, 1)


def test_person_who_was_not_looked_up_is_omitted() -> None:
    store = FakeProblemStore(unknown=[ADA])
    eve = build_count(identifier=(IdentifierKind.USER_NAME, "eve"))
    failures, is_complete = select_open_failures(store, [build_count(), eve], None, NOW)
    assert [failure.person for failure in failures] == ["eve"]
    assert not is_complete
