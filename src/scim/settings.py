"""The settings of a deployment: environment variables, which ``template.yaml`` sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError


def split_names(value: object) -> object:
    """Return the names in a text that separates them by commas; return a value that is not text unchanged."""
    if not isinstance(value, str):
        return value
    return tuple(name for part in value.split(",") if (name := part.strip()))


class Settings(BaseModel):
    """Each field is read from the environment variable that is its alias."""

    model_config = ConfigDict(frozen=True)

    table_name: str = Field(alias="TABLE_NAME", min_length=1)
    """The DynamoDB table."""
    secret_prefix: str = Field(alias="SECRET_PREFIX", min_length=1)
    """The prefix of the name of each tenant's secret; the tenant's id follows it."""
    master_key_secret: str = Field(alias="MASTER_KEY_SECRET", min_length=1)
    """The name or ARN of the secret of the master key: keys for tokens, cursors and sessions are derived from it."""
    public_url: str = Field(default="", alias="PUBLIC_URL")
    """The base URL in responses, such as https://scim.example.com/scim/v2; empty for the URL of the API itself."""
    indexed_attributes: Annotated[tuple[str, ...], BeforeValidator(split_names)] = Field(
        default=("externalId", "emails.value"), alias="INDEXED_ATTRIBUTES"
    )
    """The indexed attributes, separated by commas: filters on other attributes scan all users."""
    change_retention_days: int = Field(default=400, alias="CHANGE_RETENTION_DAYS", ge=0)
    """The number of days for which change records are kept; 0 for no limit."""
    event_bus_name: str = Field(default="", alias="EVENT_BUS_NAME")
    """The event bus for changes of users; only the function that publishes events has one."""
    links_queue_url: str = Field(default="", alias="LINKS_QUEUE_URL")
    """The queue of the changes that may affect links."""
    dead_letter_queue_url: str = Field(default="", alias="DEAD_LETTER_QUEUE_URL")
    """The queue of the stream records that cannot become events."""
    links_dead_letter_queue_url: str = Field(default="", alias="LINKS_DEAD_LETTER_QUEUE_URL")
    """The queue of the messages whose links cannot be updated."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Return the settings in the environment. Raise ``ValueError`` that names the missing and invalid variables."""
        try:
            return cls.model_validate(dict(environment))
        except ValidationError as error:
            names = ", ".join(str(details["loc"][0]) for details in error.errors())
            raise ValueError(f"These environment variables are missing or wrong: {names}.") from None
