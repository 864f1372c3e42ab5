"""The settings of the console, which no other function reads nor has the models of."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from scim.settings import Settings, names


class ConsoleSettings(Settings):
    """What the console needs besides."""

    password_secret: str = Field(alias="PASSWORD_SECRET", min_length=1)
    """The secret that holds the operator's password: its name or ARN."""
    openid_secret: str = Field(alias="OPENID_SECRET", min_length=1)
    """The secret that tells of the company's OpenID provider, if operators sign in there: its name or ARN."""


class OpenIdSettings(BaseModel):
    """What :attr:`ConsoleSettings.openid_secret` holds, as JSON; without an issuer the password opens the console."""

    model_config = ConfigDict(frozen=True)

    issuer: str = ""
    client_id: str = ""
    client_secret: str = Field(default="", repr=False)
    groups: Annotated[tuple[str, ...], BeforeValidator(names)] = ()
    groups_claim: str = "groups"
    domains: Annotated[tuple[str, ...], BeforeValidator(names)] = ()

    @model_validator(mode="after")
    def _names_who_may_in(self) -> Self:
        if self.issuer and not (self.client_id and self.client_secret):
            raise ValueError("An OpenID provider needs a client id and a client secret.")
        if self.issuer and not (self.groups or self.domains):
            raise ValueError("An OpenID provider needs allowed groups or domains, else all its users were operators.")
        return self
