"""The settings of a deployment, from environment variables that ``template.yaml`` sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from scim.aws.config import ClientKind
from scim.service.limits import MAX_OPERATIONS


def split_names(value: object) -> object:
    """Split a text with names that are separated by commas. Return any other value unchanged."""
    if not isinstance(value, str):
        return value
    return tuple(name for part in value.split(",") if (name := part.strip()))


class Settings(BaseModel):
    """The settings. The alias of each field is the name of its environment variable."""

    model_config = ConfigDict(frozen=True)

    table_name: str = Field(alias="TABLE_NAME", min_length=1)
    """The name of the DynamoDB table."""
    secret_prefix: str = Field(alias="SECRET_PREFIX", min_length=1)
    """The prefix of the names of the tenants' secrets. The tenant's id follows it."""
    master_key_secret: str = Field(alias="MASTER_KEY_SECRET", min_length=1)
    """The name or ARN of the secret that contains the master key."""
    public_url: str = Field(default="", alias="PUBLIC_URL")
    """The SCIM URL in responses, such as https://scim.example.com/scim/v2; empty for the URL of the API."""
    indexed_attributes: Annotated[tuple[str, ...], BeforeValidator(split_names)] = Field(
        default=("externalId", "emails.value"), alias="INDEXED_ATTRIBUTES"
    )
    """The indexed attributes. A filter on any other attribute scans all users."""
    change_retention_days: int = Field(default=400, alias="CHANGE_RETENTION_DAYS", ge=0)
    """The number of days for which change records are kept; 0 for no limit."""
    restored_at: int = Field(default=0, alias="RESTORED_AT", ge=0)
    """When the table was restored from a backup, in seconds since 1970; 0 for never (docs/operate/restore.md)."""
    deactivation_alert_percent: int = Field(default=20, alias="DEACTIVATION_ALERT_PERCENT", ge=1, le=100)
    """An alert needs more deactivations within an hour than this percentage of the active users; 100 for no alert."""
    deactivation_alert_minimum: int = Field(default=10, alias="DEACTIVATION_ALERT_MINIMUM", ge=1)
    """An alert needs at least this number of deactivations within an hour."""
    rate_limit: float = Field(default=25.0, alias="RATE_LIMIT", gt=0)
    """The number of writes a second that a customer may send on average."""
    rate_limit_burst: int = Field(default=25_000, alias="RATE_LIMIT_BURST", ge=MAX_OPERATIONS)
    """The number of writes that a customer may send at once. A bulk request must fit."""
    aws_client: ClientKind = Field(default=ClientKind.WIRE, alias="AWS_CLIENT")
    """The code with which users, bulk and discovery call DynamoDB and Secrets Manager."""
    event_bus_name: str = Field(default="", alias="EVENT_BUS_NAME")
    """The name of the event bus. Only the function that publishes events has it."""
    links_queue_url: str = Field(default="", alias="LINKS_QUEUE_URL")
    """The URL of the queue of link tasks."""
    dead_letter_queue_url: str = Field(default="", alias="DEAD_LETTER_QUEUE_URL")
    """The URL of the dead-letter queue for records of the table's stream."""
    links_dead_letter_queue_url: str = Field(default="", alias="LINKS_DEAD_LETTER_QUEUE_URL")
    """The URL of the dead-letter queue for link tasks."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from environment variables. Raise ``ValueError``, which names missing and invalid ones."""
        try:
            return cls.model_validate(dict(environment))
        except ValidationError as error:
            names = ", ".join(str(details["loc"][0]) for details in error.errors())
            raise ValueError(f"These environment variables are missing or wrong: {names}.") from None
