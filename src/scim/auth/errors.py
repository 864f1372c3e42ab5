"""The error of a secret that an operator has to repair."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class MalformedSecret(Exception):
    """A secret was edited by hand, and its value does not have the form that the service expects.

    The message goes into the log line ``fault``. It names the secret and what to do, and never holds a part of the
    secret's value.
    """


def list_wrong_fields(error: ValidationError) -> str:
    """Return the names of the fields that are wrong, separated by commas, without their values."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(".".join(map(str, details["loc"])) or "the JSON" for details in errors)
