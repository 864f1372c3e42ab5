"""A change record, as the table's stream brings it.

What arrives here was written by ``store.items.change``; a record that was not is refused, and never half read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from scim.service.ports import LINK
from scim.store.keys import CHANGES


class Malformed(ValueError):
    """The record is none of ours. Says which of its attributes are wrong, and shows no value."""


def _typed(descriptor: str) -> BeforeValidator:
    """Unwraps one of DynamoDB's attribute values, such as ``{"S": "text"}``."""

    def unwrapped(value: object) -> object:
        if isinstance(value, Mapping) and descriptor in value:
            return value[descriptor]
        raise ValueError(f"no attribute value of type {descriptor}")

    return BeforeValidator(unwrapped)


Text = Annotated[str, Field(min_length=1), _typed("S")]


class LinkedTo(BaseModel):
    """An attribute, and the id of the user that its reference leads to."""

    model_config = ConfigDict(frozen=True)

    attribute: Text
    id: Text


class ChangeRecord(BaseModel):
    """The image of an item ``C#<id>#<version>``, or behind it the number of a change of links (docs/data-model.md)."""

    model_config = ConfigDict(frozen=True)

    pk: Annotated[str, Field(pattern=r"^T#[a-z0-9-]{1,40}$"), _typed("S")]
    sk: Annotated[str, Field(pattern=r"^C#[0-9a-f-]{36}#[0-9]{10}(#[0-9]{10})?$"), _typed("S")]
    change: Text
    at: Annotated[AwareDatetime, _typed("S")]
    operation: Annotated[Literal["create", "replace", "patch", "delete", "link"], _typed("S")]
    changed: Annotated[list[Text], _typed("L")]
    participation: Annotated[Literal["joined", "left", "unchanged"], _typed("S")]
    request: Text
    resource_type: Text = Field(alias="resourceType")
    user_name: Text = Field(alias="userName")
    external_id: Text | None = Field(default=None, alias="externalId")
    active: Annotated[bool, _typed("BOOL")]
    lost: Annotated[frozenset[str], _typed("SS")] = Field(default=frozenset(), alias="handles")
    dropped: Annotated[frozenset[str], _typed("SS")] = frozenset()
    links: Annotated[list[Annotated[LinkedTo, _typed("M")]], _typed("L")] = []

    @property
    def tenant(self) -> str:
        return self.pk.partition("#")[2]

    @property
    def id(self) -> str:
        return self.sk.split("#")[1]

    @property
    def sequence(self) -> int:
        """Counts the changes of one resource: its version, and the next one for its deletion."""
        return int(self.sk.split("#")[2])

    @property
    def link_sequence(self) -> int:
        """Counts the changes of links within one version; 0 for a change of the resource itself."""
        return int(self.sk.split("#")[3]) if self.operation == LINK else 0


def is_change(record: Mapping[str, Any]) -> bool:
    """Whether a stream record may be about a new change record; what can't be told is taken for one.

    The mapping's filter lets nothing else pass (``template.yaml``); this holds without it too.
    """
    sort = _found(record, "dynamodb", "Keys", "sk", "S")
    return record.get("eventName", "INSERT") == "INSERT" and (not isinstance(sort, str) or sort.startswith(CHANGES))


def read(record: Mapping[str, Any]) -> ChangeRecord:
    """The change record in a stream record. Raises :class:`Malformed`."""
    try:
        return ChangeRecord.model_validate(_found(record, "dynamodb", "NewImage"))
    except ValidationError as error:
        wrong = sorted({str(each["loc"][0]) if each["loc"] else "NewImage" for each in error.errors()})
        raise Malformed(", ".join(wrong)) from None


def _found(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
