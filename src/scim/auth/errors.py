"""The error for a secret that was edited by hand and cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ValidationError


class MalformedSecret(Exception):
    """A secret was edited by hand, and its value does not have the expected form. An operator must repair it.

    The message is logged in the line ``fault``. It names the secret and says what to do. It never contains any part of
    the secret's value.
    """


def list_wrong_fields(error: ValidationError) -> str:
    """Return the names of the invalid fields, separated by commas, without their values."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(".".join(map(str, details["loc"])) or "the JSON" for details in errors)
