"""Write each change in one transaction, with retries that neither fail nor write twice.

- If the response was lost, the transaction may have been committed. It is sent again unchanged with the same
  ``ClientRequestToken``. For ten minutes, DynamoDB then reports success if it was committed.
- If a condition fails in such a retry, the change record shows whether our own first attempt was committed.
- If another transaction caused a conflict, nothing was written. The transaction is sent again with a new token, since
  the SDK does not retry it.

Source: Amazon DynamoDB developer guide, "Amazon DynamoDB Transactions: How it works".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from scim.aws.errors import THROTTLING_CODES, AwsError, ErrorResponse, is_outcome_unknown, is_refused_for_now
from scim.protocol.errors import Unavailable
from scim.service.deadline import RetryCause
from scim.store.table import Item, Table

# "None" is the code of an action that did not cause the cancellation.
_TRANSIENT_CODES = THROTTLING_CODES | {"TransactionConflict", "ProvisionedThroughputExceeded", "None"}
_CONDITION_FAILED_CODE = "ConditionalCheckFailed"

MAX_ACTIONS = 100
"""The maximum number of actions in a transaction (Amazon DynamoDB developer guide, "Service quotas")."""

Condition = Mapping[str, Any]
"""The ``ConditionExpression`` of a write and its ``ExpressionAttributeValues``. Empty means no condition."""
NO_CONDITION: Condition = {}
NOT_EXISTS_CONDITION: Condition = {"ConditionExpression": "attribute_not_exists(sk)"}


def build_version_condition(version: int, version_floor: int = 0) -> Condition:
    """Return the condition that the stored item has this version.

    If it is the ``version_floor`` of a restored table, the item may have any version up to it.
    """
    operator = "<=" if version == version_floor else "="
    return {"ConditionExpression": f"v {operator} :v", "ExpressionAttributeValues": {":v": {"N": str(version)}}}


class TransactionRole(Enum):
    """The kind of item that an action writes. It decides which error a failed condition becomes."""

    RESOURCE = auto()
    UNIQUE = auto()
    INDEX = auto()
    COUNTER = auto()
    CHANGE = auto()


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a transaction. ``request`` is an element of ``TransactItems`` without the table name."""

    role: TransactionRole
    request: Mapping[str, Mapping[str, Any]]

    @classmethod
    def put(cls, role: TransactionRole, item: Item, condition: Condition = NO_CONDITION) -> Action:
        """Return an action that creates or replaces an item."""
        return cls(role, {"Put": {"Item": item, **condition}})

    @classmethod
    def delete(cls, role: TransactionRole, key: Item, condition: Condition = NO_CONDITION) -> Action:
        """Return an action that deletes the item with this primary key."""
        return cls(role, {"Delete": {"Key": key, **condition}})

    @classmethod
    def check(cls, role: TransactionRole, key: Item, condition: Condition) -> Action:
        """Return an action that writes nothing, and fails if the condition on an item is false."""
        return cls(role, {"ConditionCheck": {"Key": key, **condition}})

    @classmethod
    def update(cls, role: TransactionRole, key: Item, **expressions: Any) -> Action:
        """Return an action that updates an item. ``expressions`` are the other arguments of ``Update``."""
        return cls(role, {"Update": {"Key": key, **expressions}})


class ConditionFailed(Exception):
    """The conditions of these actions failed, so nothing was written."""

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__(", ".join(sorted({action.role.name for action in actions})))
        self.actions = actions

    @property
    def roles(self) -> frozenset[TransactionRole]:
        """The roles of the actions."""
        return frozenset(action.role for action in self.actions)


