"""The state of the operations of a bulk request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scim.protocol.errors import ScimError
from scim.protocol.json_body import lower_member_names
from scim.protocol.messages import BulkOperation
from scim.service.resources.bulk.order import OperationNode
from scim.service.resources.bulk.unique_values import UniqueValueChanges
from scim.service.resources.context import ServiceContext

Result = dict[str, Any]


@dataclass(slots=True)
class BulkOperationState:
    """The state of one operation while a bulk request is executed.

    Attributes:
        raw_operation: The operation as the client sent it.
        context: The context of the request, with the leniencies of this operation.
        operation: The parsed operation, or the error if it cannot be parsed.
        node: The dependencies of the operation.
        created_id: The id of the resource that a POST creates. It is chosen before any operation runs.
        error: The error of the operation, ``None`` if it has not failed.
        is_skipped: Whether the operation was not attempted because the time had run out.
        unique_values: The unique values that the last attempt has changed.
        result: The result in the bulk response. It has a ``status`` only if the operation was attempted.
    """

    raw_operation: Any
    context: ServiceContext
    operation: BulkOperation | ScimError
    node: OperationNode = field(default_factory=OperationNode)
    created_id: str | None = None
    error: ScimError | None = field(init=False)
    is_skipped: bool = field(init=False)
    unique_values: UniqueValueChanges = field(init=False)
    result: Result = field(init=False)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Return to the state before an attempt."""
        self.error, self.is_skipped, self.unique_values = None, False, UniqueValueChanges()
        members = lower_member_names(self.raw_operation)
        identification = {"method": members.get("method"), "bulkId": members.get("bulkid")}
        self.result = {name: value for name, value in identification.items() if isinstance(value, str)}

    @property
    def has_ended(self) -> bool:
        """Whether the operation has succeeded or failed."""
        return "status" in self.result

    def fail(self, error: ScimError, *, is_skipped: bool = False) -> None:
        """Set the error, and the result that reports it."""
        self.error, self.is_skipped = error, is_skipped
        self.result |= {"status": str(error.status), "response": error.to_message()}
