"""What is done after each outcome of a transaction."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

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
TIMEOUT = ReadTimeoutError(endpoint_url="http://127.0.0.1")


def failure(code: str, *reasons: str, status: int = 400) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": ""},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]  # as much as is looked at
            "CancellationReasons": [{"Code": reason} for reason in reasons],
        },
        "TransactWriteItems",
    )


def cancelled(*reasons: str) -> ClientError:
    return failure("TransactionCanceledException", *reasons)


class Script:
    """A client that plays outcomes in turn, and then ``None``: success."""

    def __init__(self, *outcomes: Exception | None, stored: Item | None = None) -> None:
        self._outcomes = iter(outcomes)
        self._stored = stored
        self.requests: list[tuple[Any, str]] = []

    def transact_write_items(self, **arguments: Any) -> None:
        self.requests.append((arguments["TransactItems"], arguments["ClientRequestToken"]))
        if outcome := next(self._outcomes, None):
            raise outcome

    def get_item(self, **arguments: Any) -> dict[str, Any]:
        assert arguments["Key"] == {"pk": RECORD["pk"], "sk": RECORD["sk"]}
        return {} if self._stored is None else {"Item": self._stored}

    @property
    def tokens(self) -> list[str]:
        return [token for _, token in self.requests]


def clock(seconds: float) -> Callable[[], float]:
    """A deadline that each look brings a little nearer."""
    left = iter([seconds - step / 10 for step in range(1_000)])
    return lambda: next(left)


def run(script: Script, *, seconds: float = 29.0) -> None:
    numbers: Iterator[int] = iter(range(1_000))
    table = Table(script, "muster", Deadline(clock(seconds), lambda _: None))  # type: ignore[arg-type]  # a fake client
    commit(table, [RESOURCE, UNIQUE], RECORD, f"token-{next(numbers)}", lambda: f"token-{next(numbers)}")


@pytest.mark.parametrize(
    "outcome",
    [TIMEOUT, failure("InternalServerError", status=500), failure("TransactionInProgressException")],
)
def test_unknown_outcome_is_repeated_with_its_token(outcome: Exception) -> None:
    script = Script(outcome, outcome)
    run(script)
    assert script.requests == [(REQUESTS, "token-0")] * 3


@pytest.mark.parametrize("reasons", [("TransactionConflict", "None"), ("None", "ThrottlingError")])
def test_cancelled_transaction_is_repeated_with_a_new_token(reasons: tuple[str, ...]) -> None:
    script = Script(cancelled(*reasons))
    run(script)
    assert script.tokens == ["token-0", "token-1"]


def test_cancellation_after_an_unknown_outcome_keeps_the_token() -> None:
    script = Script(TIMEOUT, cancelled("TransactionConflict", "None"))
    run(script)
    assert script.tokens == ["token-0"] * 3


def test_throttling_is_repeated() -> None:
    script = Script(failure("ProvisionedThroughputExceededException"), failure("ThrottlingException"))
    run(script)
    assert len(script.requests) == 3


def test_failed_condition_is_raised_with_the_roles() -> None:
    script = Script(cancelled("None", "ConditionalCheckFailed"))
    with pytest.raises(ConditionFailed) as raised:
        run(script)
    assert raised.value.roles == {TransactionRole.UNIQUE}
    assert len(script.requests) == 1


def test_failed_condition_precedes_a_conflict() -> None:
    with pytest.raises(ConditionFailed) as raised:
        run(Script(cancelled("ConditionalCheckFailed", "TransactionConflict")))
    assert raised.value.roles == {TransactionRole.RESOURCE}


def test_failed_condition_after_an_unknown_outcome_is_success_if_our_change_is_stored() -> None:
    run(Script(TIMEOUT, cancelled("ConditionalCheckFailed", "ConditionalCheckFailed"), stored=RECORD))


@pytest.mark.parametrize("stored", [None, {**RECORD, "change": {"S": "change-2"}}], ids=["none", "another change"])
def test_failed_condition_after_an_unknown_outcome_is_a_failure_otherwise(stored: Item | None) -> None:
    with pytest.raises(ConditionFailed):
        run(Script(TIMEOUT, cancelled("None", "ConditionalCheckFailed"), stored=stored))


def test_failed_condition_of_a_first_attempt_is_never_success() -> None:
    with pytest.raises(ConditionFailed):
        run(Script(cancelled("None", "ConditionalCheckFailed"), stored=RECORD))


def test_conflicts_until_the_deadline_are_unavailable() -> None:
    with pytest.raises(Unavailable, match=r"Send the request again") as raised:
        run(Script(*[cancelled("TransactionConflict", "None")] * 1_000), seconds=6)
    assert raised.value.headers == {"Retry-After": "1"}


def test_unknown_outcome_at_the_deadline_says_how_to_find_out() -> None:
    with pytest.raises(Unavailable, match=r"whether the change was stored\. Read the user"):
        run(Script(*[TIMEOUT] * 1_000), seconds=6)


def test_other_error_is_raised() -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        run(Script(failure("ValidationException")))


def test_cancellation_for_a_permanent_reason_is_raised() -> None:
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        run(Script(cancelled("ValidationError", "None")))
