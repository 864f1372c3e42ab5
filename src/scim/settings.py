"""The settings of a deployment, from environment variables that ``template.yaml`` sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic_core import CoreSchema, ValidationError, core_schema

from scim.aws.config import ClientKind
from scim.protocol.document import Members, ValidatedDocument, convert_first, member
from scim.service.limits import MAX_OPERATIONS


def split_names(value: object) -> object:
    """Split a text with names that are separated by commas. Return any other value unchanged."""
    if not isinstance(value, str):
        return value
    return tuple(name for part in value.split(",") if (name := part.strip()))


_REQUIRED_NAME = core_schema.str_schema(min_length=1)
_TEXT = core_schema.str_schema()


def _number(least: int, most: int | None = None) -> CoreSchema:
    return core_schema.int_schema(ge=least, le=most)


class Settings(ValidatedDocument):
    """The settings. The name of each attribute in upper case is the name of its environment variable."""

    MEMBERS: ClassVar[Members] = {
        "table_name": member(_REQUIRED_NAME),
        "secret_prefix": member(_REQUIRED_NAME),
        "master_key_secret": member(_REQUIRED_NAME),
        "public_url": member(_TEXT, ""),
        "indexed_attributes": member(
            convert_first(split_names, core_schema.tuple_schema([_TEXT], variadic_item_index=0)),
            ("externalId", "emails.value"),
        ),
        "change_retention_days": member(_number(0), 400),
        "restored_at": member(_number(0), 0),
        "deactivation_alert_percent": member(_number(1, 100), 20),
        "deactivation_alert_minimum": member(_number(1), 10),
        "rate_limit": member(core_schema.float_schema(gt=0), 25.0),
        "rate_limit_burst": member(_number(MAX_OPERATIONS), 25_000),
        "aws_client": member(core_schema.enum_schema(ClientKind, list(ClientKind), sub_type="str"), ClientKind.WIRE),
        "alert_secret": member(_TEXT, ""),
        "event_bus_name": member(_TEXT, ""),
        "links_queue_url": member(_TEXT, ""),
        "dead_letter_queue_url": member(_TEXT, ""),
        "links_dead_letter_queue_url": member(_TEXT, ""),
    }
    table_name: str
    """The name of the DynamoDB table."""
    secret_prefix: str
    """The prefix of the names of the tenants' secrets. The tenant's id follows it."""
    master_key_secret: str
    """The name or ARN of the secret that contains the master key."""
    public_url: str
    """The SCIM URL in responses, such as https://scim.example.com/scim/v2; empty for the URL of the API."""
    indexed_attributes: tuple[str, ...]
    """The indexed attributes. A filter on any other attribute scans all users."""
    change_retention_days: int
    """The number of days for which change records are kept; 0 for no limit."""
    restored_at: int
    """When the table was restored from a backup, in seconds since 1970; 0 for never (docs/operate/restore.md)."""
    deactivation_alert_percent: int
    """An alert needs more deactivations within an hour than this percentage of the active users; 100 for no alert."""
    deactivation_alert_minimum: int
    """An alert needs at least this number of deactivations within an hour."""
    rate_limit: float
    """The number of writes a second that a customer may send on average."""
    rate_limit_burst: int
    """The number of writes that a customer may send at once. A bulk request must fit."""
    aws_client: ClientKind
    """The code with which users, bulk and discovery call DynamoDB and Secrets Manager."""
    alert_secret: str
    """The name or ARN of the secret with the settings of alerts. Only the function that checks the health has it."""
    event_bus_name: str
    """The name of the event bus. Only the function that publishes events has it."""
    links_queue_url: str
    """The URL of the queue of link tasks."""
    dead_letter_queue_url: str
    """The URL of the dead-letter queue for records of the table's stream."""
    links_dead_letter_queue_url: str
    """The URL of the dead-letter queue for link tasks."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from environment variables. Raise ``ValueError``, which names missing and invalid ones."""
        variables = {name: name.upper() for name in cls.MEMBERS}
        members = {name: environment[variable] for name, variable in variables.items() if variable in environment}
        try:
            return cls.from_members(members)
        except ValidationError as error:
            names = ", ".join(variables[str(details["loc"][0])] for details in error.errors())
            raise ValueError(f"These environment variables are missing or wrong: {names}.") from None
