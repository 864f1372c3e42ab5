"""Write each change in one transaction. A repeated transaction neither fails nor writes twice.

A transaction whose response is lost may have been committed. It is sent again unchanged, with the same
``ClientRequestToken``: for ten minutes, DynamoDB reports success if it was committed. If a condition fails in such a
repetition, the change record shows whether the conflicting version is our own. A transaction that was cancelled by a
conflict with another transaction has written nothing. It is sent again with a new token, since the SDK does not retry
it. Source: Amazon DynamoDB developer guide, "Amazon DynamoDB Transactions: How it works".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from botocore.exceptions import ClientError

from scim.aws.errors import NO_RESPONSE_ERRORS, THROTTLING_CODES, get_error_code, is_outcome_unknown, is_throttled
from scim.protocol.errors import Unavailable
from scim.service.deadline import RetryCause
from scim.store.table import Item, Table

_TRANSIENT_CODES = THROTTLING_CODES | {"TransactionConflict", "ProvisionedThroughputExceeded", "None"}
_CONDITION_FAILED_CODE = "ConditionalCheckFailed"

Condition = Mapping[str, Any]
"""The ``ConditionExpression`` of a write and its ``ExpressionAttributeValues``; empty for none."""
NO_CONDITION: Condition = {}
NOT_EXISTS_CONDITION: Condition = {"ConditionExpression": "attribute_not_exists(sk)"}


def build_version_condition(version: int) -> Condition:
    """Return the condition that an item has this version."""
    return {"ConditionExpression": "v = :v", "ExpressionAttributeValues": {":v": {"N": str(version)}}}


class TransactionRole(Enum):
    """What an action writes. It decides which error a failed condition of the action causes."""

    RESOURCE = auto()
    UNIQUE = auto()
    INDEX = auto()
    COUNTER = auto()
    CHANGE = auto()


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a transaction. ``request`` is a member of ``TransactItems`` without the table's name."""

    role: TransactionRole
    request: Mapping[str, Mapping[str, Any]]

    @classmethod
    def put(cls, role: TransactionRole, item: Item, condition: Condition = NO_CONDITION) -> Action:
        return cls(role, {"Put": {"Item": item, **condition}})

    @classmethod
    def delete(cls, role: TransactionRole, key: Item, condition: Condition = NO_CONDITION) -> Action:
        return cls(role, {"Delete": {"Key": key, **condition}})

    @classmethod
    def update(cls, role: TransactionRole, key: Item, **expressions: Any) -> Action:
        return cls(role, {"Update": {"Key": key, **expressions}})


class ConditionFailed(Exception):
    """Conditions of actions with these roles failed. Nothing was written."""

    def __init__(self, roles: frozenset[TransactionRole]) -> None:
        super().__init__(", ".join(sorted(role.name for role in roles)))
        self.roles = roles


def commit(
    table: Table,
    actions: Sequence[Action],
    record: Item,
    client_request_token: str,
    new_client_request_token: Callable[[], str],
) -> None:
    """Write all of the actions and the record of the change, or nothing. Repeat attempts until the deadline.

    ``record`` is a new item whose attribute ``change`` identifies the change. ``client_request_token`` is for the first
    attempt, and must be new. Raise :class:`ConditionFailed`, or :class:`Unavailable` if the time is up.
    """
    table.deadline.require_time()
    actions = [*actions, Action.put(TransactionRole.CHANGE, record, NOT_EXISTS_CONDITION)]
    requests = [_add_table_name(action, table.name) for action in actions]
    may_be_committed, attempt = False, 0
    while True:
        try:
            table.transact_once(requests, client_request_token)
        except (ClientError, *NO_RESPONSE_ERRORS) as error:
            if failed := _find_failed_roles(error, actions):
                if may_be_committed and _is_committed(table, record):
                    return
                raise ConditionFailed(failed) from error
            cause = RetryCause.UNAVAILABLE
            if _is_repeatable_cancellation(error):
                if not may_be_committed:
                    client_request_token = new_client_request_token()
                cause = RetryCause.CONFLICT if _is_conflict(error) else RetryCause.UNAVAILABLE
            elif is_outcome_unknown(error):
                may_be_committed = True
            elif not is_throttled(error):
                raise
        else:
            return
        _pause(table, attempt, cause, may_be_committed=may_be_committed)
        attempt += 1


def _add_table_name(action: Action, name: str) -> dict[str, Any]:
    """Return an action as a member of ``TransactItems``."""
    return {operation: {"TableName": name, **arguments} for operation, arguments in action.request.items()}


def _is_committed(table: Table, record: Item) -> bool:
    """Read the change record from the table, and return whether it belongs to this change."""
    stored = table.get(record["pk"]["S"], record["sk"]["S"])
    return stored is not None and stored["change"] == record["change"]


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


def _get_cancellation_reasons(error: Exception) -> list[dict[str, Any]]:
    """Return the ``CancellationReasons`` of a cancelled transaction: one for each action, in their order."""
    if isinstance(error, ClientError) and get_error_code(error) == "TransactionCanceledException":
        reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
        return reasons
    return []


def _find_failed_roles(error: Exception, actions: Sequence[Action]) -> frozenset[TransactionRole]:
    """Return the roles of the actions whose conditions failed, none for other errors."""
    return frozenset(
        action.role
        for action, reason in zip(actions, _get_cancellation_reasons(error), strict=False)
        if reason.get("Code") == _CONDITION_FAILED_CODE
    )


def _is_conflict(error: Exception) -> bool:
    return any(reason.get("Code") == "TransactionConflict" for reason in _get_cancellation_reasons(error))


def _is_repeatable_cancellation(error: Exception) -> bool:
    """Return whether the transaction was cancelled only for reasons that may not apply to the next attempt."""
    codes = {str(reason.get("Code")) for reason in _get_cancellation_reasons(error)}
    return bool(codes) and codes <= _TRANSIENT_CODES