def commit(
    table: Table,
    actions: Sequence[Action],
    record: Item | None,
    client_request_token: str,
    new_client_request_token: Callable[[], str],
) -> None:
    """Write the actions and the record of the change in one transaction. Retry until the deadline.

    Args:
        table: the table to write to.
        actions: the writes, at most 99.
        record: a new item whose attribute ``change`` identifies this change. Without it, a condition can also fail
            because an earlier attempt was committed.
        client_request_token: a new, unique token for the first attempt.
        new_client_request_token: returns a new token for each attempt after a cancelled transaction.

    Raise :class:`ConditionFailed` if nothing was written because of a condition, and :class:`Unavailable` after the
    deadline.
    """
    table.deadline.require_time()
    actions = [*actions, *_put_record(record)]
    requests = [_add_table_name(action, table.name) for action in actions]
    may_be_committed, attempt = False, 0
    while True:
        try:
            table.transact_once(requests, client_request_token)
        except AwsError as error:
            if failed := _find_failed_actions(error, actions):
                if may_be_committed and _is_committed(table, record):
                    return
                raise ConditionFailed(failed) from error
            cause = _find_retry_cause(error)
            if _is_repeatable_cancellation(error):
                if not may_be_committed:
                    client_request_token = new_client_request_token()
            elif is_outcome_unknown(error):
                may_be_committed = True
            elif not is_refused_for_now(error):
                _check_outcome_known(error, may_be_committed=may_be_committed)
                raise
        else:
            return
        _pause(table, attempt, cause, may_be_committed=may_be_committed)
        attempt += 1


def _put_record(record: Item | None) -> list[Action]:
    return [] if record is None else [Action.put(TransactionRole.CHANGE, record, NOT_EXISTS_CONDITION)]


def _add_table_name(action: Action, name: str) -> dict[str, Any]:
    """Return an action as an element of ``TransactItems``."""
    return {operation: {"TableName": name, **arguments} for operation, arguments in action.request.items()}


def _is_committed(table: Table, record: Item | None) -> bool:
    """Return whether the stored change record belongs to this change: an earlier attempt was committed.

    Raise :class:`Unavailable` if the record cannot be read before the deadline.
    """
    if record is None:
        return False
    try:
        stored = table.get(record["pk"]["S"], record["sk"]["S"])
    except Unavailable as unavailable:
        raise _build_unknown_outcome_error() from unavailable
    return stored is not None and stored["change"] == record["change"]


def _pause(table: Table, attempt: int, cause: RetryCause, *, may_be_committed: bool) -> None:
    try:
        table.deadline.pause(attempt, cause)
    except Unavailable:
        if may_be_committed:
            raise _build_unknown_outcome_error() from None
        raise


def _check_outcome_known(cause: AwsError, *, may_be_committed: bool) -> None:
    if may_be_committed:
        raise _build_unknown_outcome_error() from cause


def _build_unknown_outcome_error() -> Unavailable:
    return Unavailable(
        "The service could not determine whether the change was stored. Read the user to find out. If the change is "
        "missing, send the request again.",
        headers={"Retry-After": "1"},
    )


def _get_cancellation_reasons(error: AwsError) -> Sequence[Mapping[str, Any]]:
    """Return the ``CancellationReasons`` of a cancelled transaction, one for each action."""
    if isinstance(error, ErrorResponse) and error.code == "TransactionCanceledException":
        return error.cancellation_reasons
    return ()


def _find_failed_actions(error: AwsError, actions: Sequence[Action]) -> list[Action]:
    """Return the actions whose conditions failed. Return an empty list for other errors."""
    return [
        action
        for action, reason in zip(actions, _get_cancellation_reasons(error), strict=False)
        if reason.get("Code") == _CONDITION_FAILED_CODE
    ]


def _find_retry_cause(error: AwsError) -> RetryCause:
    is_conflict = any(reason.get("Code") == "TransactionConflict" for reason in _get_cancellation_reasons(error))
    return RetryCause.CONFLICT if is_conflict else RetryCause.UNAVAILABLE


def _is_repeatable_cancellation(error: AwsError) -> bool:
    """Return whether the transaction was cancelled for temporary reasons only, so that a retry can succeed."""
    codes = {str(reason.get("Code")) for reason in _get_cancellation_reasons(error)}
    return bool(codes) and codes <= _TRANSIENT_CODES
