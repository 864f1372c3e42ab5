"""The settings of a deployment: environment variables, which ``template.yaml`` sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError


def names(text: object) -> object:
    """The names in a text that separates them by commas; what is no text as it is."""
    return tuple(name for each in text.split(",") if (name := each.strip())) if isinstance(text, str) else text


class Settings(BaseModel):
    """Each field is read from the environment variable that is its alias."""

    model_config = ConfigDict(frozen=True)

    table_name: str = Field(alias="TABLE_NAME", min_length=1)
    """The DynamoDB table."""
    secret_prefix: str = Field(alias="SECRET_PREFIX", min_length=1)
    """What the name of a tenant's secret begins with; the tenant's id follows."""
    master_key_secret: str = Field(alias="MASTER_KEY_SECRET", min_length=1)
    """The secret of the master key, its name or ARN: keys for tokens, cursors and console sessions come from it."""
    public_url: str = Field(default="", alias="PUBLIC_URL")
    """The base URL that answers show, such as https://scim.example.com/scim/v2; empty for that of the API itself."""
    indexed_attributes: Annotated[tuple[str, ...], BeforeValidator(names)] = Field(
        default=("externalId", "emails.value"), alias="INDEXED_ATTRIBUTES"
    )
    """The attributes by which users are found without a walk, separated by commas."""
    change_retention_days: int = Field(default=400, alias="CHANGE_RETENTION_DAYS", ge=0)
    """How long change records are kept; 0 is for ever."""
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
        """Raises ``ValueError`` that names the variables that are missing or wrong."""
        try:
            return cls.model_validate(dict(environment))
        except ValidationError as error:
            wrong = ", ".join(str(each["loc"][0]) for each in error.errors())
            raise ValueError(f"These environment variables are missing or wrong: {wrong}.") from None
