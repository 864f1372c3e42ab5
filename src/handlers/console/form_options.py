"""The options of the select fields in forms: the label of each option and its number of seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, TypeVar

from handlers.console.response import PageError
from scim.service.model.token import DAY_S, NEVER_EXPIRES

Seconds_co = TypeVar("Seconds_co", covariant=True)


@dataclass(frozen=True)
class FormOption(Generic[Seconds_co]):
    """An option of a select field. ``seconds`` is ``None`` for no change."""

    label: str
    seconds: Seconds_co


GRACE_PERIODS: Mapping[str, FormOption[float]] = {
    "hour": FormOption("1 hour", 3_600.0),
    "day": FormOption("1 day", DAY_S),
    "week": FormOption("1 week", 7 * DAY_S),
    "none": FormOption("revoke it immediately", 0.0),
}
"""How long the previous token stays valid."""

FIRST_LIFETIMES: Mapping[str, FormOption[float]] = {
    "never": FormOption("never", NEVER_EXPIRES),
    "quarter": FormOption("in 90 days", 90 * DAY_S),
    "year": FormOption("in 1 year", 365 * DAY_S),
}
"""How long the first token of a tenant is valid."""

LIFETIMES: Mapping[str, FormOption[float | None]] = {
    "kept": FormOption("same lifetime as the current token", None),
    **FIRST_LIFETIMES,
}
"""How long a new token of a tenant is valid."""


def read_option(
    form: Mapping[str, str], name: str, options: Mapping[str, FormOption[Seconds_co]], default: str
) -> Seconds_co:
    """Return the seconds of the selected option. Raise :class:`PageError` if the form has another value."""
    option = options.get(form.get(name, default))
    if option is None:
        raise PageError(HTTPStatus.BAD_REQUEST, "Select one of the options in the form.")
    return option.seconds
