"""The envelopes of RFC 7644: what clients send around resources, and what they get.

Pydantic reads them, names without case; the resources inside are read by :mod:`scim.protocol.resource`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from scim.protocol.errors import InvalidSyntax, InvalidValue
from scim.protocol.json_body import lower_member_names
from scim.protocol.leniency import Dialect, Leniency

BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


# Each one may go through all the values of an attribute; no provider comes near.
MAX_PATCH_OPERATIONS = 1_000


class Message(BaseModel):
    """An envelope; ``urn`` is the schema that it must name. Unknown members are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    urn: ClassVar[str | None] = None


class PatchOperation(Message):
    """One operation of a PATCH (section 3.5.2). A ``value`` of null is one; that it was sent shows in ``has_value``."""

    op: Annotated[Literal["add", "remove", "replace"], BeforeValidator(lambda op: str(op).lower())]
    path: StrictStr | None = None
    value: Any = None

    @property
    def has_value(self) -> bool:
        """Whether the operation has a value, be it null."""
        return "value" in self.model_fields_set

    @property
    def new_value(self) -> Any:
        """The value that is to be there afterwards: for a removal none."""
        return None if self.op == "remove" else self.value


class PatchRequest(Message):
    urn = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
    operations: list[PatchOperation] = Field(min_length=1, max_length=MAX_PATCH_OPERATIONS)


class SearchRequest(Message):
    """A query, from the query string of a GET or from the body of a POST to ``/.search`` (section 3.4.3, RFC 9865)."""

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
    """One operation of a bulk request (section 3.7)."""

    method: Annotated[
        Literal["POST", "PUT", "PATCH", "DELETE"],
        BeforeValidator(lambda method: str(method).upper()),
    ]
    path: StrictStr
    bulkid: StrictStr | None = None
    version: StrictStr | None = None
    data: Any = None


class BulkRequest(Message):
    """The operations are read one by one, since each of them fails alone."""

    urn = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
    failonerrors: StrictInt | None = Field(default=None, ge=1)
    operations: list[Any] = Field(min_length=1)


M = TypeVar("M", bound=Message)


def parse_message(kind: type[M], body: Any, dialect: Dialect) -> M:
    """The message in a body. Raises :class:`InvalidSyntax` or :class:`InvalidValue`, naming the member at fault."""
    if not isinstance(body, dict):
        raise InvalidSyntax("The body must be a JSON object.")
    members = _without_case(body)
    if kind.urn is not None:
        _check_urn(kind.urn, members.get("schemas"), dialect)
    if isinstance(operations := members.get("operations"), list) and kind is PatchRequest:
        members["operations"] = [_without_case(each) if isinstance(each, dict) else each for each in operations]
    return build_message(kind, {name: value for name, value in members.items() if value is not None})


def build_message(kind: type[M], members: dict[str, Any]) -> M:
    """The message with these members, named in lower case. Raises as :func:`parse_message`."""
    try:
        return kind.model_validate(members)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        structural = first["type"] in ("missing", "too_short", "literal_error", "model_type")
        raise (InvalidSyntax if structural else InvalidValue)(
            f"The request's {where or 'body'} is wrong: {first['msg']}."
        ) from None


def _without_case(members: dict[str, Any]) -> dict[str, Any]:
    lowered = lower_member_names(members)
    if len(lowered) != len(members):
        raise InvalidSyntax("The body has the same member twice, in different cases: send it once.")
    return lowered


def _check_urn(urn: str, schemas: Any, dialect: Dialect) -> None:
    if schemas is None and dialect.tolerate(Leniency.MISSING_SCHEMAS):
        return
    if not isinstance(schemas, list) or urn.lower() not in [str(each).lower() for each in schemas]:
        raise InvalidSyntax(f'The body is not the message expected here: its schemas must be ["{urn}"].')
