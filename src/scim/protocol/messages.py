"""The messages that clients send (RFC 7644 section 3.1): PATCH, search and bulk requests.

Pydantic validates them. Field names are in lower case, because member names in SCIM are case-insensitive.
:mod:`scim.protocol.resource` parses the resources inside the messages.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from scim.protocol.errors import InvalidSyntax, InvalidValue
from scim.protocol.json_body import lower_member_names
from scim.protocol.leniency import Leniency, LeniencyTracker

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

MAX_PATCH_OPERATIONS = 1_000
"""The maximum number of operations in a PATCH. Each operation can read all values of an attribute."""


class Message(BaseModel):
    """A message from a client. Unknown members are ignored.

    ``urn`` is the URN that ``schemas`` must list. ``None`` means that the message has no ``schemas``.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    urn: ClassVar[str | None] = None


class PatchOperationType(StrEnum):
    """The type of a PATCH operation: the values of ``op`` (RFC 7644 section 3.5.2)."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


class PatchOperation(Message):
    """One operation of a PATCH request (RFC 7644 section 3.5.2)."""

    op: Annotated[PatchOperationType, BeforeValidator(lambda op: str(op).lower())]
    path: StrictStr | None = None
    value: Any = None

    @property
    def has_value(self) -> bool:
        """Return whether the client sent ``value``, even if it is null."""
        return "value" in self.model_fields_set

    @property
    def new_value(self) -> Any:
        """Return the value that the operation writes. It is ``None`` for ``remove``, whatever the client sent."""
        return None if self.op is PatchOperationType.REMOVE else self.value


class PatchRequest(Message):
    """The body of a PATCH request (RFC 7644 section 3.5.2)."""

    urn = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
    operations: list[PatchOperation] = Field(min_length=1, max_length=MAX_PATCH_OPERATIONS)


class SearchRequest(Message):
    """A query: the query string of a GET or the body of a POST to ``/.search`` (RFC 7644 section 3.4.3, RFC 9865)."""

    urn = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
    attributes: list[StrictStr] = []
    excludedattributes: list[StrictStr] = []
    filter: StrictStr | None = None
    sortby: StrictStr | None = None
    sortorder: Annotated[Literal["ascending", "descending"], BeforeValidator(lambda order: str(order).lower())] = (
        "ascending"
    )
    startindex: StrictInt | None = None
    count: StrictInt | None = None
    cursor: StrictStr | None = None


class BulkOperation(Message):
    """One operation of a bulk request (RFC 7644 section 3.7)."""

    method: Annotated[
        Literal["POST", "PUT", "PATCH", "DELETE"],
        BeforeValidator(lambda method: str(method).upper()),
    ]
    path: StrictStr
    bulkid: StrictStr | None = None
    version: StrictStr | None = None
    data: Any = None


class BulkRequest(Message):
    """The body of a bulk request. Its operations are parsed later, one by one, because each can fail separately."""

    urn = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
    failonerrors: StrictInt | None = Field(default=None, ge=1)
    operations: list[Any] = Field(min_length=1)


MessageT = TypeVar("MessageT", bound=Message)

MEMBER_NAMES = {
    "excludedattributes": "excludedAttributes",
    "sortby": "sortBy",
    "sortorder": "sortOrder",
    "startindex": "startIndex",
    "bulkid": "bulkId",
    "failonerrors": "failOnErrors",
    "operations": "Operations",
}
"""The names of members, as the RFCs spell them, by their lower-case names."""


def parse_message(message_class: type[MessageT], body: Any, leniencies: LeniencyTracker) -> MessageT:
    """Parse a JSON body into a message.

    Raise :class:`InvalidSyntax` for a wrong structure and :class:`InvalidValue` for a wrong value. Both name the
    member.
    """
    if not isinstance(body, dict):
        raise InvalidSyntax("The request body must be a JSON object.")
    members = _lower_unique_names(body)
    if message_class.urn is not None:
        _check_schemas(message_class.urn, members.get("schemas"), leniencies)
    if isinstance(operations := members.get("operations"), list) and message_class is PatchRequest:
        members["operations"] = [
            _lower_unique_names(operation) if isinstance(operation, dict) else operation for operation in operations
        ]
    return build_message(message_class, {name: value for name, value in members.items() if value is not None})


def build_message(message_class: type[MessageT], members: dict[str, Any]) -> MessageT:
    """Build a message from its members, which have lower-case names. Raise the same errors as :func:`parse_message`."""
    try:
        return message_class.model_validate(members)
    except ValidationError as error:
        first_error = error.errors(include_url=False, include_context=False, include_input=False)[0]
        is_structural = first_error["type"] in ("missing", "too_short", "literal_error", "enum", "model_type")
        error_class = InvalidSyntax if is_structural else InvalidValue
        raise error_class(_describe_error(first_error)) from None


def _describe_error(error: ErrorDetails) -> str:
    """Return a sentence on a validation error, such as ``Operations[0].op is required.``, without the value."""
    location = ""
    for part in error["loc"]:
        location += f"[{part}]" if isinstance(part, int) else f".{MEMBER_NAMES.get(part, part)}"
    location = location.removeprefix(".") or "The request body"
    match error["type"]:
        case "missing":
            return f"{location} is required."
        case "too_short":
            return f"{location} must not be empty."
        case "too_long":
            return f"{location} can have at most {MAX_PATCH_OPERATIONS:,} elements."
        case "model_type":
            return f"{location} must be a JSON object."
        case _:
            expectation = error["msg"].removeprefix("Input should be ").replace("a valid integer", "an integer")
            return f"{location} must be {expectation.replace('a valid ', 'a ')}."


def _lower_unique_names(members: dict[str, Any]) -> dict[str, Any]:
    """Return the members by their lower-case names. Raise :class:`InvalidSyntax` if two have the same name."""
    members_by_lower_name = lower_member_names(members)
    if len(members_by_lower_name) != len(members):
        raise InvalidSyntax("The request body has two members whose names differ only in case. Send the member once.")
    return members_by_lower_name


def _check_schemas(urn: str, schemas: Any, leniencies: LeniencyTracker) -> None:
    """Raise :class:`InvalidSyntax` unless ``schemas`` lists the message's URN."""
    if schemas is None and leniencies.tolerate(Leniency.MISSING_SCHEMAS):
        return
    if not isinstance(schemas, list) or urn.lower() not in [str(schema).lower() for schema in schemas]:
        raise InvalidSyntax(f'The request body is not the expected message. Its schemas must be ["{urn}"].')
