"""What forms let somebody choose: the values of their options, each with its words and with what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, TypeVar

from handlers.console.web import Failure
from scim.service.expiry import DAY_S, FOREVER

Value_co = TypeVar("Value_co", covariant=True)


@dataclass(frozen=True)
class Choice(Generic[Value_co]):
    """``seconds`` is ``None`` for leaving things as they are."""

    words: str
    seconds: Value_co


GRACES: Mapping[str, Choice[float]] = {
    "hour": Choice("an hour", 3_600.0),
    "day": Choice("a day", DAY_S),
    "week": Choice("a week", 7 * DAY_S),
    "none": Choice("no longer: it ends now", 0.0),
}
"""For how long the token before stays valid."""

FIRST_LIFETIMES: Mapping[str, Choice[float]] = {
    "never": Choice("never", FOREVER),
    "quarter": Choice("in 90 days", 90 * DAY_S),
    "year": Choice("in a year", 365 * DAY_S),
}
"""When a token ends."""

LIFETIMES: Mapping[str, Choice[float | None]] = {
    "kept": Choice("after as long as the one before", None),
    **FIRST_LIFETIMES,
}


def chosen(form: Mapping[str, str], name: str, choices: Mapping[str, Choice[Value_co]], default: str) -> Value_co:
    """What a form says, in seconds. Raises :class:`Failure` for what it did not offer."""
    if (found := choices.get(form.get(name, default))) is None:
        raise Failure(HTTPStatus.BAD_REQUEST, "Choose one of what the form offers.")
    return found.seconds
