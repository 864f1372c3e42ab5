"""Writing: one transaction a change, told apart from its own repetition.

A transaction whose answer is lost may have been committed. It is then repeated unchanged, with the same
``ClientRequestToken``, for which DynamoDB answers with success if it was (for ten minutes). Where a condition fails
after such doubt, the change record says whether the version that is in the way is our own. A transaction that was
definitely cancelled, by a conflict with another, is a new one with a new token: the SDK does not repeat these.
Source: Amazon DynamoDB developer guide, "Amazon DynamoDB Transactions: How it works".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from botocore.exceptions import ClientError

from scim.aws.errors import NO_RESPONSE, THROTTLING_CODES, error_code, is_outcome_unknown, is_throttled
from scim.protocol.errors import Unavailable
from scim.service.deadline import RetryCause
from scim.store.table import Table

_TRANSIENT = THROTTLING_CODES | {"TransactionConflict", "ProvisionedThroughputExceeded", "None"}
_CONDITION = "ConditionalCheckFailed"


class TransactionRole(Enum):
    """What an action of a transaction is there for, which says what its failed condition means."""

    RESOURCE = auto()
    UNIQUE = auto()
    INDEX = auto()
    COUNTER = auto()
    CHANGE = auto()


@dataclass(slots=True)
class Action:
    role: TransactionRole
    request: dict[str, Any]


class ConditionFailed(Exception):
    """Conditions of the transaction don't hold, and nothing of it was written."""

    def __init__(self, roles: frozenset[TransactionRole]) -> None:
        super().__init__(", ".join(sorted(role.name for role in roles)))
        self.roles = roles


def commit(
    table: Table,
    actions: Sequence[Action],
    token: str,
    is_committed: Callable[[], bool],
    new_token: Callable[[], str],
) -> None:
    """Write all of the actions or none. ``is_committed`` reads whether the change record that they write is there.

    ``token`` is the first attempt's ``ClientRequestToken``, no other transaction's.

    Raises :class:`ConditionFailed`, or :class:`Unavailable` where the time is up.
    """
    table.deadline.check()
    requests = [action.request for action in actions]
    may_be_committed, attempt = False, 0
    while True:
        try:
            table.transact(requests, token)
        except (ClientError, *NO_RESPONSE) as error:
            if failed := _failed(error, actions):
                if may_be_committed and is_committed():
                    return
                raise ConditionFailed(failed) from error
            cause = RetryCause.REFUSED
            if _is_cancelled(error):
                token = token if may_be_committed else new_token()
                cause = RetryCause.CONFLICT if _is_conflict(error) else RetryCause.REFUSED
            elif is_outcome_unknown(error):
                may_be_committed = True
            elif not is_throttled(error):
                raise
        else:
            return
        _pause(table, attempt, cause, may_be_committed=may_be_committed)
        attempt += 1


def _pause(table: Table, attempt: int, cause: RetryCause, *, may_be_committed: bool) -> None:
    try:
        table.deadline.pause(attempt, cause)
    except Unavailable:
        if may_be_committed:
            raise Unavailable(
                "The service could not find out in time whether the change was stored: read the user, and send the "
                "request again if it was not.",
                headers={"Retry-After": "1"},
            ) from None
        raise


def _reasons(error: Exception) -> list[dict[str, Any]]:
    if isinstance(error, ClientError) and error_code(error) == "TransactionCanceledException":
        reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
        return reasons
    return []


def _failed(error: Exception, actions: Sequence[Action]) -> frozenset[TransactionRole]:
    return frozenset(
        action.role
        for action, reason in zip(actions, _reasons(error), strict=False)
        if reason.get("Code") == _CONDITION
    )


def _is_conflict(error: Exception) -> bool:
    return any(reason.get("Code") == "TransactionConflict" for reason in _reasons(error))


def _is_cancelled(error: Exception) -> bool:
    """Whether the transaction was given up for a reason that may have passed at the next attempt."""
    codes = {str(reason.get("Code")) for reason in _reasons(error)}
    return bool(codes) and codes <= _TRANSIENT
