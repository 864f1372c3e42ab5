"""The settings of the console, which no other function reads."""

from __future__ import annotations

from typing import ClassVar

from pydantic_core import core_schema

from scim.protocol.document import Members, member
from scim.settings import Settings


class ConsoleSettings(Settings):
    """The settings of every function, and the secrets that operators sign in with."""

    MEMBERS: ClassVar[Members] = {
        **Settings.MEMBERS,
        "password_secret": member(core_schema.str_schema(min_length=1)),
        "openid_secret": member(core_schema.str_schema(min_length=1)),
    }
    password_secret: str
    """The secret that holds the operator's password: its name or ARN."""
    openid_secret: str
    """The secret with the settings of the company's OpenID provider, if operators sign in there: its name or ARN."""
