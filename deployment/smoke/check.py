"""Run checks in order. A check whose prerequisite did not pass is not run."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

Subject = TypeVar("Subject")


class Outcome(StrEnum):
    """The outcome of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"
    """A prerequisite did not pass, or the run was interrupted."""
    NOT_APPLICABLE = "not applicable"
    """A parameter of the stack turns off what the check is about."""


class CheckFailed(Exception):
    """The stack is not as it should be. The message says what was observed."""


class NotApplicable(Exception):
    """The check does not apply to this stack. The message says why."""


@dataclass(frozen=True)
class Check(Generic[Subject]):
    """One check.

    Attributes:
        name: The name in the table of results.
        claim: What holds if the check passes.
        remedy: What to do if it fails.
        run: The function that checks. It returns a detail for the table, and raises :class:`CheckFailed` or
            :class:`NotApplicable`.
        requires: The names of the checks that must pass before.
    """

    name: str
    claim: str
    remedy: str
    run: Callable[[Subject], str]
    requires: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """The result of a check."""

    name: str
    outcome: Outcome
    seconds: float
    detail: str


def select_checks(checks: Sequence[Check[Subject]], name: str) -> list[Check[Subject]]:
    """Return a check by its name, and those that it requires, in order. Raise ``ValueError`` for an unknown name."""
    by_name = {check.name: check for check in checks}
    if name not in by_name:
        raise ValueError(f"There is no check {name!r}. The checks are: {', '.join(by_name)}.")
    needed = {name}
    for check in reversed(checks):
        if check.name in needed:
            needed.update(check.requires)
    return [check for check in checks if check.name in needed]


def run_checks(
    checks: Iterable[Check[Subject]], subject: Subject, clock: Callable[[], float] = time.monotonic
) -> Iterator[Result]:
    """Run the checks in order, and yield the result of each.

    An error that is not expected is a failure too, so that the other checks still run. After Ctrl-C, the remaining
    checks are not run.
    """
    passed: set[str] = set()
    is_interrupted = False
    for check in checks:
        missing = [name for name in check.requires if name not in passed]
        if is_interrupted or missing:
            reason = "interrupted" if is_interrupted else f"requires {', '.join(missing)}"
            yield Result(check.name, Outcome.NOT_RUN, 0.0, reason)
            continue
        started = clock()
        try:
            outcome, detail = _run_check(check, subject)
        except KeyboardInterrupt:
            is_interrupted = True
            outcome, detail = Outcome.NOT_RUN, "interrupted"
        if outcome is Outcome.PASSED:
            passed.add(check.name)
        yield Result(check.name, outcome, clock() - started, detail)


def _run_check(check: Check[Subject], subject: Subject) -> tuple[Outcome, str]:
    try:
        return Outcome.PASSED, check.run(subject)
    except NotApplicable as error:
        return Outcome.NOT_APPLICABLE, str(error)
    except CheckFailed as error:
        return Outcome.FAILED, f"{error} {check.remedy}"
    except Exception as error:  # noqa: BLE001  # the other checks have to run, and the table shows the error
        return Outcome.FAILED, f"{type(error).__name__}: {error} {check.remedy}"
