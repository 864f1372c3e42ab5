"""The settings of the console, which no other function reads."""

from __future__ import annotations

from pydantic import Field

from scim.settings import Settings


class ConsoleSettings(Settings):
    """The settings of every function, and the secrets that operators sign in with."""

    password_secret: str = Field(alias="PASSWORD_SECRET", min_length=1)
    """The secret that holds the operator's password: its name or ARN."""
    openid_secret: str = Field(alias="OPENID_SECRET", min_length=1)
    """The secret with the settings of the company's OpenID provider, if operators sign in there: its name or ARN."""
