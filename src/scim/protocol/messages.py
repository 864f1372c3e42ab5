"""The messages that clients send (RFC 7644 section 3.1): PATCH, search and bulk requests.

Their attributes are in lower case, because member names in SCIM are case-insensitive.
:mod:`scim.protocol.resource` parses the resources inside the messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from pydantic_core import ValidationError, core_schema

from scim.protocol.document import (
    ANYTHING,
    INTEGER,
    STRING,
    Members,
    ValidatedDocument,
    convert_first,
    member,
    nullable,
)
from scim.protocol.errors import InvalidSyntax, InvalidValue
from scim.protocol.json_body import lower_member_names
from scim.protocol.leniency import Leniency, LeniencyTracker

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

MAX_PATCH_OPERATIONS = 1_000
"""The maximum number of operations in a PATCH. Each operation can read all values of an attribute."""


class Message(ValidatedDocument):
    """A message from a client. Unknown members are ignored.

    ``urn`` is the URN that ``schemas`` must list. ``None`` means that the message has no ``schemas``.
    """

    urn: ClassVar[str | None] = None


class PatchOperationType(StrEnum):
    """The type of a PATCH operation: the values of ``op`` (RFC 7644 section 3.5.2)."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


class PatchOperation(Message):
    """One operation of a PATCH request (RFC 7644 section 3.5.2)."""

    MEMBERS: ClassVar[Members] = {
        "op": member(
            convert_first(
                lambda op: str(op).lower(),
                core_schema.enum_schema(PatchOperationType, list(PatchOperationType), sub_type="str"),
            )
        ),
        "path": member(nullable(STRING), None),
        "value": member(ANYTHING, None),
    }
    op: PatchOperationType
    path: str | None
    value: Any

    @property
    def has_value(self) -> bool:
        """Return whether the client sent ``value``, even if it is null."""
        return "value" in self.sent_members

    @property
    def new_value(self) -> Any:
        """Return the value that the operation writes. It is ``None`` for ``remove``, whatever the client sent."""
        return None if self.op is PatchOperationType.REMOVE else self.value


class PatchRequest(Message):
    """The body of a PATCH request (RFC 7644 section 3.5.2)."""

    urn = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
    MEMBERS: ClassVar[Members] = {
        "operations": member(
            core_schema.list_schema(PatchOperation.SCHEMA, min_length=1, max_length=MAX_PATCH_OPERATIONS)
        )
    }
    operations: list[PatchOperation]


class SearchRequest(Message):
    """A query: the query string of a GET or the body of a POST to ``/.search`` (RFC 7644 section 3.4.3, RFC 9865)."""

    urn = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
    MEMBERS: ClassVar[Members] = {
        "attributes": member(core_schema.list_schema(STRING), ()),
        "excludedattributes": member(core_schema.list_schema(STRING), ()),
        "filter": member(nullable(STRING), None),
        "sortby": member(nullable(STRING), None),
        "sortorder": member(
            convert_first(lambda order: str(order).lower(), core_schema.literal_schema(["ascending", "descending"])),
            "ascending",
        ),
        "startindex": member(nullable(INTEGER), None),
        "count": member(nullable(INTEGER), None),
        "cursor": member(nullable(STRING), None),
    }
    attributes: Sequence[str]
    excludedattributes: Sequence[str]
    filter: str | None
    sortby: str | None
    sortorder: Literal["ascending", "descending"]
    startindex: int | None
    count: int | None
    cursor: str | None


class BulkOperation(Message):
    """One operation of a bulk request (RFC 7644 section 3.7)."""

    MEMBERS: ClassVar[Members] = {
        "method": member(
            convert_first(
                lambda method: str(method).upper(), core_schema.literal_schema(["POST", "PUT", "PATCH", "DELETE"])
            )
        ),
        "path": member(STRING),
        "bulkid": member(nullable(STRING), None),
        "version": member(nullable(STRING), None),
        "data": member(ANYTHING, None),
    }
    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    path: str
    bulkid: str | None
    version: str | None
    data: Any


class BulkRequest(Message):
    """The body of a bulk request. Its operations are parsed later, one by one, because each can fail separately."""

    urn = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
    MEMBERS: ClassVar[Members] = {
        "failonerrors": member(nullable(core_schema.int_schema(strict=True, ge=1)), None),
        "operations": member(core_schema.list_schema(min_length=1)),
    }
    failonerrors: int | None
    operations: list[Any]


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
        return message_class.from_members(members)
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
