"""A change record, as the table's stream brings it.

``store.items.change`` has written it. A record that something else has written is rejected as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from scim.service.model.change_record import Operation, Participation
from scim.store.keys import CHANGE_PREFIX


class MalformedRecord(ValueError):
    """The stream record holds no change record. Names the attributes that are wrong, and shows no value."""


def _typed(descriptor: str) -> BeforeValidator:
    """Unwrap one of DynamoDB's attribute values, such as ``{"S": "text"}``."""

    def unwrap(value: object) -> object:
        if isinstance(value, Mapping) and descriptor in value:
            return value[descriptor]
        raise ValueError(f"no attribute value of type {descriptor}")

    return BeforeValidator(unwrap)


Text = Annotated[str, Field(min_length=1), _typed("S")]
AnyText = Annotated[str, _typed("S")]
"""Also the empty string: a strict tenant stores what it is sent."""


class LinkedReference(BaseModel):
    """An attribute, and the id of the user that its reference leads to."""

    model_config = ConfigDict(frozen=True)

    attribute: Text
    id: Text


class StreamedChange(BaseModel):
    """The image of an item ``C#<id>#<version>``, or ``C#<id>#<version>#<number>`` for new links (docs/data-model.md).

    Its rules must hold for every user that can be stored (``tests/events/test_every_user.py``).
    """

    model_config = ConfigDict(frozen=True)

    pk: Annotated[str, Field(pattern=r"^T#[a-z0-9-]{1,40}$"), _typed("S")]
    sk: Annotated[str, Field(pattern=r"^C#[0-9a-f-]{36}#[0-9]{10}(#[0-9]{10})?$"), _typed("S")]
    change: Text
    at: Annotated[AwareDatetime, _typed("S")]
    operation: Annotated[Operation, _typed("S")]
    changed: Annotated[list[Text], _typed("L")]
    participation: Annotated[Participation, _typed("S")]
    request: AnyText
    resource_type: Text = Field(alias="resourceType")
    user_name: Text = Field(alias="userName")
    external_id: AnyText | None = Field(default=None, alias="externalId")
    active: Annotated[bool, _typed("BOOL")]
    former_identifier_hashes: Annotated[frozenset[str], _typed("SS")] = Field(default=frozenset(), alias="handles")
    removed_references: Annotated[frozenset[str], _typed("SS")] = Field(default=frozenset(), alias="dropped")
    may_affect_links: Annotated[bool, _typed("BOOL")] = Field(default=False, alias="mayAffectLinks")
    links: Annotated[list[Annotated[LinkedReference, _typed("M")]], _typed("L")] = []

    @property
    def tenant(self) -> str:
        return self.pk.partition("#")[2]

    @property
    def id(self) -> str:
        return self.sk.split("#")[1]

    @property
    def sequence(self) -> int:
        """The number of the change among those of one resource: its version, and the next one for its deletion."""
        return int(self.sk.split("#")[2])

    @property
    def link_sequence(self) -> int:
        """The number of the change among those of the links of one version; 0 for a change of the resource itself."""
        return int(self.sk.split("#")[3]) if self.operation is Operation.LINK else 0


def is_change(record: Mapping[str, Any]) -> bool:
    """Return whether a stream record may hold a new change record; a record that shows no key may.

    The mapping's filter lets nothing else pass (``template.yaml``). The check holds without it too.
    """
    sort = _get(record, "dynamodb", "Keys", "sk", "S")
    return record.get("eventName", "INSERT") == "INSERT" and (
        not isinstance(sort, str) or sort.startswith(CHANGE_PREFIX)
    )


def parse_stream_record(record: Mapping[str, Any]) -> StreamedChange:
    """Return the change record in a stream record. Raises :class:`MalformedRecord`."""
    try:
        return StreamedChange.model_validate(_get(record, "dynamodb", "NewImage"))
    except ValidationError as error:
        wrong = sorted({str(each["loc"][0]) if each["loc"] else "NewImage" for each in error.errors()})
        raise MalformedRecord(", ".join(wrong)) from None


def _get(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
