"""The judges' complaints are compared with the list of deviations."""

import json

import pytest

from tests.judges.conftest import DEVIATIONS
from tests.judges.local_run import Mode
from tests.judges.verdict import Check, Deviation, Judge, Verdict, assess, format_table, load_deviations

LISTED = Deviation(Judge.SCIM_CLIENT, Mode.STRICT, "create", "got 200", "It expects 204.")


def assess_strict(*checks: Check) -> Verdict:
    return assess(Judge.SCIM_CLIENT, Mode.STRICT, checks, [LISTED])


def test_listed_complaint_is_accepted() -> None:
    verdict = assess_strict(Check("create", "expected 204, got 200"), Check("delete"))

    assert verdict.format_faults() == ""
    assert format_table([verdict]).splitlines()[1].split() == ["scim-client", "strict", "2", "1", "1", "0"]


@pytest.mark.parametrize("check", [Check("create", "expected 204, got 400"), Check("delete", "got 200")])
def test_other_complaint_fails(check: Check) -> None:
    verdict = assess_strict(Check("create", "got 200"), check)

    assert verdict.format_faults() == f"{check.name}: {check.problem}"


def test_deviation_that_no_longer_occurs_fails() -> None:
    assert "create: delete this deviation" in assess_strict(Check("create")).format_faults()


@pytest.mark.parametrize(("judge", "mode"), [(Judge.SCIM_CLIENT, Mode.TOLERANT), (Judge.DATABRICKS_SDK, Mode.STRICT)])
def test_deviation_holds_for_its_judge_and_mode(judge: Judge, mode: Mode) -> None:
    verdict = assess(judge, mode, [Check("create", "got 200")], [LISTED])

    assert (len(verdict.failed), verdict.outdated) == (1, [])


def test_deviations_are_complete() -> None:
    """Every deviation has a problem and a reason, and is listed once."""
    deviations = load_deviations(DEVIATIONS)

    assert all(deviation.problem and deviation.reason.endswith(".") for deviation in deviations)
    keys = [(deviation.judge, deviation.mode, deviation.check) for deviation in deviations]
    assert len(keys) == len(set(keys))
    assert all(
        set(entry) == {"judge", "modes", "checks", "problem", "reason"} for entry in json.loads(DEVIATIONS.read_text())
    )
