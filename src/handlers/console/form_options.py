"""What forms let somebody choose: the values of their options, each with its words and with what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, TypeVar

from handlers.console.response import PageError
from scim.service.model.token import DAY_S, NEVER_EXPIRES

Value_co = TypeVar("Value_co", covariant=True)


@dataclass(frozen=True)
class FormOption(Generic[Value_co]):
    """``seconds`` is ``None`` for leaving things as they are."""

    words: str
    seconds: Value_co


GRACES: Mapping[str, FormOption[float]] = {
    "hour": FormOption("an hour", 3_600.0),
    "day": FormOption("a day", DAY_S),
    "week": FormOption("a week", 7 * DAY_S),
    "none": FormOption("no longer: it ends now", 0.0),
}
"""For how long the token before stays valid."""

FIRST_LIFETIMES: Mapping[str, FormOption[float]] = {
    "never": FormOption("never", NEVER_EXPIRES),
    "quarter": FormOption("in 90 days", 90 * DAY_S),
    "year": FormOption("in a year", 365 * DAY_S),
}
"""When a token ends."""

LIFETIMES: Mapping[str, FormOption[float | None]] = {
    "kept": FormOption("after as long as the one before", None),
    **FIRST_LIFETIMES,
}


def read_option(
    form: Mapping[str, str], name: str, choices: Mapping[str, FormOption[Value_co]], default: str
) -> Value_co:
    """What a form says, in seconds. Raises :class:`PageError` for what it did not offer."""
    if (found := choices.get(form.get(name, default))) is None:
        raise PageError(HTTPStatus.BAD_REQUEST, "Choose one of what the form offers.")
    return found.seconds
