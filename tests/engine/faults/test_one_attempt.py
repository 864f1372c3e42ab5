"""A fault of one attempt of a call to AWS: another attempt succeeds, unless the deadline has passed."""

from pathlib import Path

import pytest

from tests.engine.faults.conftest import CheckCases
from tests.engine.faults.kinds import FaultKind
from tests.engine.faults.matrix import Matrix


@pytest.mark.parametrize("kind", FaultKind, ids=lambda kind: kind.name.lower())
def test_fault_of_one_attempt(kind: FaultKind, check_cases: CheckCases) -> None:
    check_cases(kind, is_repeated=False)


def test_documented_numbers_of_cases(matrix: Matrix) -> None:
    page = (Path(__file__).parents[3] / "docs/operate/failures-of-aws.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.partition("| fault |")[2].splitlines()[2:]]
    documented = {cells[0]: (cells[1], cells[4] if len(cells) > 4 else "") for cells in rows if len(cells) > 1}
    actual = {
        kind.value: (
            str(len(list(matrix.list_cases(kind, is_repeated=False)))),
            "" if kind.is_deadline else str(len(list(matrix.list_cases(kind, is_repeated=True)))),
        )
        for kind in FaultKind
    }
    assert documented == actual
