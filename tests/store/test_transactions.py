"""Transactions: what happens after each outcome."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scim.aws.errors import AwsError, CallNotSent, ErrorResponse, NoResponse
from scim.protocol.errors import Unavailable
from scim.service.deadline import Deadline
from scim.store.table import Item, Table
from scim.store.transactions import NOT_EXISTS_CONDITION, Action, ConditionFailed, TransactionRole, commit

RESOURCE = Action.put(TransactionRole.RESOURCE, {"pk": {"S": "T#acme"}, "sk": {"S": "U#1"}})
UNIQUE = Action.put(TransactionRole.UNIQUE, {"pk": {"S": "T#acme"}, "sk": {"S": "N#bob"}}, NOT_EXISTS_CONDITION)
RECORD: Item = {"pk": {"S": "T#acme"}, "sk": {"S": "C#1#1"}, "change": {"S": "change-1"}}
REQUESTS = [
    {"Put": {"TableName": "muster", "Item": {"pk": {"S": "T#acme"}, "sk": {"S": "U#1"}}}},
    {"Put": {"TableName": "muster", "Item": {"pk": {"S": "T#acme"}, "sk": {"S": "N#bob"}}, **NOT_EXISTS_CONDITION}},
    {"Put": {"TableName": "muster", "Item": RECORD, **NOT_EXISTS_CONDITION}},
]
TIMEOUT = NoResponse("TransactWriteItems", "ReadTimeoutError")


def build_error(code: str, *reasons: str, status: int = 400) -> ErrorResponse:
    cancellation_reasons = [{"Code": reason} for reason in reasons]
    return ErrorResponse("TransactWriteItems", code, status=status, cancellation_reasons=cancellation_reasons)


def build_cancellation(*reasons: str) -> ErrorResponse:
    return build_error("TransactionCanceledException", *reasons)


class ScriptedClient:
    """A client with a list of outcomes, which succeeds after the last one."""

    def __init__(self, *outcomes: Exception | None, stored: Item | None = None, is_readable: bool = True) -> None:
        self._outcomes = iter(outcomes)
        self._stored = stored
        self._is_readable = is_readable
        self.requests: list[tuple[Any, str]] = []

    def transact_write_items(self, **arguments: Any) -> None:
        self.requests.append((arguments["TransactItems"], arguments["ClientRequestToken"]))
        if outcome := next(self._outcomes, None):
            raise outcome

    def get_item(self, **arguments: Any) -> dict[str, Any]:
        assert arguments["Key"] == {"pk": RECORD["pk"], "sk": RECORD["sk"]}
        if not self._is_readable:
            raise NoResponse("GetItem", "ReadTimeoutError")
        return {} if self._stored is None else {"Item": self._stored}

    @property
    def tokens(self) -> list[str]:
        return [token for _, token in self.requests]


def create_countdown(seconds: float) -> Callable[[], float]:
    """Return a function that returns the remaining time, which decreases by 0.1 s with each call."""
    left = iter([seconds - step / 10 for step in range(1_000)])
    return lambda: next(left)


def run(client: ScriptedClient, *, seconds: float = 29.0) -> None:
    numbers: Iterator[int] = iter(range(1_000))
    table = Table(client, "muster", Deadline(create_countdown(seconds), lambda _: None))  # type: ignore[arg-type]  # a fake client
    commit(table, [RESOURCE, UNIQUE], RECORD, f"token-{next(numbers)}", lambda: f"token-{next(numbers)}")


@pytest.mark.parametrize(
    "outcome",
    [TIMEOUT, build_error("InternalServerError", status=500), build_error("TransactionInProgressException")],
)
def test_unknown_outcome_is_repeated_with_its_token(outcome: Exception) -> None:
    client = ScriptedClient(outcome, outcome)
    run(client)
    assert client.requests == [(REQUESTS, "token-0")] * 3


@pytest.mark.parametrize("reasons", [("TransactionConflict", "None"), ("None", "ThrottlingError")])
def test_cancelled_transaction_is_repeated_with_new_token(reasons: tuple[str, ...]) -> None:
    client = ScriptedClient(build_cancellation(*reasons))
    run(client)
    assert client.tokens == ["token-0", "token-1"]


def test_cancellation_after_unknown_outcome_keeps_the_token() -> None:
    client = ScriptedClient(TIMEOUT, build_cancellation("TransactionConflict", "None"))
    run(client)
    assert client.tokens == ["token-0"] * 3


def test_throttling_is_repeated() -> None:
    client = ScriptedClient(build_error("ProvisionedThroughputExceededException"), build_error("ThrottlingException"))
    run(client)
    assert len(client.requests) == 3


def test_failed_condition_has_roles() -> None:
    client = ScriptedClient(build_cancellation("None", "ConditionalCheckFailed"))
    with pytest.raises(ConditionFailed) as raised:
        run(client)
    assert raised.value.roles == {TransactionRole.UNIQUE}
    assert len(client.requests) == 1


def test_failed_condition_precedes_a_conflict() -> None:
    with pytest.raises(ConditionFailed) as raised:
        run(ScriptedClient(build_cancellation("ConditionalCheckFailed", "TransactionConflict")))
    assert raised.value.roles == {TransactionRole.RESOURCE}


def test_stored_change_after_unknown_outcome_is_success() -> None:
    run(ScriptedClient(TIMEOUT, build_cancellation("ConditionalCheckFailed", "ConditionalCheckFailed"), stored=RECORD))


@pytest.mark.parametrize("stored", [None, {**RECORD, "change": {"S": "change-2"}}], ids=["none", "another change"])
def test_missing_change_after_unknown_outcome_is_failure(stored: Item | None) -> None:
    with pytest.raises(ConditionFailed):
        run(ScriptedClient(TIMEOUT, build_cancellation("None", "ConditionalCheckFailed"), stored=stored))


def test_failed_condition_of_first_attempt_is_failure() -> None:
    with pytest.raises(ConditionFailed):
        run(ScriptedClient(build_cancellation("None", "ConditionalCheckFailed"), stored=RECORD))


def test_conflicts_until_the_deadline_are_unavailable() -> None:
    with pytest.raises(Unavailable, match=r"Send the request again") as raised:
        run(ScriptedClient(*[build_cancellation("TransactionConflict", "None")] * 1_000), seconds=6)
    assert raised.value.headers == {"Retry-After": "1"}


def test_unknown_outcome_at_the_deadline_is_unavailable() -> None:
    with pytest.raises(Unavailable, match=r"whether the change was stored\. Read the user"):
        run(ScriptedClient(*[TIMEOUT] * 1_000), seconds=6)


def test_unreadable_record_after_unknown_outcome_is_unavailable() -> None:
    """The first attempt may be the one because of which the condition fails."""
    client = ScriptedClient(TIMEOUT, build_cancellation("ConditionalCheckFailed", "None", "None"), is_readable=False)
    with pytest.raises(Unavailable, match="could not determine whether the change was stored"):
        run(client, seconds=5.0)


@pytest.mark.parametrize("error", [build_error("AccessDeniedException"), CallNotSent("TransactWriteItems", "NoKeys")])
def test_other_error_after_unknown_outcome_is_unavailable(error: AwsError) -> None:
    with pytest.raises(Unavailable, match="could not determine whether the change was stored"):
        run(ScriptedClient(TIMEOUT, error))


def test_other_error_is_raised() -> None:
    with pytest.raises(ErrorResponse, match="ValidationException"):
        run(ScriptedClient(build_error("ValidationException")))


def test_permanent_cancellation_is_raised() -> None:
    with pytest.raises(ErrorResponse, match="TransactionCanceledException"):
        run(ScriptedClient(build_cancellation("ValidationError", "None")))
