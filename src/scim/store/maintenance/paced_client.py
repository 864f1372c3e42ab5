"""A DynamoDB client that tells a pacer what each call has consumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from scim.aws.errors import AwsError, ErrorResponse, is_outcome_unknown, is_refused_for_now
from scim.service.deadline import Deadline
from scim.service.maintenance.pacer import Pacer
from scim.store.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PATIENCE_S = 60.0
"""Long work fails if DynamoDB has served none of its calls for this many seconds."""
_READS = frozenset({"get_item", "batch_get_item", "query", "scan", "transact_get_items"})


class PacedClient:
    """A DynamoDB client whose calls a pacer slows down. It has the methods of the client.

    Long work has no deadline. :attr:`remaining_s` is less than :data:`PATIENCE_S` only while calls fail.
    """

    def __init__(self, client: DynamoDBClient, pacer: Pacer, now: Callable[[], float]) -> None:
        self._client = client
        self._pacer = pacer
        self._now = now
        self._failing_since: float | None = None

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        """Return a method of the client that charges the pacer."""
        call = getattr(self._client, operation)
        is_read = operation in _READS

        def call_and_charge(**arguments: Any) -> Any:
            try:
                response = call(**arguments, ReturnConsumedCapacity="TOTAL")
            except AwsError as error:
                if _is_answer(error):
                    self._failing_since = None
                elif self._failing_since is None:
                    self._failing_since = self._now()
                raise
            self._failing_since = None
            units = _sum_units(response)
            self._pacer.charge(*((units, 0.0) if is_read else (0.0, units)))
            return response

        return call_and_charge

    @property
    def remaining_s(self) -> float:
        """Return for how many more seconds calls may fail."""
        failing_since = self._failing_since
        return PATIENCE_S if failing_since is None else PATIENCE_S - (self._now() - failing_since)


def open_paced_table(
    client: DynamoDBClient,
    name: str,
    pacer: Pacer,
    now: Callable[[], float],
    sleep: Callable[[float], None],
    restored_at: int = 0,
) -> Table:
    """Return a table whose calls the pacer slows down. All stores can use it.

    ``now`` returns seconds of a clock that never goes back. ``restored_at`` is that of :class:`Table`.
    """
    paced = PacedClient(client, pacer, now)
    return Table(cast("DynamoDBClient", paced), name, Deadline(lambda: paced.remaining_s, sleep), restored_at)


def _is_answer(error: AwsError) -> bool:
    """Return whether DynamoDB has processed the call, so that it is available: for example, a condition failed."""
    if not isinstance(error, ErrorResponse) or is_outcome_unknown(error) or is_refused_for_now(error):
        return False
    reasons = error.cancellation_reasons
    return not reasons or any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons)


def _sum_units(response: Mapping[str, Any]) -> float:
    """Return the units that a call has consumed, also in the indexes. Batches and transactions list them by table."""
    consumed = response.get("ConsumedCapacity") or ()
    tables = [consumed] if isinstance(consumed, Mapping) else consumed
    return float(sum(table["CapacityUnits"] for table in tables))
