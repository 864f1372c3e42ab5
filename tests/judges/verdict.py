"""Compare the complaints of a judge with the deviations that are not ours."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.judges.local_run import Mode


class Judge(StrEnum):
    """An independent SCIM client or test suite."""

    DATABRICKS_SDK = "databricks-sdk"
    MICROSOFT_POSTMAN = "microsoft-postman"
    SCIM2_CLI = "scim2-cli"
    SCIM2_CLIENT = "scim2-client"
    SCIM2_TESTER = "scim2-tester"
    SCIM_CLIENT = "scim-client"
    SCIM_SANITY = "scim-sanity"
    SCIM_SANITY_ENTRA = "scim-sanity, entra"


@dataclass(frozen=True)
class Check:
    """One check of a judge. ``problem`` is what the judge complains about; it is empty if the check passed."""

    name: str
    problem: str = ""


@dataclass(frozen=True)
class Deviation:
    """A complaint that is not ours: ``problem`` is a part of its text, ``reason`` says why it is not ours."""

    judge: Judge
    mode: Mode
    check: str
    problem: str
    reason: str

    def explains(self, check: Check) -> bool:
        """Return whether a check fails by this deviation."""
        return check.name == self.check and bool(check.problem) and self.problem in check.problem


@dataclass(frozen=True)
class Verdict:
    """The result of a judge on a tenant.

    Attributes:
        passed: The checks without a complaint.
        accepted: The checks that fail by a deviation that is not ours.
        failed: The checks that fail by something else.
        outdated: The deviations that did not occur.
    """

    judge: Judge
    mode: Mode
    passed: Sequence[Check]
    accepted: Sequence[Check]
    failed: Sequence[Check]
    outdated: Sequence[Deviation]

    def format_faults(self) -> str:
        """Return a line for each failed check and for each outdated deviation. The text is empty if there are none."""
        lines = [f"{check.name}: {check.problem}" for check in self.failed]
        lines += [f"{deviation.check}: delete this deviation, it did not occur" for deviation in self.outdated]
        return "\n".join(lines)


def load_deviations(path: Path) -> list[Deviation]:
    """Return the deviations of a file.

    The file is a list of objects with the members of ``Deviation``. It has ``modes`` and ``checks``, which are lists,
    instead of ``mode`` and ``check``.
    """
    return [
        Deviation(Judge(entry["judge"]), Mode(mode), check, entry["problem"], entry["reason"])
        for entry in json.loads(path.read_text())
        for mode in entry["modes"]
        for check in entry["checks"]
    ]


def assess(judge: Judge, mode: Mode, checks: Iterable[Check], deviations: Iterable[Deviation]) -> Verdict:
    """Return the verdict on the checks of one judge on one tenant."""
    relevant = [deviation for deviation in deviations if (deviation.judge, deviation.mode) == (judge, mode)]
    passed: list[Check] = []
    accepted: list[Check] = []
    failed: list[Check] = []
    occurred: set[Deviation] = set()
    for check in checks:
        reasons = {deviation for deviation in relevant if deviation.explains(check)}
        occurred |= reasons
        (passed if not check.problem else accepted if reasons else failed).append(check)
    return Verdict(judge, mode, passed, accepted, failed, [item for item in relevant if item not in occurred])


def format_table(verdicts: Iterable[Verdict]) -> str:
    """Return a line for each verdict."""
    lines = [f"{'judge':<20}{'tenant':<10}{'checks':>8}{'passed':>8}{'not ours':>10}{'failed':>8}"]
    for verdict in sorted(verdicts, key=lambda verdict: (verdict.judge, verdict.mode)):
        passed, accepted, failed = len(verdict.passed), len(verdict.accepted), len(verdict.failed)
        lines.append(
            f"{verdict.judge:<20}{verdict.mode:<10}{passed + accepted + failed:>8}{passed:>8}{accepted:>10}{failed:>8}"
        )
    return "\n".join(lines)
