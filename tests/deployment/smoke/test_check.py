"""Running checks in order."""

import itertools
from collections.abc import Callable

import pytest

from deployment.smoke.check import Check, CheckFailed, NotApplicable, Outcome, Result, run_checks, select_checks
from deployment.smoke.report import format_table


def _raise(error: BaseException) -> Callable[[str], str]:
    def run(_: str) -> str:
        raise error

    return run


def _build(name: str, run: Callable[[str], str] = str.upper, *requires: str) -> Check[str]:
    return Check(name, "a claim", "Do this.", run, requires)


def _run(*checks: Check[str]) -> dict[str, tuple[Outcome, str]]:
    clock = itertools.count().__next__
    return {result.name: (result.outcome, result.detail) for result in run_checks(checks, "subject", clock)}


def test_check_gets_subject_and_returns_detail() -> None:
    assert _run(_build("a")) == {"a": (Outcome.PASSED, "SUBJECT")}


def test_failure_shows_observation_and_remedy() -> None:
    results = _run(_build("a", _raise(CheckFailed("It is off."))), _build("b"))
    assert results["a"] == (Outcome.FAILED, "It is off. Do this.")
    assert results["b"][0] is Outcome.PASSED


def test_unexpected_error_is_failure() -> None:
    assert _run(_build("a", _raise(KeyError("TableName"))))["a"] == (Outcome.FAILED, "KeyError: 'TableName' Do this.")


@pytest.mark.parametrize("error", [CheckFailed("It is off."), NotApplicable("no key")])
def test_check_is_not_run_without_prerequisite(error: Exception) -> None:
    results = _run(_build("a", _raise(error)), _build("b", str.upper, "a"), _build("c", str.upper, "b"))
    assert results["b"] == (Outcome.NOT_RUN, "requires a")
    assert results["c"] == (Outcome.NOT_RUN, "requires b")


def test_interrupted_run_reports_remaining_checks() -> None:
    results = _run(_build("a"), _build("b", _raise(KeyboardInterrupt())), _build("c"))
    assert [outcome for outcome, _ in results.values()] == [Outcome.PASSED, Outcome.NOT_RUN, Outcome.NOT_RUN]


def test_seconds_are_those_of_check() -> None:
    clock = iter([10.0, 12.5]).__next__
    (result,) = run_checks([_build("a")], "subject", clock)
    assert result.seconds == 2.5


def test_selection_includes_prerequisites_in_order() -> None:
    checks = [_build("a"), _build("b", str.upper, "a"), _build("c"), _build("d", str.upper, "b")]
    assert [check.name for check in select_checks(checks, "d")] == ["a", "b", "d"]


def test_unknown_selection_lists_checks() -> None:
    with pytest.raises(ValueError, match=r"no check 'x'. The checks are: a, b"):
        select_checks([_build("a"), _build("b")], "x")


def test_table_has_columns_and_counts() -> None:
    results = [Result("a", Outcome.PASSED, 0.26, "all"), Result("bulk", Outcome.NOT_APPLICABLE, 0, "off")]
    assert format_table(results).splitlines() == [
        "check  result          seconds  detail",
        "a      passed              0.3  all",
        "bulk   not applicable      0.0  off",
        "",
        "1 passed, 1 not applicable",
    ]
