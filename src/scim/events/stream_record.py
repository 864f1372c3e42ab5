"""Parse the change records in the table's stream. :mod:`scim.store.items` encodes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from scim.service.model.change_record import Operation, Participation
from scim.store.keys import CHANGE_PREFIX


class MalformedRecord(ValueError):
    """The stream record contains no valid change record. The message names the invalid attributes, but no values."""


def _unwrap(descriptor: str) -> BeforeValidator:
    """Return a validator that extracts the value of a DynamoDB attribute value, such as ``{"S": "text"}``."""

    def unwrap(value: object) -> object:
        if isinstance(value, Mapping) and descriptor in value:
            return value[descriptor]
        raise ValueError(f"no attribute value of type {descriptor}")

    return BeforeValidator(unwrap)


NonEmptyText = Annotated[str, Field(min_length=1), _unwrap("S")]
AnyText = Annotated[str, _unwrap("S")]
"""A string that may be empty: in strict mode, empty strings are stored as they were sent."""


class StreamedLink(BaseModel):
    """A link: the name of the attribute, and the id of the user that it refers to."""

    model_config = ConfigDict(frozen=True)

    attribute: NonEmptyText
    id: NonEmptyText


class StreamedChange(BaseModel):
    """A change record: the image of an item ``C#<id>#<version>``, or ``C#<id>#<version>#<number>`` for changed links.

    The aliases are the names of the stored attributes (docs/contribute/data-model.md). The model must accept the change
    of every user that can be stored (``tests/events/test_generated_users.py``).
    """

    model_config = ConfigDict(frozen=True)

    pk: Annotated[str, Field(pattern=r"^T#[a-z0-9-]{1,40}$"), _unwrap("S")]
    sk: Annotated[str, Field(pattern=r"^C#[0-9a-f-]{36}#[0-9]{10}(#[0-9]{10})?$"), _unwrap("S")]
    change_id: NonEmptyText = Field(alias="change")
    at: Annotated[AwareDatetime, _unwrap("S")]
    operation: Annotated[Operation, _unwrap("S")]
    attributes_changed: Annotated[list[NonEmptyText], _unwrap("L")] = Field(alias="changed")
    participation: Annotated[Participation, _unwrap("S")]
    request_id: AnyText = Field(alias="request")
    resource_type: NonEmptyText = Field(alias="resourceType")
    user_name: AnyText = Field(alias="userName")  # empty for an erasure
    external_id: AnyText | None = Field(default=None, alias="externalId")
    active: Annotated[bool, _unwrap("BOOL")]
    former_identifier_hashes: Annotated[frozenset[str], _unwrap("SS")] = Field(default=frozenset(), alias="handles")
    removed_reference_hashes: Annotated[frozenset[str], _unwrap("SS")] = Field(default=frozenset(), alias="dropped")
    may_affect_links: Annotated[bool, _unwrap("BOOL")] = Field(default=False, alias="mayAffectLinks")
    links: Annotated[list[Annotated[StreamedLink, _unwrap("M")]], _unwrap("L")] = []

    @field_validator("user_name")
    @classmethod
    def _check_user_name(cls, user_name: str, info: ValidationInfo) -> str:
        if not user_name and info.data.get("operation") is not Operation.ERASE:
            raise ValueError("only an erasure has no user name")
        return user_name

    @property
    def tenant_id(self) -> str:
        """The id of the tenant."""
        return self.pk.partition("#")[2]

    @property
    def id(self) -> str:
        """The id of the user."""
        return self.sk.split("#")[1]

    @property
    def sequence(self) -> int:
        """The number of the change among all changes of the user.

        It is the version after the change. For a deletion it is the last version plus one.
        """
        return int(self.sk.split("#")[2])

    @property
    def link_sequence(self) -> int:
        """The number of the change among the link changes of one version, 0 for a change of the user itself."""
        return int(self.sk.split("#")[3]) if self.operation is Operation.LINK else 0


def is_change(record: Mapping[str, Any]) -> bool:
    """Return whether a stream record contains a new change record. Return true for a malformed record without a key.

    The filter of the event source mapping (``template.yaml``) already excludes other records. This check does not rely
    on the filter.
    """
    sort = _get(record, "dynamodb", "Keys", "sk", "S")
    return record.get("eventName", "INSERT") == "INSERT" and (
        not isinstance(sort, str) or sort.startswith(CHANGE_PREFIX)
    )


def parse_stream_record(record: Mapping[str, Any]) -> StreamedChange:
    """Return the change record in a stream record. Raise :class:`MalformedRecord`."""
    try:
        return StreamedChange.model_validate(_get(record, "dynamodb", "NewImage"))
    except ValidationError as error:
        names = sorted({str(detail["loc"][0]) if detail["loc"] else "NewImage" for detail in error.errors()})
        raise MalformedRecord(", ".join(names)) from None


def _get(value: object, *names: str) -> object:
    """Return the member of nested objects at a path of names, ``None`` if there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
