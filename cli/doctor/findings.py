"""What a check of the command ``doctor`` found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from cli.aws_errors import DENIED_CODES, describe_aws_error, find_denied_action
from scim.aws.errors import AwsError

if TYPE_CHECKING:
    from cli.doctor.target import Target


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    """It works, but it is not safe, or could not be checked."""
    FAULT = "fault"
    """It does not work, or data can be lost."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of the output.

    ``subject`` names what was checked. ``next_step`` says what to do, empty for nothing. ``missing_permission`` is the
    IAM action that the operator's identity lacks, empty for none.
    """

    subject: str
    level: Level
    detail: str
    next_step: str = ""
    missing_permission: str = ""


Check = Callable[["Target"], Iterator[Finding]]
"""Yields what it finds. It may raise :class:`AwsError`."""


def run_check(subject: str, check: Check, target: Target) -> Iterator[Finding]:
    """Yield the findings of a check. A call to AWS that fails is a finding, too: it ends only this check."""
    try:
        yield from check(target)
    except AwsError as error:
        yield describe_failed_check(subject, error)


def describe_failed_check(subject: str, error: AwsError) -> Finding:
    """Return the finding that a check could not be completed."""
    if error.code in DENIED_CODES:
        action = find_denied_action(error).partition(" ")[0]
        detail = f"Not checked, because your AWS identity lacks the permission {action}."
        return Finding(subject, Level.WARNING, detail, f"Ask for {action}, or use another identity.", action)
    return Finding(subject, Level.FAULT, describe_aws_error(error))
